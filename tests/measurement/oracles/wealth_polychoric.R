# First component of weighted polychoric correlations and Kolenikov–Angeles scores. Rscript wealth_polychoric.R
suppressPackageStartupMessages(library(jsonlite))
set.seed(5); n <- 600
rich <- rnorm(n); w <- round(runif(n, .5, 2), 3)
cut_at <- function(z, at) findInterval(z, at)
d <- data.frame(w, car = cut_at(.7 * rich + .7 * rnorm(n), .5), pc = cut_at(.8 * rich + .6 * rnorm(n), 0),
                floor = 1 + cut_at(.6 * rich + .8 * rnorm(n), c(-1, 0, 1)), rooms = 1 + cut_at(.5 * rich + .8 * rnorm(n), c(-.5, .7)))
write.csv(d, "wealth_polychoric.csv", row.names = FALSE)
two_step <- function(tab) {
  tab <- tab / sum(tab)
  r <- c(-Inf, qnorm(cumsum(rowSums(tab)))); k <- c(-Inf, qnorm(cumsum(colSums(tab)))); r[length(r)] <- Inf; k[length(k)] <- Inf
  loss <- function(rho) { p <- tab
    for (i in seq_len(nrow(tab))) for (j in seq_len(ncol(tab)))
      p[i, j] <- mvtnorm::pmvnorm(c(r[i], k[j]), c(r[i + 1], k[j + 1]), corr = matrix(c(1, rho, rho, 1), 2))
    -sum(tab * log(p)) }
  optimise(loss, c(-.999, .999), tol = 1e-12)$minimum
}
v <- c("car", "pc", "floor", "rooms"); R <- diag(4)
for (i in 2:4) for (j in 1:(i - 1)) R[i, j] <- R[j, i] <- two_step(xtabs(d$w ~ d[[v[i]]] + d[[v[j]]]))
e <- eigen(R); l <- e$vectors[, 1] * sign(sum(e$vectors[1:2, 1]))
behind <- sapply(v, function(name) { share <- xtabs(d$w ~ d[[name]]) / sum(d$w); t <- qnorm(cumsum(share)); t[length(t)] <- Inf
  ((dnorm(c(-Inf, t[-length(t)])) - dnorm(t)) / share)[as.character(d[[name]])] })
writeLines(toJSON(list(r = R.version.string, cor = R, values = e$values, loading = l, score = as.vector(behind %*% l) / sqrt(e$values[1])), digits = NA), "wealth_polychoric.json")
