# Reference numbers for two-phase samples, from R's survey package.
# Run from this folder:  Rscript two_phase.R
#   reads two_phase.csv, and R's own nwtco and mu284; writes two_phase.json
suppressMessages({library(survey); library(survival)})
library(jsonlite)

# R's method "full" looks up the size of a first-phase stratum by the position of a row among the rows
# of the second phase, in a vector over those of the first: it is right only where the rows of the second
# phase stand first and no cluster shifts them, or where all strata have the same size. Hence the
# order here; villages are 20 in either region.
ordered <- function(d, rows) d[order(!rows), ]
d <- read.csv("two_phase.csv")
d$sexf <- factor(d$sex); d$screenf <- factor(d$screen)
d$woman <- as.numeric(d$sex == 2); d$ywoman <- d$y * d$woman; d$one <- 1
d$man <- 1 - d$woman; d$yman <- d$y * d$man

phases <- function(v) {
  p <- attr(v, "phases")
  lapply(p[c("phase1", "phase2")], function(x) as.vector(as.matrix(x)[1, 1]))
}
estimates <- function(design, fit = TRUE, domains = TRUE) {
  m <- svymean(~y + x, design)
  t <- svytotal(~y + ywoman + one, design)
  r <- svyratio(~y, ~x, design)
  out <- list(mean = as.vector(coef(m)), mean_vcov = as.vector(vcov(m)),
              total = as.vector(coef(t)), total_vcov = as.vector(vcov(t)),
              ratio = as.vector(r$ratio), ratio_var = as.vector(r$var),
              total_phases = phases(vcov(svytotal(~y, design))), df = degf(design),
              n = nrow(design$phase1$sample$variables))
  if (domains) {
    # Subsets of R's "approx" lose the zeros of the rows left out, which moves the centre of
    # first-phase strata; a domain mean is the ratio of two totals, and that is right in either.
    if (inherits(design, "twophase2")) {
      b <- svyby(~y, ~sex, design, svymean)
      out$by <- as.vector(coef(b)); out$by_se <- as.vector(SE(b))
    } else {
      b <- list(svyratio(~yman, ~man, design), svyratio(~ywoman, ~woman, design))
      out$by <- sapply(b, function(r) as.vector(coef(r))); out$by_se <- sapply(b, function(r) as.vector(SE(r)))
    }
  }
  if (fit) {
    g <- svyglm(y ~ x + sexf, design)
    l <- suppressWarnings(svyglm(z ~ x + sexf, design, family = quasibinomial(),
                                 control = glm.control(epsilon = 1e-14, maxit = 100)))
    out$linear <- as.vector(coef(g)); out$linear_vcov <- as.vector(vcov(g))
    out$logistic <- as.vector(coef(l)); out$logistic_vcov <- as.vector(vcov(l))
    out$linear_df <- g$df.residual
  }
  out
}
out <- list()
e <- ordered(d, d$sampled == 1)
srs <- function(method) twophase(id = list(~person, ~person), strata = list(NULL, ~screen),
  fpc = list(~fpc_person, NULL), subset = ~I(sampled == 1), data = e, method = method)
stratified <- function(method) twophase(id = list(~person, ~person), strata = list(~region, ~screen),
  fpc = list(~fpc_region, NULL), subset = ~I(sampled == 1), data = e, method = method)
plain <- function(method) twophase(id = list(~person, ~person), strata = list(~region, NULL),
  fpc = list(~fpc_region, NULL), subset = ~I(sampled == 1), data = e, method = method)
for (method in c("full", "approx", "simple")) {
  out[[paste0("srs_", method)]] <- estimates(srs(method))
  out[[paste0("stratified_", method)]] <- estimates(stratified(method))
}
out$clusters_full <- estimates(twophase(id = list(~village_id, ~person), strata = list(~region, ~screen),
  fpc = list(~villages, NULL), subset = ~I(sampled == 1), data = e, method = "full"))
out$stages_full <- estimates(twophase(id = list(~village_id + person, ~person), strata = list(~region, ~screen),
  fpc = list(~villages + persons, NULL), subset = ~I(sampled == 1), data = e, method = "full"))
v <- ordered(d, d$drawn == 1)
for (method in c("full", "approx"))
  out[[paste0("whole_", method)]] <- estimates(twophase(id = list(~village_id, ~village_id),
    strata = list(~region, ~kind), fpc = list(~villages, NULL), subset = ~I(drawn == 1), data = v,
    method = method))

# Calibrated to the first phase
calibrated <- function(formula, fun = "linear")
  calibrate(srs("full"), phase = 2, formula = formula, calfun = fun, epsilon = 1e-13, maxit = 200)
out$regression <- estimates(calibrated(~x + sexf), fit = FALSE, domains = FALSE)
out$poststratified <- estimates(calibrated(~sexf * screenf), fit = FALSE, domains = FALSE)
out$raked <- estimates(calibrated(~sexf + screenf, "raking"), fit = FALSE, domains = FALSE)

# One unit in a stratum of the second phase: R's full takes it about zero
l <- ordered(d, d$lonely == 1)
out$lonely_full <- estimates(twophase(id = list(~person, ~person), strata = list(NULL, ~alone),
  fpc = list(~fpc_person, NULL), subset = ~I(lonely == 1), data = l, method = "full"), fit = FALSE)
options(survey.lonely.psu = "adjust")
out$lonely_approx <- estimates(twophase(id = list(~person, ~person), strata = list(NULL, ~alone),
  fpc = list(~fpc_person, NULL), subset = ~I(lonely == 1), data = l, method = "approx"), fit = FALSE,
  domains = FALSE)
options(survey.lonely.psu = "fail")

# R's own data: the National Wilms Tumor study (figures only), and two stages as two phases
n <- nwtco
n$one <- 1
wilms <- function(method) twophase(id = list(~seqno, ~seqno), strata = list(NULL, ~rel),
  subset = ~I(in.subcohort | rel), data = n, method = method)
real <- list()
for (method in c("full", "approx", "simple")) {
  w <- wilms(method)
  m <- svymean(~edrel + age, w); t <- svytotal(~edrel, w)
  g <- svyglm(edrel ~ factor(histol) + age, w)
  real[[paste0("nwtco_", method)]] <- list(mean = as.vector(coef(m)), mean_vcov = as.vector(vcov(m)),
    mean_phases = phases(vcov(svymean(~edrel, w))), total = as.vector(coef(t)), total_var = as.vector(vcov(t)),
    total_phases = phases(vcov(t)), linear = as.vector(coef(g)), linear_vcov = as.vector(vcov(g)),
    df = degf(w))
}
data(mu284)
ii <- with(mu284, c(1:15, rep(1:5, n2[1:5] - 3)))
u <- mu284[ii, ]
u$id <- 1:nrow(u); u$sub <- rep(c(TRUE, FALSE), c(15, 34 - 15))
two <- twophase(id = list(~id1, ~id), strata = list(NULL, ~id1), fpc = list(~n1, NULL), data = u,
                subset = ~sub, method = "full")
t <- svytotal(~y1, two); m <- svymean(~y1, two)
real$mu284 <- list(total = as.vector(coef(t)), total_se = as.vector(SE(t)), mean = as.vector(coef(m)),
                   mean_se = as.vector(SE(m)))

out$real <- real
out$made_by <- paste("R", getRversion(), "survey", packageVersion("survey"))
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "two_phase.json")
