# Trimmed weights of R survey: Rscript trim.R > trim.json
suppressMessages(library(survey))
set.seed(7)
w <- round(exp(rnorm(60, 1, 0.8)), 6)
design <- svydesign(ids = ~1, weights = w, data = data.frame(y = seq_along(w)))
once <- weights(trimWeights(design, upper = 9))
w2 <- w; upper <- 6
strict <- weights(trimWeights(svydesign(ids = ~1, weights = w2, data = data.frame(y = seq_along(w2))),
                              upper = upper + 1e-13))
for (k in 1:400) {  # strict = TRUE recurses without a tolerance; this is its limit
  d <- svydesign(ids = ~1, weights = strict, data = data.frame(y = seq_along(w2)))
  strict <- weights(trimWeights(d, upper = upper))
}
show <- function(x) paste0("[", paste(format(x, digits = 17, trim = TRUE), collapse = ", "), "]")
cat("{\"survey\": \"", as.character(packageVersion("survey")), "\",\n\"weights\": ", show(w), ",\n\"upper_9\": ",
    show(once), ",\n\"upper_6_strict\": ", show(strict), "}\n", sep = "")
