# Reference numbers for replicate designs, from R's survey package.
# Run from this folder:  Rscript replicates.R
#   reads ../oracles/jordan_like.csv, writes replicates.json; where MASAR_REAL_DATA names a folder
#   with R's own data sets it writes replicates_real.json too.
suppressMessages(library(survey))
library(jsonlite)
set.seed(2026)

d <- read.csv("../oracles/jordan_like.csv")
d$income[is.na(d$income)] <- NA
d$row <- seq_len(nrow(d))
key <- paste(d$stratum, d$psu)
# Two PSUs per stratum for the half-samples: the first two of each, where there are two.
rank <- ave(d$psu, d$stratum, FUN = function(p) match(p, unique(p)))
pairs <- d[rank <= 2, ]
pairs <- pairs[ave(pairs$psu, pairs$stratum, FUN = function(p) length(unique(p))) == 2, ]

number <- function(x) as.vector(unname(x))
answers <- function(s) {
  m <- svymean(~income, s, na.rm = TRUE)
  t <- svytotal(~employed, s, na.rm = TRUE)
  r <- svyratio(~income, ~hours, s, na.rm = TRUE)
  e <- svymean(~factor(education), subset(s, !is.na(education)))
  w <- svymean(~income, subset(s, sex == 2), na.rm = TRUE)
  b <- svyby(~income, ~region, s, svymean, na.rm = TRUE, covmat = TRUE)
  g <- svycontrast(b, list(gap = c(1, -1, 0)))
  out <- list(mean = number(c(coef(m), SE(m))), total = number(c(coef(t), SE(t))),
    ratio = number(c(coef(r), SE(r))), share = number(coef(e)), share_se = number(SE(e)),
    women = number(c(coef(w), SE(w))), region = number(coef(b)), region_se = number(SE(b)),
    gap = number(c(coef(g), SE(g))), df = degf(s), df_women = degf(subset(s, sex == 2)))
  out
}
model <- function(s) {
  f <- suppressWarnings(svyglm(employed ~ factor(sex) + age, s, family = quasibinomial(),
    control = glm.control(epsilon = 1e-14, maxit = 50)))
  list(coef = number(coef(f)), se = number(SE(f)), df = f$df.residual)
}
factors <- function(s) {            # one row of factors per row of the data
  w <- weights(s, "replication")
  unname(as.matrix(if (inherits(w, "repweights_compressed")) as.matrix(w) else w))
}
out <- list()
wr <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
fpc <- svydesign(~psu, strata = ~stratum, weights = ~weight, fpc = ~fpc1, data = d, nest = TRUE)
d$unit <- key
one <- svydesign(~unit, weights = ~weight, data = d)
two <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = pairs, nest = TRUE)
for (mse in c(FALSE, TRUE)) {
  tag <- if (mse) "_mse" else ""
  out[[paste0("JKn", tag)]] <- answers(as.svrepdesign(wr, type = "JKn", mse = mse))
  out[[paste0("JKn_fpc", tag)]] <- answers(as.svrepdesign(fpc, type = "JKn", mse = mse))
  out[[paste0("JK1", tag)]] <- answers(as.svrepdesign(one, type = "JK1", mse = mse))
}
out$JKn$model <- model(as.svrepdesign(wr, type = "JKn"))

# Given weights: the factors are stored per row of one row per PSU.
given <- function(s, rows) { f <- factors(s); f[!duplicated(rows), , drop = FALSE] }
pair_key <- paste(pairs$stratum, pairs$psu)
brr <- as.svrepdesign(two, type = "BRR")
fay <- as.svrepdesign(two, type = "Fay", fay.rho = 0.3)
boot <- as.svrepdesign(wr, type = "subbootstrap", replicates = 40)
out$pairs <- list(row = pairs$row, brr = given(brr, pair_key), fay = given(fay, pair_key))
out$boot_factors <- given(boot, key)
rebuilt <- function(s, data, type, mse, ...) suppressWarnings(svrepdesign(
  repweights = factors(s), weights = ~weight, data = data, type = type, combined.weights = FALSE,
  mse = mse, ...))
