# Writes ordinal.json: cumulative link models on the generated sample of tests/weighting (education of five
# levels as outcome) and on apistrat with population counts.
# svyolr 4.1.1 stops BFGS at a relative change of 1e-8 of the likelihood and takes its Hessian by finite
# differences of step 1e-3, so that its coefficients carry errors of 1e-4 and its standard errors more. It is
# run here with tight controls. Beside it stands a route that knows no formula of the model but its
# probabilities: scores and Hessian of the thresholds themselves by Richardson extrapolation (numDeriv), and
# the covariance of the total of their influence by survey.
# Run: Rscript tests/models/oracles/ordinal.R
suppressMessages({library(survey); library(jsonlite); library(numDeriv)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex); d$g <- factor(d$governorate); d$e <- factor(d$education)
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)

terms_of <- function(f, des, cdf) {
  m <- model.frame(f, model.frame(des), na.action = na.omit)
  X <- model.matrix(f, m)[, -1, drop = FALSE]; y <- unclass(model.response(m))
  keep <- rownames(m)
  p <- ncol(X); K <- max(y)
  row_ll <- function(par) {
    cuts <- c(-Inf, par[p + 1:(K - 1)], Inf); eta <- drop(X %*% par[1:p])
    log(cdf(cuts[y + 1] - eta) - cdf(cuts[y] - eta))
  }
  list(row_ll = row_ll, keep = keep, p = p, K = K)
}
numeric_route <- function(f, des, cdf, start) {
  part <- terms_of(f, des, cdf)
  des <- des[as.integer(match(part$keep, rownames(model.frame(des)))), ]
  w <- weights(des); w1 <- w / mean(w)
  par <- start
  for (again in 1:6) {
    H <- hessian(function(b) sum(w1 * part$row_ll(b)), par)
    S <- jacobian(part$row_ll, par)
    par <- par - solve(H, colSums(w1 * S))
  }
  H <- hessian(function(b) sum(w * part$row_ll(b)), par)
  S <- jacobian(part$row_ll, par)
  v <- vcov(svytotal(S %*% solve(-H), des))
  list(estimate = par, vcov = unname(v), se = unname(sqrt(diag(v))))
}
both <- function(f, des, method) {
  k <- nlevels(model.frame(des)[[all.vars(f)[1]]])
  q <- length(all.vars(f)) # only for the message of R
  rough <- svyolr(f, des, method = method)
  n <- length(c(coef(rough)))
  tight <- svyolr(f, des, method = method, start = unname(c(rough$coefficients, rough$zeta[1], log(diff(rough$zeta)))),
                  control = list(reltol = 1e-16, maxit = 500, ndeps = rep(1e-5, n)))
  cdf <- if (method == "logistic") plogis else pnorm
  numeric <- numeric_route(f, des, cdf, unname(c(rough$coefficients, rough$zeta)))
  list(svyolr = list(estimate = unname(c(tight$coefficients, tight$zeta)), se = unname(sqrt(diag(vcov(tight)))),
                     se_default = unname(sqrt(diag(vcov(rough)))), df = tight$df.residual),
       numeric = numeric)
}
data(api)
apistrat$grade <- cut(apistrat$api00, c(0, 550, 650, 750, 1000), labels = FALSE)
apistrat$grade <- factor(apistrat$grade)
strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc)
apiclus1$grade <- factor(cut(apiclus1$api00, c(0, 550, 650, 750, 1000), labels = FALSE))
jk <- as.svrepdesign(svydesign(id = ~dnum, weights = ~pw, data = apiclus1), type = "JK1")
# MASS::polr stops early as svyolr does: started again with tight controls in every replicate.
again <- function(w, data) {
  data$.w <- w / mean(w)
  m <- suppressWarnings(MASS::polr(grade ~ ell + meals, data = data, weights = .w))
  m <- suppressWarnings(MASS::polr(grade ~ ell + meals, data = data, weights = .w, start = c(m$coefficients, m$zeta),
                                   control = list(reltol = 1e-16, maxit = 500)))
  c(m$coefficients, m$zeta)
}
rep <- withReplicates(jk, again)
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey")),
  logit = both(e ~ s + age, design, "logistic"),
  probit = both(e ~ s + age, design, "probit"),
  women = both(e ~ age, subset(design, sex == 2), "logistic"),
  strat_logit = both(grade ~ ell + meals, strat, "logistic"),
  jackknife = list(estimate = as.numeric(coef(rep)), vcov = unname(attr(rep, "var")))
)
write_json(out, file.path(here, "ordinal.json"), digits = 16, auto_unbox = TRUE, pretty = TRUE)
