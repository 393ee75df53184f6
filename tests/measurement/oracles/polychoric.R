# Polychoric and tetrachoric correlations of polycor and psych, and maximum-likelihood factors.
# Run from this directory: Rscript polychoric.R
suppressPackageStartupMessages({library(polycor); library(psych); library(jsonlite)})
d <- read.csv("measurement.csv")
items <- paste0("i", 1:5)
# polycor::polychor's two-step likelihood, searched to the last digits (its own search stops at 1e-4).
two_step <- function(tab) {
  tab <- tab / sum(tab)
  r <- c(-Inf, qnorm(cumsum(rowSums(tab)))); cc <- c(-Inf, qnorm(cumsum(colSums(tab))))
  r[length(r)] <- Inf; cc[length(cc)] <- Inf
  loss <- function(rho) {
    s <- matrix(c(1, rho, rho, 1), 2); p <- tab
    for (i in seq_len(nrow(tab))) for (j in seq_len(ncol(tab)))
      p[i, j] <- mvtnorm::pmvnorm(c(r[i], cc[j]), c(r[i + 1], cc[j + 1]), corr = s)
    -sum(tab * log(p))
  }
  optimise(loss, c(-.999, .999), tol = 1e-12)$minimum
}
two <- polychor(table(d$i1, d$i2), std.err = FALSE)
cross <- table(d$i1 + d$i2 + d$i3, d$i4 + d$i5)
many <- two_step(cross)
weighted <- two_step(xtabs(w ~ i1 + i2, d))
R <- diag(5)
for (i in 2:5) for (j in 1:(i - 1)) R[i, j] <- R[j, i] <- two_step(table(d[[items[i]]], d[[items[j]]]))
R_psych <- polychoric(d[items], correct = 0, smooth = FALSE)$rho
stopifnot(max(abs(R - R_psych)) < 1e-4)
dimnames(R) <- list(items, items)
one <- factanal(covmat = R, factors = 1, rotation = "none")
minres <- fa(R, 1, fm = "minres", rotate = "none")
writeLines(toJSON(list(
  polychor = two, two = two_step(table(d$i1, d$i2)), many = many, weighted = weighted, matrix = unname(R),
  alpha = 5 * mean(R[lower.tri(R)]) / (1 + 4 * mean(R[lower.tri(R)])),
  loadings = abs(as.numeric(one$loadings)), minres = abs(as.numeric(minres$loadings))
), digits = I(15), auto_unbox = TRUE), "polychoric.json")
