# Writes after_the_fit.json: families beyond those of models.R, replicate designs, term tests, fit
# statistics, predictions, goodness of fit, variance inflation, Firth's penalty.
# Run: Rscript tests/models/oracles/after_the_fit.R   (packages survey, numDeriv, brglm2, jsonlite)
suppressMessages({library(survey); library(jsonlite); library(numDeriv); library(brglm2)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex); d$e <- factor(d$education); d$u <- factor(d$urban); d$years <- 1 + (d$age - 15) / 10
d$visits <- d$children * ifelse(seq_len(nrow(d)) %% 5 == 0, 5, 1)
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
# svyglm scales weights to a mean of one before it drops rows with missing values; likelihood-ratio
# statistics and AIC depend on that scale, so they are asked of the complete rows.
complete <- subset(design, !is.na(employed) & !is.na(education))
tight <- list(epsilon = 1e-300, maxit = 80)
again <- function(f, des, fam, times = 14) {
  fam0 <<- fam
  m <<- suppressWarnings(svyglm(f, des, family = fam0, control = tight))
  for (i in seq_len(times)) { b0 <<- coef(m); m <<- suppressWarnings(svyglm(f, des, family = fam0, control = tight, start = b0)) }
  m
}
told <- function(m) list(estimate = as.numeric(coef(m)), se = as.numeric(SE(m)), df = m$df.residual,
                         vcov = unname(as.matrix(vcov(m))), p = as.numeric(summary(m)$coefficients[, 4]))
fit <- function(f, des, fam) told(again(f, des, fam))

# Negative binomial: svymle's estimator (the parameters and ln theta together, observed information),
# maximised by Newton steps on numerical derivatives of the log-likelihood.
negbin <- function(formula, des, offset = 0) {
  data <- model.frame(des); w <- weights(des); X <- model.matrix(formula, data)
  y <- model.response(model.frame(formula, data)); p <- ncol(X)
  row <- function(b) dnbinom(y, size = exp(b[p + 1]), mu = exp(drop(X %*% b[1:p]) + offset), log = TRUE)
  total <- function(b) sum(w * row(b)) / mean(w)
  data$.w <- w / mean(w); data$.o <- rep(offset, length.out = nrow(data))
  b <- c(coef(glm(formula, data = data, weights = .w, family = quasipoisson(), offset = .o)), 0)
  b <- optim(b, total, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15, maxit = 500))$par
  for (i in 1:8) b <- b - solve(hessian(total, b), grad(total, b))
  eta <- drop(X %*% b[1:p]) + offset; mu <- exp(eta); th <- exp(b[p + 1])
  ds <- cbind(X * (th * (y - mu) / (mu + th)),
              th * (digamma(y + th) - digamma(th) + log(th) + 1 - log(mu + th) - (y + th) / (mu + th)))
  influence <- (w / mean(w)) * ds %*% solve(-hessian(total, b))
  v <- svyrecvar(influence, des$cluster, des$strata, des$fpc)
  list(estimate = unname(b), vcov = unname(v), se = unname(sqrt(diag(v))))
}

# update() looks for the arguments of the model where its formula was written.
ready <- function(m) { des <<- m$survey.design; fam0 <<- m$family; b0 <<- NULL }
terms_of <- function(m, t) {
  ready(m)
  # survey's saddlepoint fails far in the tail (its root finder gets no interval): two moments then.
  how <- "saddlepoint"
  asked <- function(method) tryCatch(regTermTest(m, t, method = method, lrt.approximation = how), error = function(e) {
    how <<- "satterthwaite"; regTermTest(m, t, method = method, lrt.approximation = how) })
  wald <- regTermTest(m, t, method = "Wald"); lrt <- asked("LRT"); lrt_how <- how
  how <- "saddlepoint"; work <- asked("WorkingWald")
  list(f = as.numeric(wald$Ftest), df = wald$df, ddf = wald$ddf, p = as.numeric(wald$p), lrt = as.numeric(lrt$chisq),
       lrt_p = as.numeric(lrt$p), lambda = sort(as.numeric(lrt$lambda), decreasing = TRUE),
       work = as.numeric(work$chisq), work_p = as.numeric(work$p), lrt_how = lrt_how, work_how = how)
}
logit <- again(employed ~ s + e + age, complete, quasibinomial())
small <- again(employed ~ s, complete, quasibinomial())
pois <- again(children ~ s + age, design, quasipoisson())
lin <- again(income ~ s + e + age, complete, gaussian())
null <- again(employed ~ 1, complete, quasibinomial())
# As AIC.svyglm, whose call of the likelihood-ratio test fails with the saddlepoint.
ic <- function(m) {
  l <- eigen(solve(m$naive.cov[-1, -1, drop = FALSE]) %*% vcov(m)[-1, -1, drop = FALSE], only.values = TRUE)$values
  list(eff = sum(l), aic = m$deviance + 2 * sum(l))
}

