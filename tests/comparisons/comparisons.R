# Reference numbers for comparisons and tests, from R's survey package.
# Run from this folder:  Rscript comparisons.R
# Reads ../oracles/jordan_like.csv, writes comparisons.json.
suppressMessages(library(survey))
library(jsonlite)

d <- read.csv("../oracles/jordan_like.csv")
d$older <- as.integer(d$age >= 40)
out <- list()

design_of <- function(kind) {
  small <- d[d$keep_lonely == 1, ]
  switch(kind,
    wr = svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE),
    two_stage = svydesign(~psu + household, strata = ~stratum, weights = ~weight,
                          fpc = ~fpc1 + fpc2, data = d, nest = TRUE),
    unclustered = svydesign(~1, strata = ~stratum, weights = ~weight, data = d),
    lonely = svydesign(~psu, strata = ~stratum, weights = ~weight, data = small, nest = TRUE),
    calibrated = calibrate(
      svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE),
      ~factor(region) + factor(sex),
      c(`(Intercept)` = 20000, `factor(region)2` = 7000, `factor(region)3` = 5000, `factor(sex)2` = 9000),
      calfun = "raking", epsilon = 1e-13, maxit = 200))
}

domain_of <- function(s, domain) {
  v <- s$variables
  rows <- switch(domain, all = rep(TRUE, nrow(v)), women = v$sex == 2, older = v$older == 1)
  s[rows, ]
}

add <- function(kind, domain, what, ...) {
  out[[length(out) + 1]] <<- c(list(design = kind, domain = domain, what = what), lapply(list(...), unname))
}

# R counts the PSUs of every row for the denominator; a domain of a calibrated design keeps all
# rows with weight zero, so its own degrees of freedom are passed along to recompute p by.
association <- function(kind, domain, s, row, column) {
  s <- s[complete.cases(s$variables[, c(row, column)]), ]
  formula <- as.formula(paste0("~", row, "+", column))
  for (statistic in c("F", "Chisq", "Wald", "adjWald", "saddlepoint")) {
    t <- svychisq(formula, s, statistic = statistic)
    add(kind, domain, "association", row = row, column = column, statistic = statistic,
        value = t$statistic, parameter = unname(t$parameter), p = t$p.value,
        nu = length(unique(s$cluster[, 1])) - length(unique(s$strata[, 1])), degf = degf(s),
        rows = nrow(s$variables), n = sum(weights(s) > 0))
  }
}

group <- function(kind, domain, s, y, g) {
  s <- s[complete.cases(s$variables[, c(y, g)]), ]
  t <- svyttest(as.formula(paste0(y, "~factor(", g, ")")), s)
  add(kind, domain, "t_test", y = y, by = g, value = t$statistic, df = t$parameter, p = t$p.value,
      estimate = t$estimate, interval = as.vector(t$conf.int))
}

# The rank of tied values does not depend on the order of the rows here: the scores are given.
midrank <- function(y, w, use) {
  r <- rep(NA, length(y))
  mass <- tapply(w[use], factor(y[use]), sum)
  up <- cumsum(mass)
  r[use] <- (up - mass / 2)[as.character(y[use])]
  r
}

ranked <- function(kind, domain, s, y, g) {
  whole <- s
  s <- s[complete.cases(s$variables[, c(y, g)]), ]
  w <- weights(s); use <- w > 0
  w <- w[use]
  r <- midrank(s$variables[[y]][use], w, rep(TRUE, length(w)))
  N <- sum(w)
  # Rows without an answer must be left to svyranktest where the design is calibrated.
  if (kind == "calibrated") s <- whole
  kinds <- list(kruskal = function(r, N) r / N, vanderwaerden = function(r, N) qnorm(r / N),
                median = function(r, N) as.numeric(r > N / 2))
  for (name in names(kinds)) {
    given <- kinds[[name]](r, N)
    t <- svyranktest(as.formula(paste0(y, "~", g)), s, test = function(unused, N) given)
    if (length(unique(s$variables[[g]])) == 2) {
      add(kind, domain, "rank", y = y, by = g, test = name, value = t$statistic, df = t$parameter,
          p = t$p.value, estimate = t$estimate)
    } else {
      add(kind, domain, "rank", y = y, by = g, test = name, value = as.vector(t$parameter) / t$statistic,
          ndf = t$statistic, df = t$ddf, p = as.vector(t$p.value))
    }
  }
}

fit <- function(kind, domain, s) {
  s <- s[!is.na(s$variables$education), ]
  t <- svygofchisq(~factor(education), p = c(0.25, 0.2, 0.2, 0.2, 0.15), s)
  add(kind, domain, "fit", x2 = t$statistic, scale = t$parameter[["scale"]], df = t$parameter[["df"]], p = t$p.value)
}

