# Writes two_stage.json: svyivreg on the generated sample of tests/weighting, with a regressor and instruments
# made of its columns, and the F of the excluded instruments in the first stage by regTermTest.
# Run: Rscript tests/models/oracles/two_stage.R
suppressMessages({library(survey); library(AER); library(jsonlite)})
args <- commandArgs(trailingOnly = FALSE)
here <- dirname(normalizePath(sub("--file=", "", args[grep("--file=", args)])))
d <- read.csv(file.path(here, "..", "..", "weighting", "oracles", "generated.csv"))
d$s <- factor(d$sex)
d$far <- (d$age * 7 + d$psu * 3) %% 11
d$near <- (d$age * 5 + d$children) %% 4
d$years <- d$education + d$far / 4 + d$near / 3 + (d$income %% 10) / 5
d <- d[!is.na(d$years), ]
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
# survey 4.1.1 does not register its vcov() of svyivreg, so that ivreg's answers and multiplies by sigma squared once more.
one <- function(m) list(estimate = unname(coef(m)), se = unname(sqrt(diag(m$cov.unscaled))), vcov = unname(m$cov.unscaled),
                        df = m$df.residual)
first <- function(f, test, des) {
  t <- regTermTest(svyglm(f, des), test, method = "Wald")
  list(f = as.numeric(t$Ftest), ddf = t$ddf, p = as.numeric(t$p))
}
jk <- as.svrepdesign(design, type = "JKn")
rep <- withReplicates(jk, function(w, data) { data$.w <- w; coef(ivreg(income ~ years + s + age | far + near + s + age, data = data, weights = .w)) })
out <- list(
  software = paste("R", getRversion(), "survey", packageVersion("survey"), "AER", packageVersion("AER")),
  one = one(svyivreg(income ~ years + s + age | far + s + age, design)),
  two = one(svyivreg(income ~ years + s + age | far + near + s + age, design)),
  women = one(svyivreg(income ~ years + age | far + near + age, subset(design, sex == 2))),
  first_two = first(years ~ far + near + s + age, ~far + near, design),
  replicates = unname(attr(rep, "var"))
)
write_json(out, file.path(here, "two_stage.json"), digits = 16, auto_unbox = TRUE, pretty = TRUE)