at <- data.frame(s = factor(c(1, 2, 2), levels = 1:2), e = factor(c(1, 3, 5), levels = levels(d$e)), age = c(20, 40, 60))
predicted <- function(m, type) { q <- predict(m, newdata = at, type = type); list(estimate = as.numeric(coef(q)), se = as.numeric(SE(q))) }

# Archer and Lemeshow (2006): residuals averaged within tenths of the weighted distribution of fitted
# probabilities, their design-based Wald statistic, F = (f - g + 2) / (f g) W.
archer <- function(m, des, g = 10) {
  dd <- model.frame(des); p <- as.numeric(fitted(m)); r <- dd$employed - p; w <- weights(des)
  o <- order(p); cum <- cumsum(w[o]) / sum(w)
  cut <- sapply((1:(g - 1)) / g, function(q) p[o][which(cum >= q - 1e-12)[1]])
  grp <- 1 + colSums(outer(cut, p, "<"))
  des2 <- update(des, r = r, grp = factor(grp))
  means <- svyby(~r, ~grp, des2, svymean, covmat = TRUE)
  W <- as.numeric(t(coef(means)) %*% solve(vcov(means)) %*% coef(means))
  f <- degf(des); k <- nlevels(factor(grp)); stat <- (f - k + 2) / (f * k) * W
  list(f = stat, df = k - 1, ddf = f - k + 2, p = pf(stat, k - 1, f - k + 2, lower.tail = FALSE), w = W)
}

# Variance inflation of x_k: the design variance of its coefficient over what it would be were x_k
# uncorrelated with the other columns, the weighted scores staying as they are.
inflation <- function(m, des) {
  X <- model.matrix(m); w <- weights(des) / mean(weights(des)); mu <- fitted(m)
  W <- w * m$family$mu.eta(m$linear.predictors)^2 / m$family$variance(mu)
  r <- w * (m$y - mu) * m$family$mu.eta(m$linear.predictors) / m$family$variance(mu)
  out <- sapply(2:ncol(X), function(k) {
    x <- X[, k] - sum(W * X[, k]) / sum(W); e <- resid(lm(X[, k] ~ X[, -k] + 0, weights = W))
    v <- function(z) as.numeric(svyrecvar(cbind(r * z / sum(W * z^2)), des$cluster, des$strata, des$fpc))
    c(plain = sum(W * x^2) / sum(W * e^2), design = v(e) / v(x))
  })
  list(plain = unname(out["plain", ]), design = unname(out["design", ]))
}

jack <- as.svrepdesign(design, type = "JKn")
# Firth: weights of mean one; group e = 5 of men made to hold one outcome only.
k <- d[!is.na(d$employed) & !is.na(d$education), ]
k$sep <- ifelse(k$e == 5, 1, k$employed); v <- k$weight / mean(k$weight)
firth <- suppressWarnings(glm(sep ~ s + e + age, data = k, weights = v, family = binomial(), method = "brglmFit",
             type = "AS_mean", control = brglmControl(epsilon = 1e-12, maxit = 500)))
data("endometrial", package = "brglm2")
endo <- glm(HG ~ NV + PI + EH, data = endometrial, family = binomial(), method = "brglmFit", type = "AS_mean",
            control = brglmControl(epsilon = 1e-12, maxit = 500))

