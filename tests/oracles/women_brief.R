# The figures of the women's brief, computed by R's survey package on the same file.
#   Rscript women_brief.R demo.csv margins.json women_brief.json
# demo.csv: the harmonised 2024 and 2026 rows with their base weights (all sampled persons);
# margins.json: the published totals of the synthetic population. Both are written by
# test_oracle_women_brief.py, which also compares the answers.
#
# se_fixed: R survey's standard error, for which the non-response factors are known constants.
# se: the same residuals carried one step further, through the non-response classes, whose totals
#     the sample itself estimated (Sarndal and Lundstrom 2005, ch. 11), written out below.
suppressMessages({library(survey); library(jsonlite)})
args <- commandArgs(trailingOnly = TRUE)
frame <- read.csv(args[1])
margins <- fromJSON(args[2], simplifyVector = FALSE)

weigh <- function(wave) {
  d <- frame[frame$wave == wave, ]
  d$answered <- d$status == 1
  d$cell <- paste(d$governorate, d$urban)
  up <- tapply(d$base_weight, d$cell, sum) / tapply(d$base_weight * d$answered, d$cell, sum)
  d$w <- d$base_weight * as.numeric(up[d$cell])
  # Every block has an interview, so leaving out the rows of weight zero changes no unit.
  stopifnot(setequal(paste(d$stratum, d$psu), paste(d$stratum, d$psu)[d$answered]))
  r <- d[d$answered, ]
  r$gov <- factor(r$governorate); r$nat <- factor(r$nationality); r$urb <- factor(r$urban)
  r$sa <- factor(paste(r$sex, r$age_labour, sep = "_"))
  totals <- function(name) unlist(margins[[name]][[as.character(wave)]])
  g <- totals("governorate"); s <- totals("sex_age"); n <- totals("nationality"); u <- totals("urban")
  pop <- c(`(Intercept)` = sum(g))
  for (part in list(list("gov", g), list("sa", s), list("nat", n), list("urb", u))) {
    codes <- levels(r[[part[[1]]]])[-1]
    pop <- c(pop, setNames(part[[2]][codes], paste0(part[[1]], codes)))
  }
  design <- svydesign(id = ~psu, strata = ~stratum, weights = ~w, data = r, nest = TRUE)
  list(all = d, design = calibrate(design, ~ gov + sa + nat + urb, pop, calfun = "raking",
                                   epsilon = 1e-13, maxit = 200))
}

# Block totals of the influence of a domain share, residualised for both steps.
residual <- function(wave, inside, y) {
  r <- wave$design$variables; w <- weights(wave$design)
  inside <- inside(r) & !is.na(y(r)); inside[is.na(inside)] <- FALSE
  value <- ifelse(inside, y(r), 0)
  p <- sum(w * value) / sum(w[inside])
  u <- ifelse(inside, (value - p) / sum(w[inside]), 0)
  X <- model.matrix(~ gov + sa + nat + urb, r)
  z <- (w / r$w) * (u - as.numeric(X %*% lm.wfit(X, u, r$w)$coefficients))
  mean_of <- tapply(r$base_weight * z, r$cell, sum) / tapply(r$base_weight, r$cell, sum)
  d <- wave$all
  carried <- d$base_weight * as.numeric(mean_of[d$cell])
  carried[d$answered] <- carried[d$answered] + r$w * (z - as.numeric(mean_of[r$cell]))
  block <- paste(d$stratum, d$psu)
  list(p = p, totals = tapply(as.numeric(carried), block, sum),
       stratum = tapply(d$stratum, block, function(x) x[1]))
}
own <- function(r) sum(sapply(split(r$totals, r$stratum), function(t) length(t) * var(t)))

rates <- function(wave, base, variable, by) {
  design <- wave$design[which(eval(base, wave$design$variables)), ]
  out <- svyby(as.formula(paste0("~", variable)), by, design, svymean, na.rm = TRUE)
  keys <- out[all.vars(by)]
  se <- sapply(seq_len(nrow(keys)), function(i) sqrt(own(residual(
    wave,
    function(r) { ok <- eval(base, r); for (k in names(keys)) ok <- ok & r[[k]] == keys[i, k]; ok },
    function(r) r[[variable]]))))
  data.frame(keys, estimate = as.numeric(coef(out)), se_fixed = as.numeric(SE(out)), se = se)
}

waves <- list(`2024` = weigh(2024), `2026` = weigh(2026))
now <- waves[["2026"]]
jordanians <- quote(jordanian == 1 & age >= 15)
women <- quote(jordanian == 1 & age >= 15 & sex == 2)
answers <- list()
for (v in c("in_labour_force", "employed", "unemployed")) {
  answers[[paste0(v, "_sex")]] <- rates(now, jordanians, v, ~sex)
  answers[[paste0(v, "_age")]] <- rates(now, jordanians, v, ~sex + age_labour)
  answers[[paste0(v, "_residents")]] <- rates(now, quote(age >= 15), v, ~sex)
}
answers$governorate <- rates(now, women, "in_labour_force", ~governorate)

side <- function(code) residual(now, function(r) r$jordanian == 1 & r$age >= 15 & r$sex == code,
                                function(r) r$in_labour_force)
gap <- svyglm(in_labour_force ~ factor(sex), subset(now$design, jordanian == 1 & age >= 15))
f <- side(2); m <- side(1); f$totals <- f$totals - m$totals
answers$gap <- list(estimate = as.numeric(coef(gap))[2], se_fixed = as.numeric(SE(gap))[2], se = sqrt(own(f)))

# Change between waves: each wave's own variance and the covariance from the blocks both share.
part <- function(wave) residual(wave, function(r) eval(women, r), function(r) r$in_labour_force)
a <- part(waves[["2024"]]); b <- part(waves[["2026"]])
shared <- intersect(names(a$totals), names(b$totals))
covariance <- 0
for (h in unique(a$stratum[shared])) {
  units <- shared[a$stratum[shared] == h]
  if (length(units) > 1) covariance <- covariance + length(units) * cov(a$totals[units], b$totals[units])
}
answers$change <- list(before = a$p, now = b$p, estimate = b$p - a$p,
                       se = sqrt(own(a) + own(b) - 2 * covariance), covariance = covariance)

model_design <- update(subset(now$design, jordanian == 1 & age >= 15 & sex == 2),
                       e3 = factor(pmin(pmax(education, 2), 4)))
model <- svyglm(in_labour_force ~ factor(age_labour) + e3 + factor(marital == 2), model_design,
                family = quasibinomial(), control = list(epsilon = 1e-13))
answers$model <- data.frame(coef = as.numeric(coef(model)), se_fixed = as.numeric(SE(model)))
write(toJSON(answers, digits = 16, auto_unbox = TRUE, dataframe = "columns"), args[3])
