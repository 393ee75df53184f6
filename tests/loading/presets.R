# Figures of the preset "dhs" on the DHS model data, men's recode (ZZMR61FL.DTA), by R survey.
# Run: Rscript tests/loading/presets.R FOLDER_OF_THE_FILE > tests/loading/presets.json
# The design is that of The DHS Program's own script: v021, v022, v005 / 1000000, single PSUs adjusted.
# Tolerance of the test: 1e-8 relative, the same definitions on both sides.
suppressMessages(library(survey))
options(survey.lonely.psu = "adjust", digits = 15)
file <- list.files(commandArgs(TRUE)[1], "ZZMR61FL.DTA", recursive = TRUE, full.names = TRUE)[1]
men <- foreign::read.dta(file, convert.factors = FALSE)
men$wt <- men$mv005 / 1e6
men$higher <- as.numeric(men$mv106 == 3)
figures <- function(design) {
  age <- svymean(~mv012, design)
  share <- svymean(~higher, design)
  place <- svyby(~mv012, ~mv025, design, svymean)
  total <- svytotal(~higher, design)
  list(age = c(coef(age), SE(age)), higher = c(coef(share), SE(share)),
       urban = c(place$mv012[1], place$se[1]), rural = c(place$mv012[2], place$se[2]),
       total = c(coef(total), SE(total)), df = degf(design))
}
recent <- svydesign(ids = ~mv021, strata = ~mv022, weights = ~wt, data = men, nest = TRUE)
men$made <- interaction(men$mv024, men$mv025)
older <- svydesign(ids = ~mv021, strata = ~made, weights = ~wt, data = men, nest = TRUE)
written <- function(x) {
  one <- function(v) if (length(v) == 1) format(v, digits = 15) else paste0("[", paste(format(unname(v), digits = 15), collapse = ", "), "]")
  paste0("{", paste(sprintf("\"%s\": %s", names(x), vapply(x, one, "")), collapse = ", "), "}")
}
cat("{\"v022\": ", written(figures(recent)), ",\n \"v024_v025\": ", written(figures(older)), "}\n", sep = "")
