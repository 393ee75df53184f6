# Writes model_designs.json: svyglm of every family under raked weights (calibrate), a two-phase sample, and
# JKn replicates; on the generated sample of tests/weighting and, for two phases, of tests/two_phase.
# Run: Rscript tests/models/oracles/model_designs.R
suppressMessages({library(survey); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex); d$u <- factor(d$urban); d$pay <- d$income + 10
d$answered <- with(d, !is.na(employed) & !is.na(children) & !is.na(income))
d <- d[d$answered, ]
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
tight <- list(epsilon = 1e-300, maxit = 60)
families <- list(binomial = list(employed ~ s + age, quasibinomial()), probit = list(employed ~ s + age, quasibinomial("probit")),
                 cloglog = list(employed ~ s + age, quasibinomial("cloglog")), poisson = list(children ~ s + age, quasipoisson()),
                 gamma = list(pay ~ s + age, Gamma("log")), gaussian = list(income ~ s + age, gaussian()))
fit <- function(des) lapply(families, function(one) {
  m <<- suppressWarnings(svyglm(one[[1]], des, family = one[[2]], control = tight))
  for (again in 1:12) m <<- suppressWarnings(svyglm(one[[1]], des, family = one[[2]], control = tight, start = coef(m)))
  list(estimate = unname(coef(m)), vcov = unname(vcov(m)))
})
# margins of sex and urban, 5 to 20 per cent away from those of the sample
total <- sum(d$weight)
sex <- c("1" = 0.52, "2" = 0.48) * total; urban <- c("1" = 0.7, "2" = 0.3) * total
raked <- calibrate(design, ~s + u, c(total, sex[["2"]], urban[["2"]]), calfun = "raking", epsilon = 1e-13, maxit = 200)
replicated <- as.svrepdesign(design, type = "JKn")
under <- function(des, shapes) {
  out <- list()
  for (name in names(shapes)) {
    one <<- shapes[[name]]
    m <- suppressWarnings(svyglm(one[[1]], des, family = one[[2]], control = list(epsilon = 1e-14, maxit = 100)))
    out[[name]] <- list(estimate = unname(coef(m)), vcov = unname(vcov(m)))
  }
  out
}
# the second phase of tests/two_phase; its rows stand first, as method "full" needs
e <- read.csv(file.path(here, "..", "..", "two_phase", "two_phase.csv"))
e$sexf <- factor(e$sex); e$count <- floor(abs(e$y) / 10); e$pay <- abs(e$y) + 1
e <- e[order(e$sampled != 1), ]
phases <- twophase(id = list(~person, ~person), strata = list(~region, ~screen), fpc = list(~fpc_region, NULL),
                   subset = ~I(sampled == 1), data = e, method = "full")
second <- list(binomial = list(z ~ sexf + x, quasibinomial()), probit = list(z ~ sexf + x, quasibinomial("probit")),
               cloglog = list(z ~ sexf + x, quasibinomial("cloglog")), poisson = list(count ~ sexf + x, quasipoisson()),
               gamma = list(pay ~ sexf + x, Gamma("log")), gaussian = list(y ~ sexf + x, gaussian()))
# dAIC of a linear model as Lumley and Scott define it. extractAIC of survey 4.1 forms its parts with the
# covariance of the coefficients less sigma^2, and then divides all of them, the likelihood too, by sigma^2:
# its figure depends on the unit of the outcome. Here each part has its own sigma^2.
m <- svyglm(income ~ s + age, design)
w <- m$prior.weights; n <- sum(w); r <- m$y - fitted(m); s2 <- sum(w * r^2) / n
effects <- sum(diag(solve(m$naive.cov[-1, -1] * s2, vcov(m)[-1, -1])))
of_sigma <- sum(w * (r^2 / (2 * s2^2) - 1 / (2 * s2))^2) / (n / (2 * s2^2))
daic <- list(minus_two = n * log(s2) + n + n * log(2 * pi), effects = effects, of_sigma = of_sigma)
out <- list(software = paste("R", getRversion(), "survey", packageVersion("survey")), rows = nrow(d), total = total,
            daic = daic, raked = fit(raked), replicated = under(replicated, families), phases = under(phases, second))
write(toJSON(out, digits = I(15), auto_unbox = TRUE), file.path(here, "model_designs.json"))