rscales <- seq(0.5, 1.5, length.out = 40)
for (mse in c(FALSE, TRUE)) {
  tag <- if (mse) "_mse" else ""
  out[[paste0("BRR", tag)]] <- answers(rebuilt(brr, pairs, "BRR", mse))
  out[[paste0("Fay", tag)]] <- answers(rebuilt(fay, pairs, "Fay", mse, rho = 0.3))
  out[[paste0("Bootstrap", tag)]] <- answers(rebuilt(boot, d, "bootstrap", mse))
  out[[paste0("SuccessiveDifference", tag)]] <- answers(rebuilt(boot, d, "ACS", mse))
  out[[paste0("JK2", tag)]] <- answers(rebuilt(boot, d, "JK2", mse))
  out[[paste0("JK1_scaled", tag)]] <- answers(rebuilt(boot, d, "JK1", mse, scale = 0.11, rscales = rscales))
  out[[paste0("JKn_given", tag)]] <- answers(rebuilt(boot, d, "JKn", mse, scale = 1, rscales = rscales))
}
out$Fay$model <- model(rebuilt(fay, pairs, "Fay", FALSE, rho = 0.3))

# Calibration taken again in every replicate.
jack <- as.svrepdesign(wr, type = "JKn")
sex <- data.frame(sex = c(1, 2), Freq = c(5000, 5300))
region <- data.frame(region = 1:3, Freq = c(4700, 3600, 2000))
out$raked <- answers(rake(jack, list(~sex, ~region), list(sex, region),
  control = list(maxit = 500, epsilon = 1e-10, verbose = FALSE)))
out$poststratified <- answers(postStratify(jack, ~sex, sex))
write_json(out, "replicates.json", digits = I(15), auto_unbox = TRUE)

real <- Sys.getenv("MASAR_REAL_DATA")
if (real != "") {
  path <- function(f) file.path(real, "r_survey", f)
  res <- list()
  scd <- read.csv(path("scd.csv"))
  scd$w <- 1
  half <- 2 * cbind(c(1,0,1,0,1,0), c(1,0,0,1,0,1), c(0,1,1,0,0,1), c(0,1,0,1,1,0))
  for (mse in c(FALSE, TRUE)) {
    tag <- if (mse) "_mse" else ""
    s <- svrepdesign(data = scd, type = "BRR", repweights = half, weights = ~w,
                     combined.weights = FALSE, mse = mse)
    r <- svyratio(~alive, ~arrests, s)
    m <- svymean(~arrests, s)
    res[[paste0("scd_BRR", tag)]] <- list(ratio = number(c(coef(r), SE(r))),
      mean = number(c(coef(m), SE(m))), df = degf(s))
    j <- as.svrepdesign(svydesign(~ambulance, strata = ~ESA, weights = ~w, data = scd, nest = TRUE),
                        type = "JKn", mse = mse)
    r <- svyratio(~alive, ~arrests, j)
    res[[paste0("scd_JKn", tag)]] <- list(ratio = number(c(coef(r), SE(r))), df = degf(j))
  }
  h <- read.csv(path("hospital.csv"))
  j <- as.svrepdesign(svydesign(~1, strata = ~oblevel, weights = ~weighta, fpc = ~tothosp, data = h),
                      type = "JKn")
  t <- svytotal(~births, j); m <- svymean(~births, j)
  res$hospital_JKn <- list(total = number(c(coef(t), SE(t))), mean = number(c(coef(m), SE(m))), df = degf(j))
  a <- read.csv(path("apiclus1.csv"))
  clus <- svydesign(~dnum, weights = ~pw, fpc = ~fpc, data = a)
  j <- as.svrepdesign(clus)
  k <- rake(j, list(~stype, ~sch.wide), list(data.frame(stype = c("E","H","M"), Freq = c(4421,755,1018)),
       data.frame(sch.wide = c("No","Yes"), Freq = c(1072,5122))),
       control = list(maxit = 500, epsilon = 1e-10, verbose = FALSE))
  both <- function(s) { m <- svymean(~api00, s); t <- svytotal(~enroll, s)
    list(mean = number(c(coef(m), SE(m))), total = number(c(coef(t), SE(t))), df = degf(s)) }
  res$apiclus1_JK1 <- both(j)
  res$apiclus1_raked <- both(k)
  e <- read.csv(path("election_pps.csv"))
  j <- as.svrepdesign(svydesign(~1, weights = ~wt, data = e), type = "JK1")
  t <- svytotal(~Bush + Kerry + Nader, j)
  res$election_JK1 <- list(total = number(coef(t)), se = number(SE(t)))
  write_json(res, "replicates_real.json", digits = I(15), auto_unbox = TRUE)
}
