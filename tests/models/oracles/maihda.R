# Writes maihda.json: lme4's fits without weights (glmer with 25 quadrature points, lmer by maximum
# likelihood), and weighted pseudo-likelihoods summed over a fine fixed grid (a trapezoid, exact to rounding for such
# integrands) and maximised by optim and Newton steps: no quadrature is shared with the package.
# Run: Rscript tests/models/oracles/maihda.R
suppressMessages({library(lme4); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d <- d[complete.cases(d[, c("employed", "income", "sex", "education", "governorate")]), ]
# An outcome whose groups do not add up: that of women in governorates of odd code is turned round.
d$odd <- d$sex == 2 & d$governorate %% 2 == 1
d$employed <- ifelse(d$odd, 1 - d$employed, d$employed); d$income <- d$income + 90 * d$odd
d$s <- factor(d$sex); d$e <- factor(d$education); d$g <- factor(d$governorate)
d$j <- interaction(d$g, d$e, d$s, drop = TRUE, lex.order = FALSE)   # sex slowest, governorate fastest
tight <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-11, maxfun = 1e6))
tightl <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-11, maxfun = 1e6))
out <- list(strata = nlevels(d$j))
two <- function(m) list(coef = unname(fixef(m)), sigma2 = unname(as.numeric(VarCorr(m)$j)), loglik = as.numeric(logLik(m)))
out$null <- two(glmer(employed ~ 1 + (1 | j), d, binomial, nAGQ = 25, control = tight))
out$adjusted <- two(glmer(employed ~ s + e + g + (1 | j), d, binomial, nAGQ = 25, control = tight))
linear <- function(f) {
  m <- lmer(f, d, REML = FALSE, control = tightl)
  c(two(m), list(residual2 = sigma(m)^2, effect = unname(ranef(m)$j[, 1])))
}
out$linear_null <- linear(income ~ 1 + (1 | j))
out$linear_adjusted <- linear(income ~ s + e + g + (1 | j))

n <- as.numeric(table(d$j)); scale <- n / tapply(d$weight, d$j, sum)
w <- d$weight * as.numeric(scale[d$j])
ones <- as.numeric(tapply(w * d$employed, d$j, sum))
keys <- d[match(levels(d$j), d$j), ]
X <- model.matrix(~ s + e + g, keys)
z <- seq(-14, 14, length.out = 5601)
mass <- function(h) {   # log of the integral of exp(h(z)), and its first two moments
  top <- max(h); f <- exp(h - top)
  list(log = log(sum(f) * (z[2] - z[1])) + top, moments = c(sum(z * f), sum(z^2 * f)) / sum(f))
}
heights <- function(par, X) {
  eta <- X %*% par[-length(par)]; s <- par[length(par)]
  lapply(seq_along(n), function(k) local({
    e <- eta[k]; a <- ones[k]; m <- n[k]
    mass(a * (e + s * z) + m * plogis(-(e + s * z), log.p = TRUE) + dnorm(z, log = TRUE))
  }))
}
minus <- function(par, X) -sum(sapply(heights(par, X), `[[`, "log"))
weighted <- function(X, start) {
  par <- start
  for (again in 1:2) par <- optim(par, minus, X = X, method = "BFGS",
    control = list(reltol = 1e-16, maxit = 200, ndeps = rep(1e-4, length(par))))$par
  # Newton steps with central differences end where the slope does.
  p <- length(par); h <- 1e-3
  for (again in 1:3) {
    g <- numeric(p); H <- matrix(0, p, p)
    for (i in 1:p) { u <- replace(numeric(p), i, h); v <- replace(numeric(p), i, h / 2)
      # Richardson: the error is of fourth order.
      g[i] <- (4 * (minus(par + v, X) - minus(par - v, X)) / h - (minus(par + u, X) - minus(par - u, X)) / (2 * h)) / 3
      for (j in 1:i) { t <- replace(numeric(p), j, h)
        H[i, j] <- H[j, i] <- (minus(par + u + t, X) - minus(par + u - t, X) - minus(par - u + t, X) + minus(par - u - t, X)) / (4 * h^2) } }
    par <- par - solve(H, g)
  }
  at <- heights(par, X); s <- par[p]
  m <- t(sapply(at, `[[`, "moments"))
  list(coef = par[-p], sigma2 = s^2, loglik = -minus(par, X), effect = s * m[, 1], spread = s^2 * (m[, 2] - m[, 1]^2))
}
out$weighted_null <- weighted(matrix(1, length(n), 1), c(out$null$coef, sqrt(out$null$sigma2)))
out$weighted_adjusted <- weighted(X, c(out$adjusted$coef, sqrt(max(out$adjusted$sigma2, 0.05))))
writeLines(toJSON(out, digits = 15, auto_unbox = TRUE, pretty = TRUE), file.path(here, "maihda.json"))
