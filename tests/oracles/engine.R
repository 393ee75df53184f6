# Reference numbers for the survey engine, from R's survey package.
# Run from this folder:  Rscript engine.R     (reads jordan_like.csv, writes engine.json)
suppressMessages(library(survey))
library(jsonlite)

d <- read.csv("jordan_like.csv")
d$education <- factor(d$education)
d$one <- 1
out <- list()

design_of <- function(kind) {
  small <- d[d$keep_lonely == 1, ]
  switch(kind,
    wr = svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE),
    fpc1 = svydesign(~psu, strata = ~stratum, weights = ~weight, fpc = ~fpc1, data = d, nest = TRUE),
    two_stage = svydesign(~psu + household, strata = ~stratum, weights = ~weight,
                          fpc = ~fpc1 + fpc2, data = d, nest = TRUE),
    unclustered = svydesign(~1, strata = ~stratum, weights = ~weight, data = d),
    srs = svydesign(~1, weights = ~weight, data = d),
    lonely = svydesign(~psu, strata = ~stratum, weights = ~weight, data = small, nest = TRUE))
}

# A domain keeps every row with weight zero (drop = FALSE), so that every stratum stays.
domain_of <- function(design, domain) {
  v <- design$variables
  rows <- switch(domain, all = rep(TRUE, nrow(v)), region1 = v$region == 1, region2 = v$region == 2,
                 region3 = v$region == 3, women = v$sex == 2, women24 = v$sex == 2 & v$governorate == 24)
  design[rows, , drop = FALSE]
}

known <- function(design, variables) {
  design[complete.cases(design$variables[, variables, drop = FALSE]), , drop = FALSE]
}

answer <- function(kind, rule, domain, statistic, estimate, se, vars, design, deff = NULL) {
  out[[length(out) + 1]] <<- list(design = kind, rule = rule, domain = domain, statistic = statistic,
    estimate = as.vector(estimate), std_error = as.vector(se), deff = as.vector(deff),
    df = degf(known(design, vars)), n = sum(weights(known(design, vars)) > 0))
}

one_design <- function(kind, rule, domains) {
  options(survey.lonely.psu = rule)
  full <- design_of(kind)
  for (domain in domains) {
    s <- domain_of(full, domain)
    m <- svymean(~income, s, na.rm = TRUE, deff = "replace")
    answer(kind, rule, domain, "mean_income", coef(m), SE(m), "income", s, deff(m))
    m <- svymean(~employed, s, na.rm = TRUE, deff = "replace")
    answer(kind, rule, domain, "mean_employed", coef(m), SE(m), "employed", s, deff(m))
    m <- svymean(~education, s, deff = "replace")
    answer(kind, rule, domain, "share_education", coef(m), SE(m), "education", s, as.vector(deff(m)))
    m <- svytotal(~income, s, na.rm = TRUE)
    answer(kind, rule, domain, "total_income", coef(m), SE(m), "income", s)
    m <- svytotal(~one, s)
    answer(kind, rule, domain, "count", coef(m), SE(m), "one", s)
    m <- svyratio(~income, ~hours, s, na.rm = TRUE)
    answer(kind, rule, domain, "ratio_income_hours", coef(m), SE(m), "income", s)
  }
}

domains <- c("all", "region1", "region2", "region3", "women", "women24")
for (kind in c("wr", "fpc1", "two_stage", "unclustered", "srs")) one_design(kind, "fail", domains)
for (rule in c("remove", "certainty", "adjust", "average")) one_design("lonely", rule, domains)

options(survey.lonely.psu = "fail")
wr <- design_of("wr")
total_deff <- svytotal(~income, wr, na.rm = TRUE, deff = "replace")

# Differences of domain means are regression coefficients: they check the covariance between domains.
gap <- svyglm(income ~ factor(region), known(wr, "income"))
two <- svyglm(income ~ factor(region), known(design_of("two_stage"), "income"))
logodds <- svycontrast(svymean(~employed, wr, na.rm = TRUE), quote(log(employed / (1 - employed))))

ci <- list()
for (domain in domains) {
  s <- known(domain_of(wr, domain), "employed")
  # subset, not zero weights: svyciprop(beta) counts rows for n
  s <- subset(wr, !is.na(employed) & rownames(wr$variables) %in% rownames(s$variables)[weights(s) > 0])
  for (method in c("logit", "beta", "mean")) {
    x <- svyciprop(~employed, s, method = method)
    ci[[length(ci) + 1]] <- list(domain = domain, method = method, interval = as.vector(attr(x, "ci")))
  }
}

shares <- svymean(~education, wr)
joint <- regTermTest(gap, ~factor(region))

write_json(list(
  versions = list(R = R.version.string, survey = as.character(packageVersion("survey"))),
  cells = out,
  total_deff = as.vector(deff(total_deff)),
  gaps = list(wr = list(estimate = as.vector(coef(gap)[2:3]), vcov = unname(vcov(gap)[2:3, 2:3])),
              two_stage = list(estimate = as.vector(coef(two)[2:3]), vcov = unname(vcov(two)[2:3, 2:3]))),
  joint_chisq = as.vector(joint$Ftest * joint$df),
  log_odds = list(estimate = as.vector(coef(logodds)), std_error = as.vector(SE(logodds))),
  shares_vcov = unname(vcov(shares)),
  intervals = ci
), "engine.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
