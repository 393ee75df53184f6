# Small-area models by other programs, on generated data.
#   Rscript small_areas.R            writes small_areas.json beside this script
# Area level: metafor's rma (REML, ML) is the Fay-Herriot model, its blup() the EBLUP.
# Unit level: lme4's lmer. Mean squared errors and the spatial model: the published matrix formulas
# written out with whole matrices and general optimisers.
suppressMessages({library(metafor); library(lme4); library(jsonlite)})
set.seed(20260101)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
tr <- function(a) sum(diag(a))

# --- area level --------------------------------------------------------------------------------
m <- 28
area <- data.frame(x1 = round(rnorm(m), 4), x2 = round(runif(m, 0, 10), 4), psi = round(runif(m, .05, .6), 4))
area$y <- round(1.5 + .8 * area$x1 - .1 * area$x2 + rnorm(m, sd = .5) + rnorm(m, sd = sqrt(area$psi)), 4)
X <- model.matrix(~ x1 + x2, area)

area_level <- function(method) {
  fit <- rma(y, vi = psi, mods = ~ x1 + x2, data = area, method = method, test = "z",
             control = list(threshold = 1e-14, maxiter = 1000))
  s <- fit$tau2; V <- diag(s + area$psi); Vi <- solve(V); Q <- solve(t(X) %*% Vi %*% X)
  G <- diag(s, m); L <- G %*% Vi
  g1 <- diag(G - L %*% G)
  d <- X - L %*% X; g2 <- diag(d %*% Q %*% t(d))
  info <- .5 * tr(Vi %*% Vi)
  dL <- Vi - G %*% Vi %*% Vi
  g3 <- diag(dL %*% V %*% t(dL)) / info
  mse <- g1 + g2 + 2 * g3
  if (method == "ML") {
    bias <- -.5 / info * tr(Q %*% t(X) %*% Vi %*% Vi %*% X)
    mse <- mse - bias * diag(diag(m) - L - L + L %*% L)
  }
  list(variance = s, variance_se = 1 / sqrt(info), coef = as.numeric(fit$beta), coef_se = fit$se, estimate = blup(fit)$pred,
       g1 = g1, g2 = g2, g3 = g3, mse = mse, loglik = as.numeric(logLik(fit)))
}

# --- unit level --------------------------------------------------------------------------------
k <- 15; n <- sample(1:7, k, TRUE); g <- rep(seq_len(k), n)
unit <- data.frame(area = g, x = round(rnorm(sum(n), 5, 2), 3), w = round(runif(sum(n), 1, 4), 3))
unit$y <- round(3 + .7 * unit$x + rnorm(k, sd = 1.1)[g] + rnorm(sum(n)), 4)
means <- round(rnorm(k, 5, .4), 3)
U <- model.matrix(~ x, unit); M <- cbind(1, means)

unit_level <- function(reml) {
  fit <- lmer(y ~ x + (1 | area), unit, REML = reml,
              control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e5)))
  sv <- as.numeric(VarCorr(fit)$area); se <- sigma(fit)^2
  V <- se * diag(nrow(unit)) + sv * outer(g, g, "=="); Vi <- solve(V); Q <- solve(t(U) %*% Vi %*% U)
  beta <- fixef(fit); v <- ranef(fit)$area[, 1]
  D <- list(outer(g, g, "==") * 1, diag(nrow(unit)))
  info <- .5 * outer(1:2, 1:2, Vectorize(function(i, j) tr(Vi %*% D[[i]] %*% Vi %*% D[[j]])))
  S <- solve(info)
  bias <- if (reml) c(0, 0) else .5 * S %*% sapply(D, function(d) -tr(Q %*% t(U) %*% Vi %*% d %*% Vi %*% U))
  z <- outer(seq_len(k), g, "==") * 1
  b <- function(a, e) a * z %*% solve(e * diag(nrow(unit)) + a * outer(g, g, "=="))
  h <- 1e-5
  dv <- (b(sv + h, se) - b(sv - h, se)) / (2 * h); de <- (b(sv, se + h) - b(sv, se - h)) / (2 * h)
  g1f <- function(a, e) a - a^2 * rowSums((z %*% solve(e * diag(nrow(unit)) + a * outer(g, g, "=="))) * z)
  g1 <- g1f(sv, se)
  d <- M - b(sv, se) %*% U; g2 <- diag(d %*% Q %*% t(d))
  g3 <- S[1, 1] * rowSums((dv %*% V) * dv) + 2 * S[1, 2] * rowSums((dv %*% V) * de) + S[2, 2] * rowSums((de %*% V) * de)
  slope <- cbind((g1f(sv + h, se) - g1f(sv - h, se)) / (2 * h), (g1f(sv, se + h) - g1f(sv, se - h)) / (2 * h))
  list(between = sv, within = se, coef = as.numeric(beta), coef_se = sqrt(diag(Q)), estimate = as.numeric(M %*% beta + v),
       g1 = g1, g2 = g2, g3 = g3, mse = as.numeric(g1 + g2 + 2 * g3 - slope %*% bias), loglik = as.numeric(logLik(fit)))
}

