# Writes quantile_regression.json: quantreg's rq with weights on the generated sample of tests/weighting; the
# design's covariance of the sandwich whose densities are those of summary.rq(se = "ker") with weighted spread
# and Kish's effective n; and withReplicates over half-sample weights made of PSU numbers.
# Run: Rscript tests/models/oracles/quantile_regression.R
suppressMessages({library(survey); library(quantreg); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex)
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
one <- function(f, des, tau) {
  data <- model.frame(des); data$.w <- weights(des); w <- data$.w
  use <- complete.cases(data[, all.vars(f)]); data <- data[use, ]; w <- w[use]
  m <- suppressWarnings(rq(f, tau = tau, data = data, weights = .w))
  X <- model.matrix(f, data); u <- as.numeric(data[[all.vars(f)[1]]] - X %*% coef(m))
  n <- sum(w)^2 / sum(w^2); h <- bandwidth.rq(tau, n, hs = TRUE)
  while (tau - h <= 0 || tau + h >= 1) h <- h / 2
  mu <- sum(w * u) / sum(w); s <- sqrt(sum(w * (u - mu)^2) / sum(w) * n / (n - 1))
  o <- order(u); mid <- (cumsum(w[o]) - w[o] / 2) / sum(w)
  q <- approx(mid, u[o], c(.25, .75), ties = "ordered")$y
  h <- (qnorm(tau + h) - qnorm(tau - h)) * min(s, diff(q) / 1.34)
  D <- t(X) %*% (X * (w * dnorm(u / h) / h))
  # on the fitted rows psi is what makes the weighted score zero
  on <- abs(u) < 1e-7; psi <- tau - (u < 0); psi[on] <- 0
  psi[on] <- -solve(t(X[on, ] * w[on]), t(X) %*% (w * psi))
  v <- vcov(svytotal((X * psi) %*% solve(D), des[use, ]))
  list(estimate = unname(coef(m)), se = unname(sqrt(diag(v))), vcov = unname(v))
}
for (r in 1:12) d[[paste0("half", r)]] <- d$weight * (1 + 0.5 * (((d$psu * 7 + d$stratum * 3 + r * 5 + d$psu * r) %% 2) * 2 - 1))
half <- svrepdesign(variables = d, weights = ~weight, repweights = "half[0-9]+", data = d, type = "Fay", rho = 0.5,
                    combined.weights = TRUE, mse = FALSE)
rep <- withReplicates(half, function(w, data) { data$.w <- w; coef(suppressWarnings(rq(income ~ s + age, tau = 0.5, data = data, weights = .w))) })
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey"), "quantreg", packageVersion("quantreg")),
  median = one(income ~ s + age, design, 0.5), upper = one(income ~ s + age, design, 0.9),
  women = one(income ~ age, subset(design, sex == 2), 0.25),
  half = list(estimate = as.numeric(coef(rep)), vcov = unname(attr(rep, "var")))
)
write_json(out, file.path(here, "quantile_regression.json"), digits = 16, auto_unbox = TRUE, pretty = TRUE)
