# Principal components and item models of measurement.csv in R: stats, survey.
#   Rscript measurement.R        (in this folder; R 4.2.2, survey 4.1)
suppressMessages({library(survey); library(MASS); library(jsonlite)})
d <- read.csv("measurement.csv")
design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
out <- list(r = R.version.string, survey = as.character(packageVersion("survey")))

# svyprcomp(scale. = TRUE) divides by unweighted standard deviations; given weighted ones beforehand it
# answers the question asked here.
names <- c("a1", "a2", "a3", "a4", "a5", "rooms")
z <- d
for (v in names) {
  m <- weighted.mean(d[[v]], d$w)
  z[[v]] <- (d[[v]] - m) / sqrt(weighted.mean((d[[v]] - m)^2, d$w))
}
zd <- svydesign(ids = ~psu, strata = ~stratum, weights = ~w, data = z, nest = TRUE)
weighted <- svyprcomp(~a1 + a2 + a3 + a4 + a5 + rooms, zd, scale. = FALSE)
plain <- prcomp(~a1 + a2 + a3 + a4 + a5 + rooms, d, scale. = TRUE)
cov <- cov.wt(d[, c("a1", "a2", "a3", "a4", "a5", "rooms")], d$w, cor = TRUE, method = "ML")
out$wealth <- list(
  svyprcomp = unname(weighted$rotation[, 1]), svyprcomp_sdev = weighted$sdev,
  prcomp = unname(plain$rotation[, 1]), prcomp_sdev = plain$sdev,
  center = unname(cov$center), sd = unname(sqrt(diag(cov$cov))),
  eigen = eigen(cov$cor)$values, first = unname(eigen(cov$cor)$vectors[, 1]))

items <- paste0("i", 1:5)
d$g2 <- as.numeric(d$group == 2)
W <- sum(d$w)
ll <- function(y, p) sum(d$w * ifelse(y == 1, log(p), log(1 - p)))
out$dif <- list()
for (item in items) {
  d$match <- rowSums(d[, setdiff(items, item)])
  design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
  f <- function(rhs) as.formula(paste(item, "~", rhs))
  m0 <- svyglm(f("match"), design, family = quasibinomial(), control = glm.control(epsilon = 1e-15, maxit = 100))
  m1 <- svyglm(f("match + g2"), design, family = quasibinomial(), control = glm.control(epsilon = 1e-15, maxit = 100))
  m2 <- svyglm(f("match + g2 + match:g2"), design, family = quasibinomial(), control = glm.control(epsilon = 1e-15, maxit = 100))
  # The default test of regTermTest: all terms, Wald.
  uniform <- regTermTest(m1, ~g2); both <- regTermTest(m2, ~g2 + match:g2); cross <- regTermTest(m2, ~match:g2)
  y <- d[[item]]; p0 <- weighted.mean(y, d$w)
  base <- ll(y, rep(p0, nrow(d)))
  r2 <- sapply(list(m0, m1, m2), function(m) (1 - exp(2 * (base - ll(y, fitted(m))) / W)) / (1 - exp(2 * base / W)))
  cells <- xtabs(d$w ~ d$group + y + d$match)
  alpha <- sum(cells[2, 2, ] * cells[1, 1, ] / apply(cells, 3, sum)) / sum(cells[2, 1, ] * cells[1, 2, ] / apply(cells, 3, sum))
  mh <- mantelhaen.test(xtabs(~ d$group + y + d$match))
  # Standard error of log alpha by the jackknife of the design, as a check of the linearised one.
  jk <- as.svrepdesign(design, type = "JKn")
  logor <- function(w, data) {
    c3 <- xtabs(w ~ data$group + data[[item]] + data$match)
    N <- apply(c3, 3, sum); ok <- N > 0
    log(sum((c3[2, 2, ] * c3[1, 1, ] / N)[ok]) / sum((c3[2, 1, ] * c3[1, 2, ] / N)[ok]))
  }
  se <- sqrt(as.numeric(attr(withReplicates(jk, logor), "var")))
  at <- function(g) { nd <- d; nd$g2 <- g; weighted.mean(predict(m1, nd, type = "response"), d$w) }
  out$dif[[item]] <- list(
    uniform = unname(coef(m1)["g2"]), uniform_se = unname(SE(m1)["g2"]),
    cross = unname(coef(m2)["match:g2"]), cross_se = unname(SE(m2)["match:g2"]),
    F_uniform = as.numeric(uniform$Ftest), df_uniform = uniform$ddf, p_uniform = as.numeric(uniform$p),
    F_both = as.numeric(both$Ftest), df_both = both$ddf, p_both = as.numeric(both$p),
    F_cross = as.numeric(cross$Ftest), p_cross = as.numeric(cross$p),
    nagelkerke = r2, effect = as.numeric(at(1)) - as.numeric(at(0)),
    mh_weighted = alpha, mh_plain = unname(mh$estimate), mh_log_se_jackknife = se)
}
all <- c(items, "o1", "o2")
d$match <- rowSums(d[, setdiff(all, "o2")])
design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
o <- svyolr(factor(o2) ~ match + g2, design)
out$ordinal <- list(uniform = unname(coef(o)["g2"]), se = unname(SE(o)["g2"]))
write_json(out, "measurement.json", auto_unbox = TRUE, digits = 15, pretty = TRUE)
