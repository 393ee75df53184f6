# Reference numbers for quantiles, moments, percent tables, standardised rates, intervals and
# design effects, from R's survey package.
# Run from this folder:  Rscript describe.R   (reads ../../oracles/jordan_like.csv, writes describe.json)
suppressMessages(library(survey))
library(jsonlite)
options(survey.lonely.psu = "fail")

d <- read.csv("../../oracles/jordan_like.csv")
d$agegroup <- cut(d$age, c(0, 29, 44, 59, 200), labels = FALSE)
d$factor_education <- factor(d$education)
d$factor_sex <- factor(d$sex)

designs <- list(
  wr = svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE),
  two_stage = svydesign(~psu + household, strata = ~stratum, weights = ~weight,
                        fpc = ~fpc1 + fpc2, data = d, nest = TRUE),
  unclustered = svydesign(~1, strata = ~stratum, weights = ~weight, data = d))
domains <- list(all = rep(TRUE, nrow(d)), region2 = d$region == 2, women = d$sex == 2,
                women24 = d$sex == 2 & d$governorate == 24)

out <- list(quantile = list(), variance = list(), correlation = list(), table = list(),
            standard = list(), interval = list(), effect = list())
add <- function(what, ...) out[[what]][[length(out[[what]]) + 1]] <<- list(...)

