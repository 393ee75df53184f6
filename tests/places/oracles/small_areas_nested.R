# Areas within larger ones by metafor's rma.mv, on generated data.
#   Rscript small_areas_nested.R            writes small_areas_nested.json beside this script
# Mean squared errors: the published matrix formulas with whole matrices, derivatives by differences.
suppressMessages({library(metafor); library(jsonlite)})
set.seed(20261124)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
k <- 44; G <- 12
group <- c(1:G, sample(1:G, k - G, TRUE))
x <- round(rnorm(k), 4); psi <- round(runif(k, .05, .5), 4)
theta <- 1 + .5 * x + rnorm(G, sd = .6)[group] + rnorm(k, sd = .5)
y <- round(theta + rnorm(k, sd = sqrt(psi)), 4)
out <- c(5, 17, 30, 41); s <- setdiff(seq_len(k), out)
d <- data.frame(y, x, psi, group, area = seq_len(k))[s, ]
fit <- rma.mv(y, V = psi, mods = ~ x, random = list(~ 1 | group, ~ 1 | area), data = d, method = "REML", sparse = FALSE,
              control = list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-16, abstol = 1e-16, maxit = 20000))
th <- fit$sigma2
X <- cbind(1, x); Xs <- X[s, ]; Z <- outer(group, 1:G, "==") * 1; E <- diag(k)
parts <- function(th) {
  Om <- th[1] * Z %*% t(Z) + th[2] * E
  V <- Om[s, s] + diag(psi[s]); list(Om = Om, V = V, B = Om[, s] %*% solve(V))
}
p <- parts(th); Vi <- solve(p$V); Q <- solve(t(Xs) %*% Vi %*% Xs); beta <- as.numeric(Q %*% t(Xs) %*% Vi %*% y[s])
D <- list((Z %*% t(Z))[s, s], E[s, s])
info <- .5 * outer(1:2, 1:2, Vectorize(function(i, j) sum(diag(Vi %*% D[[i]] %*% Vi %*% D[[j]]))))
S <- solve(info); h <- 1e-5
slope <- lapply(1:2, function(i) {e <- replace(c(0, 0), i, h); (parts(th + e)$B - parts(th - e)$B) / (2 * h)})
g3 <- Reduce(`+`, lapply(1:2, function(i) Reduce(`+`, lapply(1:2, function(j) S[i, j] * rowSums((slope[[i]] %*% p$V) * slope[[j]])))))
a <- X - p$B %*% Xs
g1 <- diag(p$Om - p$B %*% t(p$Om[, s])); g2 <- diag(a %*% Q %*% t(a))
found <- list(data = data.frame(y, x, psi, group), out = out,
  between = th[1], variance = th[2], coef = as.numeric(fit$beta), coef_se = fit$se,
  estimate = as.numeric(X %*% beta + p$B %*% (y[s] - Xs %*% beta)), effects = as.numeric(ranef(fit)$group$intrcpt),
  g1 = g1, g2 = g2, g3 = as.numeric(g3), mse = as.numeric(g1 + g2 + 2 * g3))
write_json(found, file.path(here, "small_areas_nested.json"), digits = 14, auto_unbox = TRUE, dataframe = "columns", pretty = TRUE)
