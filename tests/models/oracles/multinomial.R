# Writes multinomial.json: multinomial logits whose coefficients are nnet's (Newton steps added until they
# stand still) and whose covariance comes from scores by numDeriv and survey's svytotal; and the
# average marginal effects of sex on every level by moving the weights of one PSU at a time.
# Run: Rscript tests/models/oracles/multinomial.R
suppressMessages({library(survey); library(jsonlite); library(numDeriv); library(nnet)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex); d$e <- factor(d$education)
d$unit <- paste(d$stratum, d$psu)
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
parts <- function(f, data) {
  m <- model.frame(f, data, na.action = na.omit)
  X <- model.matrix(f, m); y <- as.integer(droplevels(model.response(m)))
  K <- max(y); p <- ncol(X)
  row_ll <- function(par) {
    eta <- cbind(0, X %*% matrix(par, p, K - 1))
    eta[cbind(seq_along(y), y)] - log(rowSums(exp(eta)))
  }
  probs <- function(par, X) { e <- exp(cbind(0, X %*% matrix(par, p, K - 1))); e / rowSums(e) }
  list(X = X, y = y, K = K, p = p, row_ll = row_ll, probs = probs, rows = match(rownames(m), rownames(data)))
}
information <- function(part, w, par) {
  p <- part$p; k <- part$K - 1
  P <- part$probs(par, part$X)[, -1, drop = FALSE]
  H <- matrix(0, p * k, p * k)
  for (a in 1:k) for (b in 1:k)
    H[(a - 1) * p + 1:p, (b - 1) * p + 1:p] <- t(part$X) %*% (part$X * (w * P[, a] * ((a == b) - P[, b])))
  H
}
solved <- function(part, w, start) {
  par <- start; w <- w / mean(w); k <- part$K - 1
  for (again in 1:12) {
    P <- part$probs(par, part$X)[, -1, drop = FALSE]
    U <- sapply(1:k, function(j) (part$y == j + 1) - P[, j])
    par <- par + solve(information(part, w, par), as.numeric(t(part$X) %*% (w * U)))
  }
  par
}
fit <- function(f, des) {
  data <- model.frame(des)
  part <- parts(f, data); use <- des[part$rows, ]
  w <- weights(use)
  data$.w <- weights(des) / mean(w)
  rough <- multinom(f, data = data, weights = .w, trace = FALSE, maxit = 1000, abstol = 1e-12, reltol = 1e-14)
  start <- as.numeric(t(coef(rough)))
  par <- solved(part, w, start)
  v <- vcov(svytotal(jacobian(part$row_ll, par) %*% solve(information(part, w, par)), use))
  list(nnet = start, estimate = par, vcov = unname(v), se = unname(sqrt(diag(v))), part = part)
}
whole <- fit(e ~ s + age, design)
effect <- function(w) {
  part <- whole$part; par <- solved(part, w[part$rows], whole$estimate)
  hi <- lo <- part$X; hi[, 2] <- 1; lo[, 2] <- 0; x <- w[part$rows]
  colSums(x * (part$probs(par, hi) - part$probs(par, lo))) / sum(x)
}
h <- 1e-4
units <- unique(d[, c("stratum", "unit")])
slopes <- sapply(units$unit, function(u) {
  up <- d$weight * ifelse(d$unit == u, 1 + h, 1); down <- d$weight * ifelse(d$unit == u, 1 - h, 1)
  (effect(up) - effect(down)) / (2 * h)
})
v <- matrix(0, nrow(slopes), nrow(slopes))
for (stratum in unique(units$stratum)) {
  z <- slopes[, units$stratum == stratum, drop = FALSE]; n <- ncol(z); z <- z - rowMeans(z)
  v <- v + n / (n - 1) * z %*% t(z)
}
data(api)
apiclus1$grade <- factor(cut(apiclus1$api00, c(0, 550, 650, 750, 1000), labels = FALSE))
clus <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc)
api1 <- fit(grade ~ ell + meals, clus)
jk <- as.svrepdesign(svydesign(id = ~dnum, weights = ~pw, data = apiclus1), type = "JK1")
part <- parts(grade ~ ell, apiclus1)
begin <- rep(0, part$p * (part$K - 1))
rep <- withReplicates(jk, function(w, data) solved(list(X = part$X, y = part$y, K = part$K, p = part$p,
  probs = part$probs), w, begin))
averages <- withReplicates(jk, function(w, data) {
  P <- part$probs(solved(part, w, begin), part$X); colSums(w * P) / sum(w) })
shown <- function(x) { x$part <- NULL; x }
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey"), "nnet", packageVersion("nnet")),
  generated = shown(whole), women = shown(fit(e ~ age, subset(design, sex == 2))), clus1 = shown(api1),
  effect_of_sex = list(estimate = effect(d$weight), vcov = unname(v)),
  jackknife = list(estimate = as.numeric(coef(rep)), vcov = unname(attr(rep, "var")),
                   averages = as.numeric(coef(averages)), averages_vcov = unname(attr(averages, "var")))
)
write_json(out, file.path(here, "multinomial.json"), digits = 16, auto_unbox = TRUE, pretty = TRUE)
