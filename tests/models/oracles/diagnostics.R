# Writes diagnostics.json: residuals(svyglm), weighted hat values from their definition with qr(), models fitted
# again without each PSU (svyglm's coefficients are those of a weighted glm), quantile residuals of gamma from
# statmod, and cox.zph of survival without weights.
# Run: Rscript tests/models/oracles/diagnostics.R
suppressMessages({library(survey); library(survival); library(statmod); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex); d$e <- factor(d$education); d$pay <- d$income + 10
d$unit <- paste(d$stratum, d$psu)
d$time <- round(d$income / 40) + d$age %% 7 + 1
d$entry <- pmax(0, pmin(d$time - 1, d$age %% 5))
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
tight <- list(epsilon = 1e-300, maxit = 60)
one <- function(f, fam, take) {
  m <<- suppressWarnings(svyglm(f, design, family = fam, control = tight))
  for (again in 1:12) m <<- suppressWarnings(svyglm(f, design, family = fam, control = tight, start = coef(m)))
  rows <- as.integer(names(m$y))
  w <- d$weight[rows]; mu <- fitted(m); X <- model.matrix(m); h <- hatvalues(m)
  q <- qr.Q(qr(X * sqrt(m$weights)))
  A <- solve(t(X) %*% (X * m$weights))
  wr <- residuals(m, "working")
  db <- t(A %*% t(X * (m$weights * wr / (1 - h))))
  V <- vcov(m)
  dd <- d[rows, ]; dd$.w <- w / mean(w)
  units <- unique(dd$unit)
  without <- t(sapply(units[1:take], function(u) {
    k <- dd$unit != u
    dk <<- dd[k, ]
    g <<- suppressWarnings(glm(f, data = dk, weights = .w, family = fam, control = tight, start = coef(m)))
    for (again in 1:12) g <<- suppressWarnings(glm(f, data = dk, weights = .w, family = fam, control = tight, start = coef(g)))
    coef(g)
  }))
  first <- 1:60
  list(rows = rows[first] - 1, response = unname(residuals(m, "response")[first]),
       # residuals.svyglm divides by weights scaled over all rows of the design, the fit's over those it used
       pearson = unname(((m$y - mu) / sqrt(m$family$variance(mu)))[first]),
       deviance = unname((residuals(m, "deviance") / sqrt(m$prior.weights))[first]),
       hat = unname(h[first]), hat_by_qr = unname(rowSums(q^2)[first]),
       dfbetas = unname(sweep(db, 2, sqrt(diag(V)), "/")[first, ]),
       cook = unname(rowSums((db %*% solve(V)) * db)[first] / ncol(X)),
       units = units[1:take], without = unname(without), coef = unname(coef(m)))
}
plain <- glm(pay ~ age + s, family = Gamma("log"), data = d, control = list(epsilon = 1e-14, maxit = 100))
zph <- function(f, ties, transform) {
  m <- coxph(f, data = d, ties = ties, control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60))
  z <- cox.zph(m, transform = transform, terms = FALSE)
  list(chisq = unname(z$table[, "chisq"]), p = unname(z$table[, "p"]))
}
p1 <- Surv(time, employed) ~ s + age; p2 <- Surv(entry, time, employed) ~ s + age + strata(urban)
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey"), "survival", packageVersion("survival"),
                   "statmod", packageVersion("statmod")),
  logit = one(employed ~ s + age, quasibinomial(), 8),
  cloglog = one(employed ~ s + age, quasibinomial(link = "cloglog"), 8),
  poisson = one(children ~ s + age, quasipoisson(), 8),
  gamma = one(pay ~ s + age, Gamma("log"), 8),
  gaussian = one(income ~ s + age, gaussian(), 8),
  quantile_gamma = list(rows = as.integer(names(fitted(plain)))[1:60] - 1, value = unname(qres.gamma(plain))[1:60],
                        standard = unname(rstandard(plain, type = "pearson"))[1:60]),
  zph = list(km = zph(p1, "efron", "km"), identity = zph(p1, "efron", "identity"), log = zph(p1, "efron", "log"),
             rank = zph(p1, "efron", "rank"), breslow = zph(p1, "breslow", "km"), strata = zph(p2, "efron", "identity"))
)
write(toJSON(out, digits = I(15), auto_unbox = TRUE), file.path(here, "diagnostics.json"))
