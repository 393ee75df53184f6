# Writes cox.json: svycoxph on the generated sample of tests/weighting, with durations made of its columns so
# that there are ties, late entries and strata; the cumulative hazard by moving the weights of one PSU at a
# time (predict.svycoxph leaves out strata, Efron's ties, and the covariance between increments and
# coefficients); JK1 replicates with the rows of weight 0 left out, as in a sample without them.
# Run: Rscript tests/models/oracles/cox.R
suppressMessages({library(survey); library(survival); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex); d$e <- factor(d$education); d$unit <- paste(d$stratum, d$psu)
d$time <- round(d$income / 40) + d$age %% 7 + 1
d$entry <- pmax(0, pmin(d$time - 1, d$age %% 5))
d <- d[!is.na(d$time) & !is.na(d$employed), ]
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60)
one <- function(f, des, ties) {
  # "ties=" would be taken for a column when the residuals are formed
  m <- do.call("svycoxph", list(formula = f, design = des, method = ties, control = tight))
  list(estimate = unname(coef(m)), se = unname(sqrt(diag(vcov(m)))), vcov = unname(vcov(m)), df = m$degf.resid)
}
hazard <- function(w, f, ties, times, who) {
  d$.w <<- w / mean(w)
  m <- coxph(f, data = d, weights = .w, ties = ties, control = tight, model = TRUE)
  base <- survfit(m, newdata = who)
  h <- summary(base, times = times, extend = TRUE)$cumhaz
  as.numeric(h)
}
jackknifed <- function(f, ties, times, who, h = 1e-4) {
  units <- unique(d[, c("stratum", "unit")])
  slopes <- sapply(units$unit, function(u) {
    up <- d$weight * ifelse(d$unit == u, 1 + h, 1); down <- d$weight * ifelse(d$unit == u, 1 - h, 1)
    (hazard(up, f, ties, times, who) - hazard(down, f, ties, times, who)) / (2 * h)
  })
  v <- matrix(0, nrow(slopes), nrow(slopes))
  for (stratum in unique(units$stratum)) {
    z <- slopes[, units$stratum == stratum, drop = FALSE]; n <- ncol(z); z <- z - rowMeans(z)
    v <- v + n / (n - 1) * z %*% t(z)
  }
  list(estimate = hazard(d$weight, f, ties, times, who), vcov = v)
}
plain <- Surv(time, employed) ~ s + age
who <- data.frame(s = factor(2, levels = 1:2), age = 40)
times <- c(5, 10, 15)
jk <- as.svrepdesign(design, type = "JKn")
rep <- withReplicates(jk, function(w, data) {
  data$.w <- w / mean(w)
  coef(coxph(plain, data = data[w > 0, ], weights = .w, ties = "efron", control = tight))
})
old <- svycoxph(Surv(time, employed) ~ s + age, jk, method = "breslow")
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey"), "survival", packageVersion("survival")),
  efron = one(plain, design, "efron"), breslow = one(plain, design, "breslow"),
  entry = one(Surv(entry, time, employed) ~ s + age, design, "efron"),
  strata = one(Surv(time, employed) ~ s + age + strata(urban), design, "efron"),
  entry_strata_breslow = one(Surv(entry, time, employed) ~ s + e + strata(urban), design, "breslow"),
  women = one(Surv(time, employed) ~ e + age, subset(design, sex == 2), "efron"),
  hazard_efron = jackknifed(plain, "efron", times, who),
  hazard_breslow = jackknifed(plain, "breslow", times, who),
  replicates = list(efron = unname(attr(rep, "var")), breslow = unname(vcov(old)))
)
write_json(out, file.path(here, "cox.json"), digits = 16, auto_unbox = TRUE, pretty = TRUE)