# You and Rao's pseudo-EBLUP at the REML variances, from its estimating equations.
pseudo <- function(sv, se) {
  est <- numeric(k); wn <- ave(unit$w, g, FUN = function(w) w / sum(w))
  delta <- tapply(wn^2, g, sum); gam <- as.numeric(sv / (sv + se * delta))
  xw <- rowsum(wn * U, g); yw <- rowsum(wn * unit$y, g)
  Z <- unit$w * (U - (gam * xw)[g, ])
  beta <- solve(t(Z) %*% U, t(Z) %*% unit$y)
  A <- solve(t(Z) %*% U)
  V <- se * diag(nrow(unit)) + sv * outer(g, g, "==")
  Phi <- A %*% t(Z) %*% V %*% Z %*% t(A)
  d <- M - gam * xw
  list(coef = as.numeric(beta), estimate = as.numeric(M %*% beta + gam * (yw - xw %*% beta)), gamma = gam,
       g1 = (1 - gam) * sv, g2 = diag(d %*% Phi %*% t(d)))
}

# --- spatial -----------------------------------------------------------------------------------
side <- 6; r <- side^2
cell <- expand.grid(i = 1:side, j = 1:side)
W <- (as.matrix(dist(cell)) < 1.1) * 1; diag(W) <- 0; W <- W / rowSums(W)
sp <- data.frame(x = round(rnorm(r), 4), psi = round(runif(r, .1, .5), 4))
sp$y <- round(2 + sp$x + as.numeric(solve(diag(r) - .75 * W, rnorm(r, sd = .8))) + rnorm(r, sd = sqrt(sp$psi)), 4)
S <- model.matrix(~ x, sp)

spatial <- function(method) {
  cov_of <- function(p) p[1] * solve(t(diag(r) - p[2] * W) %*% (diag(r) - p[2] * W))
  neg <- function(p) {
    V <- cov_of(p) + diag(sp$psi); Vi <- solve(V); A <- t(S) %*% Vi %*% S
    e <- sp$y - S %*% solve(A, t(S) %*% Vi %*% sp$y)
    l <- -.5 * (determinant(V)$modulus + t(e) %*% Vi %*% e + r * log(2 * pi))
    if (method == "REML") l <- l - .5 * determinant(A)$modulus + .5 * ncol(S) * log(2 * pi)
    -as.numeric(l)
  }
  p <- c(.5, .5)
  for (i in 1:6) p <- optim(p, neg, control = list(reltol = 1e-16, maxit = 5000))$par
  for (i in 1:8) {                       # Newton on central differences
    h <- c(1e-4, 1e-4)
    gr <- sapply(1:2, function(i) { e <- h * (1:2 == i); (neg(p + e) - neg(p - e)) / (2 * h[i]) })
    H <- outer(1:2, 1:2, Vectorize(function(i, j) { a <- h * (1:2 == i); b <- h * (1:2 == j)
      (neg(p + a + b) - neg(p + a - b) - neg(p - a + b) + neg(p - a - b)) / (4 * h[i] * h[j]) }))
    p <- p - solve(H, gr)
  }
  G <- cov_of(p); V <- G + diag(sp$psi); Vi <- solve(V); Q <- solve(t(S) %*% Vi %*% S)
  C <- t(diag(r) - p[2] * W) %*% (diag(r) - p[2] * W); Ci <- solve(C)
  D <- list(Ci, -p[1] * Ci %*% (-W - t(W) + 2 * p[2] * t(W) %*% W) %*% Ci)
  info <- .5 * outer(1:2, 1:2, Vectorize(function(i, j) tr(Vi %*% D[[i]] %*% Vi %*% D[[j]])))
  I <- solve(info); L <- G %*% Vi
  beta <- Q %*% t(S) %*% Vi %*% sp$y
  dL <- lapply(D, function(d) d %*% Vi - L %*% d %*% Vi)
  g3 <- Reduce(`+`, lapply(1:2, function(i) Reduce(`+`, lapply(1:2, function(j) I[i, j] * diag(dL[[i]] %*% V %*% t(dL[[j]]))))))
  g1f <- function(q) { G <- cov_of(q); diag(G - G %*% solve(G + diag(sp$psi), G)) }
  h <- c(1e-3, 1e-3) * c(p[1], 1)
  bend <- function(i, j) { a <- h * (1:2 == i); b <- h * (1:2 == j)
    (g1f(p + a + b) - g1f(p + a - b) - g1f(p - a + b) + g1f(p - a - b)) / (4 * h[i] * h[j]) }
  half <- .5 * Reduce(`+`, lapply(1:2, function(i) Reduce(`+`, lapply(1:2, function(j) I[i, j] * bend(i, j)))))
  d <- S - L %*% S; g2 <- diag(d %*% Q %*% t(d)); g1 <- g1f(p)
  mse <- g1 + g2 + g3 - half
  if (method == "ML") {
    bias <- .5 * I %*% sapply(D, function(d) -tr(Q %*% t(S) %*% Vi %*% d %*% Vi %*% S))
    mse <- mse - Reduce(`+`, lapply(1:2, function(i) { e <- h * (1:2 == i); bias[i] * (g1f(p + e) - g1f(p - e)) / (2 * h[i]) }))
  }
  list(variance = p[1], correlation = p[2], coef = as.numeric(beta), estimate = as.numeric(S %*% beta + L %*% (sp$y - S %*% beta)),
       g1 = g1, g2 = g2, g3 = g3, mse = as.numeric(mse), loglik = -neg(p))
}

reml <- unit_level(TRUE)
write_json(list(
  versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor")), lme4 = as.character(packageVersion("lme4"))),
  area = list(data = area, REML = area_level("REML"), ML = area_level("ML")),
  unit = list(data = unit, means = means, REML = reml, ML = unit_level(FALSE), pseudo = pseudo(reml$between, reml$within)),
  spatial = list(data = sp, W = W, REML = spatial("REML"), ML = spatial("ML"))
), file.path(here, "small_areas.json"), digits = I(15), dataframe = "columns", auto_unbox = TRUE)
