# Cronbach's alpha of items i1..i5 of measurement.csv: survey (svycralpha; svyvar and svycontrast for
# the standard error) and psych (unweighted item analysis).
#   Rscript reliability.R        (in this folder; R 4.2.2)
suppressMessages({library(survey); library(psych); library(jsonlite)})
d <- read.csv("measurement.csv")
d$total <- d$i1 + d$i2 + d$i3 + d$i4 + d$i5
design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
v <- svyvar(~i1 + i2 + i3 + i4 + i5 + total, design)
m <- as.matrix(v); full <- vcov(v); at <- function(k) (k - 1) * 6 + k
within <- sum(diag(m)[1:5]); g <- rep(0, 36)
g[at(1:5)] <- -1.25 / m[6, 6]; g[at(6)] <- 1.25 * within / m[6, 6]^2
a <- psych::alpha(d[, paste0("i", 1:5)], check.keys = FALSE, warnings = FALSE)
out <- list(r = R.version.string, survey = as.character(packageVersion("survey")), psych = as.character(packageVersion("psych")),
  alpha = as.numeric(svycralpha(~i1 + i2 + i3 + i4 + i5, design)), se = sqrt(as.numeric(t(g) %*% full %*% g)),
  raw = a$total$raw_alpha, standardised = a$total$std.alpha, rest = a$item.stats$r.drop,
  without = a$alpha.drop$raw_alpha)
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "reliability.json")