# The cell means as a regression without intercept: svyby(covmat = TRUE) stops on missing answers.
cell_means <- function(formula, s, names) {
  m <- svyglm(formula, s)
  stat <- coef(m)
  names(stat) <- names
  V <- vcov(m)
  dimnames(V) <- list(names, names)
  attr(stat, "var") <- V
  attr(stat, "statistic") <- "mean"
  class(stat) <- "svystat"
  stat
}

contrasts <- function(kind, domain, s) {
  by <- cell_means(income ~ 0 + factor(region), s, c("r1", "r2", "r3"))
  b <- as.vector(coef(by)); V <- vcov(by)
  ratio <- svycontrast(by, quote(r2 / r1))
  logratio <- svycontrast(by, quote(log(r3 / r1)))
  L <- rbind(c(-1, 1, 0), c(-1, 0, 1))
  W <- as.numeric(t(L %*% b) %*% solve(L %*% V %*% t(L), L %*% b))
  pair <- svycontrast(by, list(a = c(-1, 1, 0), b = c(-1, 0, 1), c = c(0, -1, 1)))
  slope <- svycontrast(by, c(-0.5, 0, 0.5))
  add(kind, domain, "contrasts", ratio = c(coef(ratio), SE(ratio)), logratio = c(coef(logratio), SE(logratio)),
      wald = W, pairs = as.vector(coef(pair)), pairs_se = as.vector(SE(pair)), slope = c(coef(slope), SE(slope)),
      degf = degf(s[!is.na(s$variables$income), ]))
  if (domain != "women") {
    shares <- cell_means(employed ~ 0 + factor(sex), s, c("s1", "s2"))
    odds <- svycontrast(shares, quote((s2 / (1 - s2)) / (s1 / (1 - s1))))
    add(kind, domain, "odds", odds = c(coef(odds), SE(odds)))
  }
}

for (kind in c("wr", "two_stage", "unclustered", "lonely", "calibrated")) {
  options(survey.lonely.psu = if (kind == "lonely") "adjust" else "fail")
  full <- design_of(kind)
  for (domain in c("all", "women", "older")) {
    s <- domain_of(full, domain)
    if (domain == "women") association(kind, domain, s, "region", "employed") else
      association(kind, domain, s, "sex", "education")
    association(kind, domain, s, "education", "region")
    group(kind, domain, s, "income", if (domain == "women") "older" else "sex")
    # svyranktest stops on a domain of a calibrated design.
    if (kind != "calibrated" || domain == "all") {
      ranked(kind, domain, s, "income", if (domain == "women") "older" else "sex")
      ranked(kind, domain, s, "hours", "region")
    }
    fit(kind, domain, s)
    contrasts(kind, domain, s)
  }
}

# regTermTest: Wald test of the region terms of a regression, and the working Wald test of a table
# with two columns as the saturated logit.
options(survey.lonely.psu = "fail")
s <- design_of("wr")
known <- s[!is.na(s$variables$income), ]
m <- svyglm(income ~ factor(region), known)
t <- regTermTest(m, ~factor(region), df = 60)
add("wr", "all", "joint", f = as.vector(t$Ftest), ndf = t$df, ddf = t$ddf, p = as.vector(t$p))
known <- s[!is.na(s$variables$employed), ]
m <- svyglm(employed ~ factor(education), known, family = quasibinomial, control = glm.control(epsilon = 1e-14))
t <- regTermTest(m, ~factor(education), method = "WorkingWald", df = degf(known))
add("wr", "all", "working", value = as.vector(t$chisq), lambda = as.vector(t$lambda), p = as.vector(t$p))

# Replicate weights made from the design.
r <- as.svrepdesign(s, type = "JKn", mse = FALSE)
for (statistic in c("F", "Chisq", "Wald", "adjWald")) {
  t <- svychisq(~sex + education, r, statistic = statistic)
  add("jkn", "all", "replicate_association", row = "sex", column = "education", statistic = statistic,
      value = as.vector(t$statistic), parameter = unname(t$parameter), p = as.vector(t$p.value))
}
t <- svyttest(income ~ factor(sex), r)
add("jkn", "all", "replicate_t", value = t$statistic, df = t$parameter, p = t$p.value)

# Tails of quadratic forms by themselves.
for (x in c(0.5, 3, 9, 20)) for (a in list(c(2, 1, 0.3), c(1, 1), 1.7, c(5, 0.1, 0.1, 0.1))) for (ddf in c(5, 30, 200))
  add("none", "none", "tail", x = x, a = a, ddf = ddf,
      saddlepoint = survey:::pFsum(x, rep(1, length(a)), a, ddf = ddf, lower.tail = FALSE, method = "saddlepoint"),
      satterthwaite = survey:::pFsum(x, rep(1, length(a)), a, ddf = ddf, lower.tail = FALSE, method = "satterthwaite"))

write(toJSON(list(software = paste("R", getRversion(), "survey", packageVersion("survey")), answers = out),
             digits = 15, auto_unbox = TRUE, na = "null"), "comparisons.json")
