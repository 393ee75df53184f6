# Reference numbers for inequality and poverty: influence values written out from their
# definitions (every pair, every person), variances by the survey package's svyrecvar.
# Run from this folder:  Rscript inequality.R     (reads ../../oracles/jordan_like.csv, writes inequality.json)
suppressMessages(library(survey))
library(jsonlite)

d <- read.csv("../../oracles/jordan_like.csv")
d$low_school <- as.numeric(d$education <= 2)
d$no_work <- as.numeric(d$hours == 0)
d$old <- as.numeric(d$age >= 60)
out <- list()

design_of <- function(kind) switch(kind,
  wr = svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE),
  fpc1 = svydesign(~psu, strata = ~stratum, weights = ~weight, fpc = ~fpc1, data = d, nest = TRUE),
  two_stage = svydesign(~psu + household, strata = ~stratum, weights = ~weight,
                        fpc = ~fpc1 + fpc2, data = d, nest = TRUE),
  poststratified = postStratify(
    svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE), ~region,
    data.frame(region = 1:3, Freq = c(18000, 15000, 9000))))

error_of <- function(design, z) {
  total <- as.matrix(ifelse(is.na(z), 0, z) * weights(design))
  sqrt(diag(as.matrix(svyrecvar(total, design$cluster, design$strata, design$fpc,
                                postStrata = design$postStrata))))
}

# Each statistic: list(estimate, z), z one value per row of the file, 0 outside `inside`.
spread <- function(w, y) sum(outer(w, w) * abs(outer(y, y, "-")))

gini <- function(w, y) {
  N <- sum(w); Y <- sum(w * y); G <- spread(w, y) / (2 * N * Y)
  A <- as.vector(abs(outer(y, y, "-")) %*% w)
  list(G, A / (N * Y) - G / N - G * y / Y)
}

lorenz <- function(w, y, p) {
  o <- order(y); N <- sum(w); Y <- sum(w * y)
  C <- cumsum(w[o]); S <- cumsum(w[o] * y[o])
  L <- approx(c(0, C / N), c(0, S / Y), p)$y
  q <- y[o][which(C >= p * N)[1]]
  list(L, ((y - q) * (y <= q) + p * q - L * y) / Y)
}

s80s20 <- function(w, y) {
  top <- lorenz(w, y, 0.8); bottom <- lorenz(w, y, 0.2)
  R <- (1 - top[[1]]) / bottom[[1]]
  list(R, (-top[[2]] - R * bottom[[2]]) / bottom[[1]])
}

density_at <- function(w, y, at) {
  o <- order(y); C <- cumsum(w[o])
  quartile <- function(p) y[o][which(C >= p * sum(w))[1]]
  h <- 0.79 * (quartile(0.75) - quartile(0.25)) * (sum(w)^2 / sum(w^2))^(-1 / 5)
  sum(w * dnorm(at, mean = y, sd = h)) / sum(w)
}

median_of <- function(w, y) {
  o <- order(y); q <- y[o][which(cumsum(w[o]) >= 0.5 * sum(w))[1]]
  F <- sum(w * (y <= q)) / sum(w)
  list(q, -((y <= q) - F) / (sum(w) * density_at(w, y, q)))
}

full <- function(pair, inside) {
  z <- numeric(nrow(d)); z[inside] <- pair[[2]]; list(pair[[1]], z)
}

relative_fgt <- function(w, y, inside, known, alpha, centre, factor) {
  W <- sum(w[inside])
  line <- if (centre == "median") full(median_of(w[known], y[known]), known) else {
    m <- weighted.mean(y[known], w[known]); full(list(m, (y[known] - m) / sum(w[known])), known) }
  z <- factor * line[[1]]
  g <- ifelse(inside & y < z, (1 - y / z)^alpha, 0)
  theta <- sum(w[inside] * g[inside]) / W
  slope <- if (alpha == 0) density_at(w[inside], y[inside], z) else
    sum((w * alpha * (1 - y / z)^(alpha - 1) * y / z^2)[inside & y < z]) / W
  list(theta, ifelse(inside, (g - theta) / W, 0) + slope * factor * line[[2]])
}

gap_of <- function(w, y, men, women, centre) {
  f <- function(s) if (centre == "median") full(median_of(w[s], y[s]), s) else {
    m <- weighted.mean(y[s], w[s]); full(list(m, (y[s] - m) / sum(w[s])), s) }
  a <- f(men); b <- f(women)
  list(1 - b[[1]] / a[[1]], -b[[2]] / a[[1]] + b[[1]] * a[[2]] / a[[1]]^2)
}

for (kind in c("wr", "fpc1", "two_stage", "poststratified")) {
  design <- design_of(kind)
  w <- weights(design); known <- !is.na(d$income); y <- ifelse(known, d$income, 0)
  for (domain in c("all", "region1", "women")) {
    member <- switch(domain, all = rep(TRUE, nrow(d)), region1 = d$region == 1, women = d$sex == 2)
    s <- member & known
    add <- function(statistic, pair) out[[length(out) + 1]] <<- list(design = kind, domain = domain,
      statistic = statistic, estimate = pair[[1]], std_error = as.vector(error_of(design, pair[[2]])))
    add("gini", full(gini(w[s], y[s]), s))
    for (p in c(0.1, 0.5, 0.8)) add(paste0("lorenz_", p), full(lorenz(w[s], y[s], p), s))
    add("s80s20", full(s80s20(w[s], y[s]), s))
    for (alpha in 0:2) {
      g <- ifelse(y < 200, (1 - y / 200)^alpha, 0)
      theta <- weighted.mean(g[s], w[s])
      add(paste0("fgt", alpha, "_200"), full(list(theta, (g[s] - theta) / sum(w[s])), s))
      add(paste0("fgt", alpha, "_0.6median"), relative_fgt(w, y, s, known, alpha, "median", 0.6))
      add(paste0("fgt", alpha, "_0.5mean"), relative_fgt(w, y, s, known, alpha, "mean", 0.5))
    }
    if (domain != "women") for (centre in c("mean", "median"))
      add(paste0("gap_", centre), gap_of(w, y, s & d$sex == 1, s & d$sex == 2, centre))
    # Alkire-Foster with the package's own estimators.
    v <- update(design, score = 0.5 * low_school + 0.3 * no_work + 0.2 * old)
    v <- update(v, poor = as.numeric(score >= 0.5), censored = score * (score >= 0.5))
    v <- v[member, , drop = FALSE]
    m <- svymean(~poor + censored, v); r <- svyratio(~censored, ~poor, v)
    rows <- list(H = list(coef(m)[[1]], SE(m)[[1]]), M0 = list(coef(m)[[2]], SE(m)[[2]]),
                 A = list(coef(r)[[1]], SE(r)[[1]]))
    for (name in names(rows)) out[[length(out) + 1]] <- list(design = kind, domain = domain,
      statistic = paste0("af_", name), estimate = rows[[name]][[1]], std_error = as.vector(rows[[name]][[2]]))
  }
}

write_json(list(R = R.version.string, survey = as.character(packageVersion("survey")), rows = out),
           "inequality.json", digits = 15, auto_unbox = TRUE, pretty = TRUE)
