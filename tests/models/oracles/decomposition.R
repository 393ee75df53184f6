# Writes decomposition.json: Oaxaca–Blinder, Yun, Fairlie, Kitagawa and RIF decompositions and concentration
# indices written out with lm, glm and plain sums, on the generated sample of tests/weighting. Their
# errors come from moving the weights of one PSU at a time by ±h, making everything again and
# handing the derivatives to svytotal: nothing of influence functions is shared with the package.
# Run: Rscript tests/models/oracles/decomposition.R
suppressMessages({library(survey); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$unit <- paste(d$stratum, d$psu)
keep <- complete.cases(d[, c("employed", "income", "age", "education", "sex")])
tight <- glm.control(epsilon = 1e-13, maxit = 25)
variance <- function(statistic) {
  h <- 1e-4; est <- statistic(d$weight)
  units <- unique(d$unit)
  moved <- t(sapply(units, function(u) { e <- ifelse(d$unit == u, h, 0)
    (statistic(d$weight * (1 + e)) - statistic(d$weight * (1 - e))) / (2 * h) }))
  if (length(est) == 1) moved <- matrix(moved, ncol = 1)
  design <- svydesign(~unit, strata = ~stratum, weights = ~rep(1, length(units)), data = d[match(units, d$unit), ])
  V <- vcov(svytotal(moved, design))
  list(estimate = as.numeric(est), se = sqrt(diag(V)))
}
zero_sum <- function(beta) {   # constant, age, dummies of education: normalised, with the reference level added
  k <- c(0, beta[-(1:2)]); c(beta[1] + mean(k), beta[2], k - mean(k))
}
wide <- function(m) c(m[1:2], 1 - sum(m[-(1:2)]), m[-(1:2)])
by_variable <- function(x) c(x[2], sum(x[-(1:2)]), x[1])
pieces <- function(w, y, binary) {
  w <- w / mean(d$weight)   # glm runs off with weights in the hundreds
  part <- d[keep, ]; part$y <- y[keep]; part$w <- w[keep]
  fit <- function(data, f = y ~ age + factor(education)) if (binary)
    coef(suppressWarnings(glm(f, quasibinomial(), data, weights = w, control = tight))) else coef(lm(f, data, weights = w))
  g <- split(part, part$sex)
  X <- lapply(g, function(q) model.matrix(~ age + factor(education), q))
  list(g = g, X = X, means = lapply(1:2, function(k) colSums(X[[k]] * g[[k]]$w) / sum(g[[k]]$w)),
       beta = lapply(g, fit), pooled = head(fit(part, y ~ age + factor(education) + (sex == 1)), -1))
}
two_fold <- function(w, y, binary, ref = "pooled") {
  p <- pieces(w, y, binary)
  star <- switch(ref, pooled = p$pooled, first = p$beta[[1]], second = p$beta[[2]])
  inverse <- if (binary) plogis else identity
  M <- function(k, b) sum(p$g[[k]]$w * inverse(p$X[[k]] %*% b)) / sum(p$g[[k]]$w)
  e <- M(1, star) - M(2, star); u1 <- M(1, p$beta[[1]]) - M(1, star); u2 <- M(2, star) - M(2, p$beta[[2]])
  m1 <- wide(p$means[[1]]); m2 <- wide(p$means[[2]])
  be <- by_variable((m1 - m2) * zero_sum(star)); b1 <- by_variable(m1 * (zero_sum(p$beta[[1]]) - zero_sum(star)))
  b2 <- by_variable(m2 * (zero_sum(star) - zero_sum(p$beta[[2]])))
  part <- function(whole, x) if (abs(sum(x)) < 1e-14) x * 0 else x / sum(x) * whole
  if (binary) { be <- part(e, be); b1 <- part(u1, b1); b2 <- part(u2, b2) }
  a <- M(1, p$beta[[1]]); b <- M(2, p$beta[[2]])
  c(a, b, a - b, e, u1 + u2, be[1:2], (b1 + b2))
}
three_fold <- function(w) {
  p <- pieces(w, d$income, FALSE); m1 <- wide(p$means[[1]]); m2 <- wide(p$means[[2]])
  b1 <- zero_sum(p$beta[[1]]); b2 <- zero_sum(p$beta[[2]])
  en <- by_variable((m1 - m2) * b2); co <- by_variable(m2 * (b1 - b2)); it <- by_variable((m1 - m2) * (b1 - b2))
  c(sum(m1 * b1), sum(m2 * b2), sum(m1 * b1) - sum(m2 * b2), sum(en), sum(co), sum(it), en[1:2], co, it[1:2])
}
fairlie <- function(w) {   # age first, then education, over all pairs, with pooled coefficients
  p <- pieces(w, d$employed, TRUE); b <- p$pooled
  a <- p$X[[1]]; z <- p$X[[2]]; wa <- p$g[[1]]$w / sum(p$g[[1]]$w); wz <- p$g[[2]]$w / sum(p$g[[2]]$w)
  H <- function(cols) { left <- a; left[, cols] <- 0; right <- z * 0; right[, cols] <- z[, cols]
    sum(outer(wa, wz) * plogis(outer(as.numeric(left %*% b), as.numeric(right %*% b), "+"))) }
  h <- c(H(integer(0)), H(2), H(2:ncol(a))); -diff(h)
}
kitagawa <- function(w) {
  part <- d[keep, ]; part$w <- w[keep]
  p <- with(part, tapply(w, list(sex, education), sum)); r <- with(part, tapply(w * employed, list(sex, education), sum)) / p
  p <- p / rowSums(p)
  co <- (p[1, ] - p[2, ]) * (r[1, ] + r[2, ]) / 2; ra <- (r[1, ] - r[2, ]) * (p[1, ] + p[2, ]) / 2
  m <- rowSums(p * r); c(m, m[1] - m[2], sum(co), sum(ra), co, ra)
}
index <- function(w, kind) {
  part <- d[!is.na(d$employed) & !is.na(d$income), ]; v <- w[!is.na(d$employed) & !is.na(d$income)]
  N <- sum(v); mu <- sum(v * part$employed) / N
  R <- sapply(part$income, function(x) (sum(v[part$income < x]) + sum(v[part$income == x]) / 2) / N)
  C <- 2 / mu * sum(v * (part$employed - mu) * (R - 0.5)) / N
  switch(kind, standard = C, generalised = mu * C, erreygers = 4 * mu * C, wagstaff = C / (1 - mu))
}
rif <- function(w) {   # of the variance; the mean inside the recentred influence function is made again too
  part <- d$income
  for (s in 1:2) { k <- keep & d$sex == s; part[k] <- (d$income[k] - sum(w[k] * d$income[k]) / sum(w[k]))^2 }
  two_fold(w, part, FALSE)
}
out <- list(pooled = variance(function(w) two_fold(w, d$income, FALSE)),
  first = variance(function(w) two_fold(w, d$income, FALSE, "first")),
  second = variance(function(w) two_fold(w, d$income, FALSE, "second")),
  yun = variance(function(w) two_fold(w, d$employed, TRUE)), three = variance(three_fold),
  fairlie = variance(fairlie), kitagawa = variance(kitagawa), rif_variance = variance(rif))
for (kind in c("standard", "generalised", "erreygers", "wagstaff")) out[[kind]] <- variance(function(w) index(w, kind))
writeLines(toJSON(out, digits = 15, auto_unbox = TRUE, pretty = TRUE), file.path(here, "decomposition.json"))
