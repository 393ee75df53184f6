# Writes loglinear.json: svyloglin and its anova (deviance and Pearson, every reference distribution) on the
# generated sample of tests/weighting; the coefficients, which svyloglin gives for sum contrasts, also for
# treatment contrasts by the change of basis.
# anova.svyloglin takes eigenvalues of a matrix that is not symmetric as if it were where it integrates, and the
# sum of its squared elements for the trace of its square in the second-order F: both depend on the contrasts.
# They are formed here from the matrix itself; deviance, Pearson's statistic and the first-order p are anova's own.
# Run: Rscript tests/models/oracles/loglinear.R
suppressMessages({library(survey); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d <- d[!is.na(d$education) & !is.na(d$sex) & !is.na(d$urban), ]
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
treated <- function(m, formula) {
  data <- m$model$data; sum_X <- model.matrix(m$model)[, -1, drop = FALSE]
  X <- model.matrix(formula, data)[, -1, drop = FALSE] # options(contrasts): treatment
  change <- lm.fit(cbind(1, X), cbind(1, sum_X))$coefficients[-1, -1, drop = FALSE]
  list(names = colnames(X), estimate = as.numeric(change %*% coef(m$model)[-1]), vcov = unname(change %*% m$var %*% t(change)))
}
tested <- function(a, b) {
  t <- suppressWarnings(anova(a, b))
  n <- a$n; X1 <- model.matrix(a$model)[, -1, drop = FALSE]; X2 <- model.matrix(b$model)[, -1, drop = FALSE]
  X1 <- sweep(X1, 2, colMeans(X1)); X2 <- sweep(X2, 2, colMeans(X2)); fit <- fitted(b$model) / n
  P1 <- (diag(fit) - tcrossprod(fit)) / n; p <- coef(a$prob.table); Psat <- (diag(p) - tcrossprod(p)) / n
  W <- X2 - X1 %*% solve(t(X1) %*% P1 %*% X1, t(X1) %*% P1 %*% X2)
  k <- qr(round(W, 11)); W <- W[, k$pivot[1:k$rank], drop = FALSE]
  Delta <- solve(t(W) %*% Psat %*% W, t(W) %*% vcov(a$prob.table) %*% W)
  l <- sort(Re(eigen(Delta, only.values = TRUE)$values), decreasing = TRUE); d <- sum(l)^2 / sum(l^2)
  f <- function(x) pf(x / sum(l), d, d * a$df.null, lower.tail = FALSE)
  list(deviance = t$dev$dev, deviance_first = t$dev$p[2], deviance_f = f(t$dev$dev),
       pearson = t$score$chisq, pearson_first = t$score$p[2], pearson_f = f(t$score$chisq),
       eigenvalues = l)
}
ind <- svyloglin(~sex + education + urban, design)
two <- svyloglin(~sex * education + urban, design)
all2 <- svyloglin(~(sex + education + urban)^2, design)
sat <- svyloglin(~sex * education * urban, design)
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey")),
  two = treated(two, ~factor(sex) * factor(education) + factor(urban)),
  all2 = treated(all2, ~(factor(sex) + factor(education) + factor(urban))^2),
  fitted_all2 = unname(fitted(all2$model) / all2$n), n = all2$n,
  ind_two = tested(ind, two), two_sat = tested(two, sat), all2_sat = tested(all2, sat)
)
write_json(out, file.path(here, "loglinear.json"), digits = 16, auto_unbox = TRUE, pretty = TRUE)
