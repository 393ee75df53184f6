# Writes calibration.json: R survey's answers on generated.csv, apiclus1 and apistrat.
# Run: Rscript tests/weighting/oracles/calibration.R
suppressMessages({library(survey); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "generated.csv"))
d$gov <- factor(d$governorate); d$s <- factor(d$sex); d$u <- factor(d$urban)
d$band <- cut(d$age, c(0, 24, 39, 59, 100), labels = 1:4)
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)

gov <- round(tapply(d$weight, d$gov, sum) * seq(0.8, 1.2, length.out = 12))
total <- sum(gov)
sex <- c("1" = round(total * 0.52), "2" = total - round(total * 0.52))
band <- c("1" = round(total * 0.29), "2" = round(total * 0.33), "3" = round(total * 0.28))
band <- c(band, "4" = total - sum(band))

both <- function(x) list(estimate = as.numeric(coef(x)), se = as.numeric(SE(x)))
answers <- function(des) {
  fit <- svyglm(employed ~ s + age, des, family = quasibinomial(),
                control = list(epsilon = 1e-14, maxit = 100))
  list(
    weights = as.numeric(weights(des)),
    mean_income = both(svymean(~income, des)),
    total_income = both(svytotal(~income, des)),
    mean_employed = both(svymean(~employed, des, na.rm = TRUE)),
    income_by_sex = both(svyby(~income, ~s, des, svymean)),
    employed_by_gov = both(svyby(~employed, ~gov, des, svymean, na.rm = TRUE)),
    ratio = both(svyratio(~income, ~age, des)),
    logit = both(fit), df = fit$df.residual)
}
pop <- function(gov, sex, band) c(`(Intercept)` = sum(gov), gov[-1] |> setNames(paste0("gov", names(gov)[-1])),
                                  s2 = sex[["2"]], setNames(band[-1], paste0("band", 2:4)))
raking <- calibrate(design, ~gov + s + band, pop(gov, sex, band), calfun = "raking",
                    epsilon = 1e-13, maxit = 200)
linear <- calibrate(design, ~gov + s + band, pop(gov, sex, band), calfun = "linear")
ages <- total * 38.5
mixed <- calibrate(design, ~gov + age, c(`(Intercept)` = total, setNames(gov[-1], paste0("gov", names(gov)[-1])), age = ages),
                   calfun = "linear")
post <- postStratify(design, ~gov, data.frame(gov = names(gov), Freq = as.numeric(gov)))
raked <- rake(design, list(~gov, ~s, ~band),
              list(data.frame(gov = names(gov), Freq = as.numeric(gov)),
                   data.frame(s = names(sex), Freq = as.numeric(sex)),
                   data.frame(band = names(band), Freq = as.numeric(band))),
              control = list(maxit = 500, epsilon = 1e-9))

data(api)
clus1 <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc)
totals <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, sch.wideYes = 5122)
api <- function(des) list(mean_api00 = both(svymean(~api00, des)), total_enroll = both(svytotal(~enroll, des)),
                          by_stype = both(svyby(~api00, ~stype, des, svymean)))
strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc)
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey")),
  targets = list(gov = as.list(gov), sex = as.list(sex), band = as.list(band), age_total = ages),
  raking = answers(raking), linear = answers(linear), mixed = answers(mixed),
  poststratify = answers(post), rake = answers(raked),
  apiclus1_raking = api(calibrate(clus1, ~stype + sch.wide, totals, calfun = "raking", epsilon = 1e-13)),
  apiclus1_linear = api(calibrate(clus1, ~stype + sch.wide, totals, calfun = "linear")),
  apistrat_api99 = api(calibrate(strat, ~api99, c(`(Intercept)` = 6194, api99 = 3914069), calfun = "linear"))
)
write(toJSON(out, digits = 17, auto_unbox = TRUE), file.path(here, "calibration.json"))