rules <- c("math", "school", "hf1", "hf2", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9")
probs <- c(0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
for (kind in names(designs)) for (domain in names(domains)) {
  s <- subset(designs[[kind]], domains[[domain]] & !is.na(d$income))
  cases <- rbind(expand.grid(rule = rules, interval = "mean", stringsAsFactors = FALSE),
                 expand.grid(rule = c("school", "hf7"), interval = c("beta", "xlogit", "asin"),
                             stringsAsFactors = FALSE))
  if (kind != "wr") cases <- cases[cases$rule %in% c("math", "school"), ]
  for (i in seq_len(nrow(cases))) for (p in probs) {
    # Where the quantile is the largest value, log odds and angle have no variance: an error in R.
    q <- tryCatch(svyquantile(~income, s, p, qrule = cases$rule[i], df = degf(s),
                              interval.type = cases$interval[i])$income, error = function(e) NULL)
    if (is.null(q)) next
    add("quantile", design = kind, domain = domain, rule = cases$rule[i],
        interval = cases$interval[i], p = p, estimate = q[1], low = q[2], high = q[3],
        std_error = q[4], df = degf(s))
  }
  v <- svyvar(~income, s)
  add("variance", design = kind, domain = domain, variable = "income", estimate = as.vector(v),
      std_error = as.vector(SE(v)))
  s <- subset(designs[[kind]], domains[[domain]] & !is.na(d$employed))
  v <- svyvar(~employed, s)
  add("variance", design = kind, domain = domain, variable = "employed", estimate = as.vector(v),
      std_error = as.vector(SE(v)))

  s <- subset(designs[[kind]], domains[[domain]] & !is.na(d$income) & !is.na(d$hours))
  v <- svyvar(~income + hours, s)
  a <- attr(v, "var")
  add("variance", design = kind, domain = domain, variable = "income,hours", estimate = v[1, 2],
      std_error = sqrt(a[2, 2]))
  # The correlation as a function of weighted moments: an independent route to its variance.
  centre <- coef(svymean(~income + hours, s))
  u <- update(s, x = income - centre[1], y = hours - centre[2])
  u <- update(u, xx = x * x, yy = y * y, xy = x * y)
  m <- svymean(~x + y + xx + yy + xy, u)
  r <- svycontrast(m, quote((xy - x * y) / sqrt((xx - x^2) * (yy - y^2))))
  add("correlation", design = kind, domain = domain, estimate = as.vector(coef(r)),
      std_error = as.vector(SE(r)))

  both <- domains[[domain]] & !is.na(d$employed)
  s <- subset(designs[[kind]], both)
  s <- update(s, emp = factor(employed, levels = c(0, 1)))
  m <- svymean(~interaction(factor_education, emp), s)
  add("table", design = kind, domain = domain, percent = "cell", estimate = as.vector(coef(m)),
      vcov = as.vector(vcov(m)), names = names(coef(m)))
  m <- svyby(~emp, ~factor_education, s, svymean, covmat = TRUE, drop.empty.groups = FALSE)
  add("table", design = kind, domain = domain, percent = "row", estimate = as.vector(coef(m)),
      vcov = as.vector(vcov(m)), names = names(coef(m)))
  add("table", design = kind, domain = domain, percent = "count",
      estimate = as.vector(prop.table(svytable(~factor_education + emp, s))))

  if (domain != "women24") {
    population <- c(310, 290, 220, 180)
    full <- subset(designs[[kind]], domains[[domain]])
    plain <- svystandardize(full, by = ~agegroup, over = ~1, population = population,
                            excluding.missing = ~employed)
    m <- svymean(~employed, plain)
    add("standard", design = kind, domain = domain, over = "none", estimate = as.vector(coef(m)),
        std_error = as.vector(SE(m)))
    plain <- svystandardize(full, by = ~agegroup, over = ~urban, population = population,
                            excluding.missing = ~employed)
    m <- svyby(~employed, ~urban, plain, svymean)
    add("standard", design = kind, domain = domain, over = "urban", estimate = as.vector(coef(m)),
        std_error = as.vector(SE(m)))
  }

  s <- subset(designs[[kind]], both)
  for (method in c("logit", "xlogit", "asin", "likelihood", "beta", "mean")) {
    x <- svyciprop(~employed, s, method = method)
    add("interval", design = kind, domain = domain, method = method,
        low = attr(x, "ci")[[1]], high = attr(x, "ci")[[2]])
  }
  for (reference in c("replace", "true")) {
    deff <- if (reference == "replace") "replace" else TRUE
    s <- subset(designs[[kind]], domains[[domain]] & !is.na(d$income))
    m <- svymean(~income, s, deff = deff)
    add("effect", design = kind, domain = domain, reference = reference,
        deff = as.vector(deff(m)), cv = as.vector(cv(m)))
  }
  # Ignoring the design altogether, and the one-way analysis of variance by PSU.
  x <- d[domains[[domain]] & !is.na(d$income), ]
  x$cluster <- interaction(x$stratum, x$psu, drop = TRUE)
  table <- anova(lm(income ~ cluster, x))
  size <- table(x$cluster)
  m0 <- (sum(size) - sum(size^2) / sum(size)) / (length(size) - 1)
  ms <- table[["Mean Sq"]]
  add("effect", design = kind, domain = domain, reference = "none",
      naive = var(x$income) / nrow(x), icc = (ms[1] - ms[2]) / (ms[1] + (m0 - 1) * ms[2]))
}

# The same statistics from delete-one-PSU replicates, computed again in each of them.
jk <- as.svrepdesign(designs$wr, type = "JKn", mse = TRUE)
known <- subset(jk, !is.na(income))
v <- svyvar(~income, known)
q <- svyquantile(~income, known, 0.5, qrule = "school", interval.type = "mean",
                 df = degf(subset(designs$wr, !is.na(income))))$income
# svystandardize leaves rows out of replicate designs badly: rates from their definition instead.
rate <- withReplicates(jk, function(w, x) {
  ok <- !is.na(x$employed)
  cell <- tapply(w[ok] * x$employed[ok], x$agegroup[ok], sum) / tapply(w[ok], x$agegroup[ok], sum)
  sum(cell * c(310, 290, 220, 180) / 1000)
})
r <- withReplicates(jk, function(w, x) {
  ok <- !is.na(x$income)
  cov.wt(x[ok, c("income", "hours")], w[ok], cor = TRUE)$cor[1, 2]
})
out$replicates <- list(
  variance = as.vector(v), variance_se = as.vector(SE(v)),
  median = q[1], median_low = q[2], median_high = q[3], median_se = q[4],
  standard = as.vector(rate), standard_se = as.vector(SE(rate)),
  correlation = as.vector(r), correlation_se = as.vector(SE(r)))

# Calibrated weights: the auxiliaries are taken out of every error. Variables without missing values.
post <- postStratify(designs$wr, ~region, data.frame(region = 1:3, Freq = c(9000, 7000, 4000)))
q <- svyquantile(~age, post, c(0.25, 0.5, 0.9), qrule = "school", df = degf(post))$age
v <- svyvar(~age + hours, post)
a <- sqrt(diag(attr(v, "var")))
m <- svymean(~interaction(factor_education, factor_sex), post)
z <- svymean(~hours, svystandardize(post, by = ~agegroup, over = ~1, population = c(310, 290, 220, 180)))
out$calibrated <- list(
  quantile = as.vector(q[, 1]), quantile_low = as.vector(q[, 2]), quantile_high = as.vector(q[, 3]),
  quantile_se = as.vector(q[, 4]), moments = c(v[1, 1], v[1, 2], v[2, 2]), moments_se = a[c(1, 2, 4)],
  table = as.vector(coef(m)), table_vcov = as.vector(vcov(m)),
  standard = as.vector(coef(z)), standard_se = as.vector(SE(z)))

# nhanes, as R's help page of svystandardize uses it. Only these aggregates are kept here.
data(nhanes)
nd <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nhanes)
us <- c(55901, 77670, 72816, 45364)
one <- svystandardize(nd, by = ~agecat, over = ~1, population = us, excluding.missing = ~HI_CHOL)
crude <- svymean(~HI_CHOL, nd, na.rm = TRUE)
m <- svymean(~HI_CHOL, one)
two <- svystandardize(nd, by = ~agecat, over = ~race + RIAGENDR, population = us,
                      excluding.missing = ~HI_CHOL)
b <- svyby(~HI_CHOL, ~race + RIAGENDR, two, svymean)
known <- subset(nd, !is.na(HI_CHOL))
v <- svyvar(~HI_CHOL, known)
q <- svyquantile(~WTMEC2YR, known, c(0.25, 0.5, 0.75), qrule = "school", df = degf(known))$WTMEC2YR
out$nhanes <- list(
  crude = as.vector(coef(crude)), crude_se = as.vector(SE(crude)),
  standard = as.vector(coef(m)), standard_se = as.vector(SE(m)),
  race = b$race, sex = b$RIAGENDR, by = as.vector(coef(b)), by_se = as.vector(SE(b)),
  variance = as.vector(v), variance_se = as.vector(SE(v)),
  quantile = as.vector(q[, 1]), quantile_low = as.vector(q[, 2]), quantile_high = as.vector(q[, 3]))
out$versions <- list(R = R.version.string, survey = as.character(packageVersion("survey")))
write(toJSON(out, digits = I(15), auto_unbox = TRUE, na = "null"), "describe.json")
