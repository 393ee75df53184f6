# Writes models.json: svyglm on the generated sample of tests/weighting and on api; average
# marginal effects with an infinitesimal jackknife over PSUs (each PSU's weights moved by ±h,
# the model refitted, the effect averaged again), which knows nothing of influence functions.
# Run: Rscript tests/models/oracles/models.R
suppressMessages({library(survey); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex); d$e <- factor(d$education); d$g <- factor(d$governorate)
d$unit <- paste(d$stratum, d$psu)
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
# glm stops when the deviance no longer changes, which is flat at the optimum: with links that are not
# canonical the coefficients are then off by 1e-8, so the fit is started again where it stopped.
tight <- list(epsilon = 1e-300, maxit = 60)
fit <- function(f, des, fam) {
  m <<- suppressWarnings(svyglm(f, des, family = fam, control = tight))
  for (again in 1:12) m <<- suppressWarnings(svyglm(f, des, family = fam, control = tight, start = coef(m)))
  list(estimate = as.numeric(coef(m)), se = as.numeric(SE(m)), df = m$df.residual,
       vcov = unname(vcov(m)), p = as.numeric(summary(m)$coefficients[, 4]))
}

effect <- function(w, use, formula, variable, low, high, group) {
  dd <- d[use, ]; dd$.w <- w[use] / mean(d$weight)
  m <- suppressWarnings(glm(formula, data = dd, weights = .w, family = quasibinomial(), control = tight))
  if (is.null(low)) {
    eta <- predict(m, dd); p <- plogis(eta); dx <- p * (1 - p) * coef(m)[[variable]]
  } else {
    hi <- dd; hi[[variable]] <- factor(high, levels = levels(d[[variable]]))
    lo <- dd; lo[[variable]] <- factor(low, levels = levels(d[[variable]]))
    dx <- predict(m, hi, type = "response") - predict(m, lo, type = "response")
  }
  if (is.null(group)) sum(dd$.w * dx) / sum(dd$.w)
  else as.numeric(tapply(dd$.w * dx, dd[[group]], sum) / tapply(dd$.w, dd[[group]], sum))
}
jackknifed <- function(formula, variable, low = NULL, high = NULL, group = NULL, use = NULL, h = 1e-4) {
  full <- complete.cases(d[, all.vars(formula)])
  use <- if (is.null(use)) full else use & full
  units <- unique(d[, c("stratum", "unit")])
  point <- effect(d$weight, use, formula, variable, low, high, group)
  slopes <- sapply(units$unit, function(u) {
    up <- d$weight * ifelse(d$unit == u, 1 + h, 1); down <- d$weight * ifelse(d$unit == u, 1 - h, 1)
    (effect(up, use, formula, variable, low, high, group) -
       effect(down, use, formula, variable, low, high, group)) / (2 * h)
  })
  slopes <- matrix(slopes, ncol = nrow(units))
  v <- matrix(0, nrow(slopes), nrow(slopes))
  for (stratum in unique(units$stratum)) {
    z <- slopes[, units$stratum == stratum, drop = FALSE]; n <- ncol(z)
    z <- z - rowMeans(z); v <- v + n / (n - 1) * z %*% t(z)
  }
  list(estimate = point, vcov = v)
}

data(api)
strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc)
clus2 <- svydesign(id = ~dnum + snum, weights = ~pw, data = apiclus2, fpc = ~fpc1 + fpc2)
inter <- employed ~ s * e + age
plain <- employed ~ s + e + age
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey")),
  logit = fit(plain, design, quasibinomial()),
  interaction = fit(inter, design, quasibinomial()),
  women = fit(employed ~ e + age, subset(design, sex == 2), quasibinomial()),
  gaussian = fit(income ~ s + e + age, design, gaussian()),
  poisson = fit(children ~ s + age, design, quasipoisson()),
  probit = fit(employed ~ s + age, design, quasibinomial(link = "probit")),
  cloglog = fit(employed ~ s + age, design, quasibinomial(link = "cloglog")),
  apistrat = fit(I(sch.wide == "Yes") ~ ell + meals + mobility, strat, quasibinomial()),
  apiclus2 = fit(api00 ~ ell + meals + mobility, clus2, gaussian()),
  apiclus2_logit = fit(I(sch.wide == "Yes") ~ meals + stype, clus2, quasibinomial()),
  ame_sex = jackknifed(inter, "s", "1", "2"),
  ame_education = jackknifed(plain, "e", "1", "5"),
  ame_age = jackknifed(plain, "age"),
  ame_sex_by_urban = jackknifed(inter, "s", "1", "2", group = "urban"),
  ame_sex_young = jackknifed(plain, "s", "1", "2", use = d$age < 40)
)
write(toJSON(out, digits = 16, auto_unbox = TRUE), file.path(here, "models.json"))
