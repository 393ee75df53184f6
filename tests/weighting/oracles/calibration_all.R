# Writes calibration_all.json: R survey's calibrate() with every distance, with bounds, of households and to
# numbers, and trimWeights(), on generated.csv and, of package survey, apiclus1.
# Run: Rscript tests/weighting/oracles/calibration_all.R
suppressMessages({library(survey); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "generated.csv"))
d$s <- factor(d$sex); d$u <- factor(d$urban)
block <- d$stratum * 100 + d$psu
d$flat <- ave(d$weight, block)
# Households: runs of three rows within a PSU.
d$hh <- block * 100 + ave(block, block, FUN = function(x) (seq_along(x) - 1) %/% 3)
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
flat <- svydesign(~psu + hh, strata = ~stratum, weights = ~flat, data = d, nest = TRUE)

total <- round(sum(d$weight))
sums <- colSums(d$weight * cbind(d$sex == 2, d$urban == 2, d$age, d$income))
targets <- list(total = total, sex2 = round(1.08 * sums[1]), urban2 = round(1.15 * sums[2]),
                age = round(1.03 * sums[3]), income = round(1.04 * sums[4]))
pop <- c(`(Intercept)` = total, s2 = targets$sex2, u2 = targets$urban2, age = targets$age, income = targets$income)
both <- function(x) list(estimate = as.numeric(coef(x)), se = as.numeric(SE(x)))
answers <- function(des) list(
  weights = as.numeric(weights(des)),
  mean_employed = both(svymean(~employed, des, na.rm = TRUE)),
  total_children = both(svytotal(~children, des, na.rm = TRUE)),
  employed_by_u = both(svyby(~employed, ~u, des, svymean, na.rm = TRUE)),
  ratio = both(svyratio(~income, ~children, des, na.rm = TRUE)))
cal <- function(fun, bounds = c(-Inf, Inf), ...)
  answers(calibrate(design, ~s + u + age + income, pop, calfun = fun, bounds = bounds, epsilon = 1e-12, maxit = 500, ...))
cats <- c(`(Intercept)` = total, s2 = targets$sex2, u2 = targets$urban2)

out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey")),
  targets = targets,
  linear = cal("linear"), raking = cal("raking"), logit = cal("logit", c(0.5, 2)),
  linear_bounded = cal("linear", c(0.6, 1.5)), raking_bounded = cal("raking", c(0.6, 1.7)),
  logit_categories = answers(calibrate(design, ~s + u, cats, calfun = "logit", bounds = c(0.6, 1.7), epsilon = 1e-12, maxit = 500)),
  household_linear = answers(calibrate(flat, ~s + u + age, c(cats, age = targets$age), calfun = "linear", aggregate.stage = 2)),
  household_raking = answers(calibrate(flat, ~s + u + age, c(cats, age = targets$age), calfun = "raking", aggregate.stage = 2,
                                       epsilon = 1e-12, maxit = 500)))
data(api)
clus1 <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc)
pop.api <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
api <- function(fun, bounds = c(-Inf, Inf)) {
  des <- calibrate(clus1, ~stype + api99, pop.api, calfun = fun, bounds = bounds, epsilon = 1e-12, maxit = 500)
  list(mean_api00 = both(svymean(~api00, des)), total_enroll = both(svytotal(~enroll, des)))
}
out$api_linear <- api("linear"); out$api_raking <- api("raking"); out$api_logit <- api("logit", c(0.5, 1.8))
out$api_linear_bounded <- api("linear", c(0.6, 1.6))
jack <- rake(as.svrepdesign(clus1), list(~stype, ~sch.wide),
             list(data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018)),
                  data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))),
             control = list(maxit = 200, epsilon = 1e-9))
out$api_jackknife <- list(mean_api00 = both(svymean(~api00, jack)), total_enroll = both(svytotal(~enroll, jack)))
write(toJSON(out, digits = 17, auto_unbox = TRUE), file.path(here, "calibration_all.json"))
