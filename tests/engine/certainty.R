# Reference numbers for units sure to be sampled (sampling fraction 1), from R's survey package 4.1.
# Run from this folder:  Rscript certainty.R > certainty.json
# The data are arithmetic, made again in test_engine_certainty.py: no file passes between the two.
# Tolerance of the test: 1e-10 relative, the same sums on both sides.
suppressMessages(library(survey))
options(survey.lonely.psu = "fail", digits = 15)

# Strata 1 and 2: one PSU each, sure to be sampled; 3: three PSUs, all of them; 4 and 5: four PSUs of 16 and of 10.
psus <- c(1, 1, 3, 4, 4)
f1 <- c(1, 1, 1, 0.25, 0.4)
d <- do.call(rbind, lapply(seq_along(psus), function(h)
  do.call(rbind, lapply(seq_len(psus[h]), function(p) data.frame(h = h, p = p, hh = 1:6)))))
i <- seq_len(nrow(d))
d$y <- (i * 37) %% 23 + 3 * d$h + d$p
d$x <- (i * 11) %% 7 + 1
d$f1 <- f1[d$h]
d$f2 <- c(0.5, 0.1, 0.2, 0.3, 0.6)[d$h]
d$none <- 0
d$sure <- as.numeric(d$h <= 3)
d$w <- 1 / (d$f1 * d$f2)
d$house <- interaction(d$p, d$hh)

figures <- function(s) {
  t <- svytotal(~y, s); m <- svymean(~y, s); r <- svyratio(~y, ~x, s)
  u <- svymean(~y, subset(s, h <= 3)); b <- svytotal(~y, subset(s, h >= 3 & x > 2))
  c(coef(t), SE(t), coef(m), SE(m), coef(r), SE(r), coef(u), SE(u), coef(b), SE(b), degf(s))
}
designs <- list(
  two_stages = svydesign(ids = ~p + hh, strata = ~h, fpc = ~f1 + f2, weights = ~w, data = d, nest = TRUE),
  lower_with_replacement = svydesign(ids = ~p + hh, strata = ~h, fpc = ~f1 + none, weights = ~w, data = d, nest = TRUE),
  others_with_replacement = svydesign(ids = ~p + hh, strata = ~h, fpc = ~sure + f2, weights = ~w, data = d, nest = TRUE),
  first_stage_only = svydesign(ids = ~p, strata = ~h, fpc = ~f1, weights = ~w, data = d, nest = TRUE),
  unequal_probabilities = svydesign(ids = ~p, strata = ~h, fpc = ~f1, weights = ~w, pps = "brewer", data = d, nest = TRUE)
)
written <- vapply(designs, function(s) paste(format(figures(s), digits = 16, trim = TRUE), collapse = ", "), "")
cat("{", paste0("\"", names(written), "\": [", written, "]", collapse = ",\n "), "}\n", sep = "")
