# Writes model_residuals.json: residuals and influence of ordinal, multinomial and Cox models on the generated
# sample of tests/weighting.
# Ordinal and multinomial: nothing but the probabilities of the model is written down; fits, scores and
# information come from Newton steps on derivatives by Richardson extrapolation (numDeriv), with and without
# each of six PSUs; probability-scale residuals by adding up the probabilities below and above.
# Cox: residuals(coxph(..., weights), type = ...) of survival; scaled Schoenfeld residuals with the weight of the
# events in place of their number (the same where weights are 1); coxph again without each of six PSUs.
# Run: Rscript tests/models/oracles/model_residuals.R
suppressMessages({library(survival); library(jsonlite); library(numDeriv)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex); d$unit <- paste(d$stratum, d$psu); d$row <- seq_len(nrow(d)) - 1
d$time <- round(d$income / 40) + d$age %% 7 + 1
d$entry <- pmax(0, pmin(d$time - 1, d$age %% 5))

ordered <- function(cdf) function(par, X, K) {
  p <- ncol(X); eta <- drop(X %*% par[1:p])
  up <- cdf(sweep(-outer(eta, rep(1, K - 1)), 2, par[p + 1:(K - 1)], "+"))
  cbind(up, 1) - cbind(0, up)
}
shares <- function(par, X, K) { e <- exp(cbind(0, X %*% matrix(par, ncol(X)))); e / rowSums(e) }
fitted_by <- function(law, par, X, y, K, w) {
  ll <- function(b) log(law(b, X, K)[cbind(seq_along(y), y)])
  for (i in 1:12) {
    H <- hessian(function(b) sum(w * ll(b)), par); g <- drop(w %*% jacobian(ll, par))
    step <- solve(H, g); par <- par - step
    if (max(abs(step)) < 1e-12) break
  }
  list(par = par, scores = w * jacobian(ll, par), information = -hessian(function(b) sum(w * ll(b)), par))
}
one <- function(law, constant, start) {
  m <- d[!is.na(d$education) & !is.na(d$age) & !is.na(d$sex), ]
  X <- model.matrix(~ s + age, m); if (!constant) X <- X[, -1]
  y <- as.integer(factor(m$education)); K <- max(y); w <- m$weight
  f <- fitted_by(law, start(y, w, K, ncol(X)), X, y, K, w); P <- law(f$par, X, K)
  below <- sapply(seq_along(y), function(i) sum(P[i, seq_len(K) < y[i]]))
  above <- sapply(seq_along(y), function(i) sum(P[i, seq_len(K) > y[i]]))
  units <- unique(m$unit)[1:6]
  without <- t(sapply(units, function(u) { k <- m$unit != u; fitted_by(law, f$par, X[k, ], y[k], K, w[k])$par }))
  step <- t(sapply(units, function(u) {
    k <- m$unit == u; ll <- function(b) log(law(b, X[k, ], K)[cbind(seq_len(sum(k)), y[k])])
    own <- -hessian(function(b) sum(w[k] * ll(b)), f$par)
    solve(f$information - own, colSums(f$scores[k, ]))
  }))
  first <- 1:60; seen <- outer(y, 1:K, "==")
  list(rows = m$row[first], coef = f$par, probability_scale = (below - above)[first],
       pearson = ((seen - P) / sqrt(P * (1 - P)))[first, ], dfbeta = (f$scores %*% solve(f$information))[first, ],
       units = units, without = unname(without), one_step = unname(step))
}
cuts <- function(q) function(y, w, K, p) c(rep(0, p), q(cumsum(tapply(w, y, sum) / sum(w))[-K]))
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60)
hazards <- function(f, ties) {
  k <<- d[!is.na(d$time) & !is.na(d$employed), ]
  m <- do.call("coxph", list(formula = f, data = k, weights = k$weight, ties = ties, control = tight))
  kept <- as.integer(names(m$residuals)); rows <- k[as.character(kept), "row"]
  events <- d[rows + 1, "employed"] == 1
  strata <- if (is.null(m$strata)) rep(1, length(rows)) else as.integer(m$strata)
  # Schoenfeld residuals come in the order of stratum and time, as the rows with an event are given here
  of <- order(strata, d$time[rows + 1], -events); of <- of[events[of]]
  sch <- residuals(m, "schoenfeld")
  dfbeta <- residuals(m, "dfbeta", weighted = TRUE)
  by <- d$unit[rows + 1]; units <- unique(by)[1:6]
  summed <- rowsum(dfbeta, by)[units, ]
  without <- t(sapply(units, function(u) {
    l <<- d[rows + 1, ][by != u, ]
    coef(do.call("coxph", list(formula = f, data = l, weights = l$weight, ties = ties, control = tight, init = coef(m))))
  }))
  first <- 1:100
  list(rows = rows[first], martingale = unname(residuals(m, "martingale"))[first],
       deviance = unname(residuals(m, "deviance"))[first], score = unname(residuals(m, "score"))[first, ],
       dfbeta = unname(dfbeta)[first, ], event_rows = rows[of], schoenfeld = unname(sch),
       scaled = unname(sweep(sch %*% m$naive.var * sum(d$weight[rows + 1][events]), 2, coef(m), "+")),
       units = units, summed = unname(summed), without = unname(without), coef = unname(coef(m)))
}
plain <- coxph(Surv(time, employed) ~ s + age, data = d, ties = "efron", control = tight)
out <- list(
  software = paste("R", getRversion(), "survival", packageVersion("survival"), "numDeriv", packageVersion("numDeriv")),
  logit = one(ordered(plogis), FALSE, cuts(qlogis)), probit = one(ordered(pnorm), FALSE, cuts(qnorm)),
  multinomial = one(shares, TRUE, function(y, w, K, p) rep(0, p * (K - 1))),
  efron = hazards(Surv(time, employed) ~ s + age, "efron"),
  breslow = hazards(Surv(time, employed) ~ s + age, "breslow"),
  entry_strata = hazards(Surv(entry, time, employed) ~ s + age + strata(urban), "efron"),
  unweighted_scaled = unname(residuals(plain, "scaledsch"))
)
write(toJSON(out, digits = I(15), auto_unbox = TRUE), file.path(here, "model_residuals.json"))