data(api); data(nhanes); data(scd)
clus2 <- svydesign(id = ~dnum + snum, weights = ~pw, data = apiclus2, fpc = ~fpc1 + fpc2)
strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc)
nh <- svydesign(ids = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nhanes)
nh <- subset(nh, !is.na(HI_CHOL))
nhanes_logit <- again(HI_CHOL ~ factor(race) + agecat + RIAGENDR, nh, quasibinomial())
rep <- 2 * cbind(c(1,0,1,0,1,0), c(1,0,0,1,0,1), c(0,1,1,0,0,1), c(0,1,0,1,1,0))
scdrep <- suppressWarnings(svrepdesign(data = scd, type = "BRR", repweights = rep, weights = rep(1, 6), combined.weights = FALSE))
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey"), "brglm2", packageVersion("brglm2")),
  gamma = fit(income ~ s + age, design, Gamma("log")),
  gamma_inverse = fit(income ~ s + u, design, Gamma("inverse")),
  gaussian_log = fit(income ~ s + age, design, gaussian("log")),
  poisson_offset = fit(children ~ s + e + offset(log(years)), design, quasipoisson()),
  poisson_women = fit(children ~ age + offset(log(years)), subset(design, sex == 2), quasipoisson()),
  negbin = negbin(visits ~ s + age, design),
  negbin_offset = negbin(visits ~ s + age, design, log(d$years)),
  cauchit = fit(employed ~ s + age, design, quasibinomial("cauchit")),
  jackknife = told(again(employed ~ s + e + age, jack, quasibinomial(), 0)),
  jackknife_poisson = told(again(children ~ s + age, jack, quasipoisson(), 0)),
  scd = told(svyglm(alive ~ arrests, scdrep)),
  test_education = terms_of(logit, ~e), test_two = terms_of(logit, ~e + age), test_sex = terms_of(logit, ~s),
  test_poisson = terms_of(pois, ~age), test_linear = terms_of(lin, ~e),
  anova = { ready(logit); a <- tryCatch(anova(small, logit, method = "LRT"), error = function(e) list(chisq = NA, p = NA)); list(chisq = as.numeric(a$chisq), p = as.numeric(a$p)) },
  psrsq = list(cox_snell = psrsq(logit), nagelkerke = psrsq(logit, "Nagelkerke")),
  aic = ic(logit), aic_small = ic(small), aic_poisson = ic(pois),
  bic = { b <- BIC(small, maximal = logit); list(bic = b[["BIC"]], neff = b[["neff"]]) },
  bic_full = { b <- BIC(logit, maximal = logit); b[["BIC"]] },
  contrast = { q <- svycontrast(logit, c("e3" = 1, "e5" = -1)); list(estimate = coef(q)[[1]], se = SE(q)[[1]]) },
  predict_link = predicted(logit, "link"), predict_response = predicted(logit, "response"),
  predict_poisson = { q <- predict(pois, newdata = at, type = "response"); list(estimate = as.numeric(coef(q)), se = as.numeric(SE(q))) },
  archer = archer(logit, complete), inflation = inflation(logit, complete), inflation_linear = inflation(lin, complete),
  firth = list(estimate = as.numeric(coef(firth))),
  endometrial = list(data = list(HG = endometrial$HG, NV = endometrial$NV, PI = endometrial$PI, EH = endometrial$EH),
                     estimate = as.numeric(coef(endo)), se = as.numeric(sqrt(diag(vcov(endo))))),
  residuals = list(deviance = as.numeric(residuals(logit, "deviance"))[1:40], pearson = as.numeric(residuals(logit, "pearson"))[1:40]),
  apiclus2_gamma = fit(api00 ~ ell + meals, clus2, Gamma("log")),
  apistrat_poisson = fit(enroll ~ stype + meals, strat, quasipoisson()),
  apistrat_terms = terms_of(again(I(sch.wide == "Yes") ~ stype + meals + ell, strat, quasibinomial()), ~stype),
  nhanes = told(nhanes_logit), nhanes_terms = terms_of(nhanes_logit, ~factor(race)), nhanes_age = terms_of(nhanes_logit, ~agecat)
)
write(toJSON(out, digits = 16, auto_unbox = TRUE), file.path(here, "after_the_fit.json"))
