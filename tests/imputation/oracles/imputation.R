# Reference values of pooling and of the Bayesian linear model: Rscript imputation.R > imputation.json
# survey 4.1, mitools 2.4, mice 3.15, mitml 0.4. The five completed data sets stand in the JSON.
suppressMessages({library(survey); library(mitools); library(mice); library(mitml); library(jsonlite)})
set.seed(20261124)
n <- 240
base <- data.frame(stratum = rep(1:6, each = 40), psu = rep(1:48, each = 5), w = round(runif(n, 1, 4), 2))
base$x <- round(rnorm(n) + rep(rnorm(48, 0, .5), each = 5), 3)
base$sex <- rbinom(n, 1, .5) + 1
y <- 2 + base$x + .5 * (base$sex == 2) + rep(rnorm(48, 0, .6), each = 5) + rnorm(n)
lost <- runif(n) < plogis(-.7 + .6 * base$x)
sets <- lapply(1:5, function(i) {
  d <- base; d$y <- y
  d$y[lost] <- 2 + base$x[lost] + .5 * (base$sex[lost] == 2) + rnorm(sum(lost), 0, 1.2)
  d$y <- round(d$y, 4); d$high <- as.integer(d$y > 2.5); d })
designs <- lapply(sets, function(d) svydesign(~psu, strata = ~stratum, weights = ~w, data = d))
one <- function(fits, df) {
  p <- MIcombine(fits); df0 <- MIcombine(fits, df.complete = df)
  scal <- lapply(seq_along(coef(p)), function(k) pool.scalar(sapply(fits, function(f) coef(f)[k]),
    sapply(fits, function(f) vcov(f)[k, k]), n = df + 1, k = 1))
  list(estimate = unname(coef(p)), vcov = unname(as.matrix(vcov(p))), df = unname(df0$df),
       df_mice = sapply(scal, function(s) s$df), riv = sapply(scal, function(s) s$r), fmi = sapply(scal, function(s) s$fmi))
}
mean_by <- lapply(designs, function(d) svyby(~y, ~sex, d, svymean, covmat = TRUE))
means <- lapply(designs, function(d) svymean(~y, d))
lin <- lapply(designs, function(d) svyglm(y ~ factor(sex) + x, d))
log <- lapply(designs, function(d) svyglm(high ~ factor(sex) + x, d, family = quasibinomial(),
  control = glm.control(epsilon = 1e-14, maxit = 50)))
dfc <- degf(designs[[1]])
d1 <- testConstraints(qhat = sapply(lin, coef), uhat = simplify2array(lapply(lin, function(f) as.matrix(vcov(f)))),
  constraints = c("`factor(sex)2`", "x"), method = "D1", df.com = dfc - 2)
qhat <- sapply(lin, coef)[2:3, ]; uhat <- simplify2array(lapply(lin, function(f) unname(as.matrix(vcov(f)))[2:3, 2:3]))
lrr <- testConstraints(qhat = sapply(lin, coef), uhat = simplify2array(lapply(lin, function(f) as.matrix(vcov(f)))),
  constraints = c("`factor(sex)2`", "x"), method = "D1")
cat(toJSON(list(sets = lapply(sets, as.list), mean = one(means, dfc), linear = one(lin, dfc - 2), logit = one(log, dfc - 2),
  by = one(mean_by, dfc), d1 = as.numeric(d1$test), lrr = as.numeric(lrr$test), df_complete = dfc), digits = 17, auto_unbox = TRUE))
