# Confirmatory factors and invariance by lavaan. Run from this directory: Rscript factor_model.R
suppressPackageStartupMessages({library(lavaan); library(jsonlite)})
set.seed(11)
n <- 800; group <- rep(1:2, each = n / 2); psu <- rep(1:80, each = 10)
shared <- rnorm(80, sd = .5)[psu]
f1 <- (shared + rnorm(n, sd = sqrt(.75))) * ifelse(group == 2, 1.2, 1) + .3 * (group == 2)
f2 <- .5 * f1 + rnorm(n, sd = .8)
load <- c(.8, .7, .6, .9, .7, .5)
y <- sapply(1:6, function(i) load[i] * (if (i <= 3) f1 else f2) + rnorm(n, sd = .6 + .1 * (i %% 3)))
y[, 2] <- y[, 2] + .35 * (group == 2)
y[, 6] <- y[, 6] + .25 * y[, 1]
d <- data.frame(w = round(runif(n, .5, 2), 3), psu = psu, group = group, round(pmin(pmax(y, -2.4), 2.6) * 2) / 2)
names(d)[4:9] <- paste0("y", 1:6)
write.csv(d, "factor_model.csv", row.names = FALSE)
model <- "a =~ y1 + y2 + y3\nb =~ y4 + y5 + y6"
tight <- list(rel.tol = 1e-10, x.tol = 1e-12, abs.tol = 1e-20, iter.max = 5000)
measures <- c("chisq", "df", "chisq.scaling.factor", "cfi.robust", "tli.robust", "rmsea.robust", "srmr")
take <- function(fit) { pe <- as.data.frame(parameterEstimates(fit, standardized = TRUE))
  pe[, c("lhs", "op", "rhs", "est", "se", "std.all", if ("group" %in% names(pe)) "group")] }
plain <- cfa(model, d, std.lv = TRUE, estimator = "MLR", meanstructure = TRUE, control = tight)
weighted <- cfa(model, d, std.lv = TRUE, estimator = "MLR", meanstructure = TRUE, sampling.weights = "w",
                cluster = "psu", control = tight)
mlm <- cfa(model, d, std.lv = TRUE, estimator = "MLM", control = tight)
levels <- list(configural = "", metric = "loadings", scalar = c("loadings", "intercepts"),
               strict = c("loadings", "intercepts", "residuals"))
fits <- lapply(levels, function(e) cfa(model, d, group = "group", group.equal = e, meanstructure = TRUE, std.lv = TRUE, estimator = "MLM"))
# Satorra and Bentler (2001) from lavaan's own figures.
m <- lapply(fits, fitMeasures, measures)
steps <- lapply(2:4, function(k) { s <- m[[k]]; l <- m[[k - 1]]; q <- s["df"] - l["df"]
  scale <- (s["df"] * s["chisq.scaling.factor"] - l["df"] * l["chisq.scaling.factor"]) / q
  unname(c((s["chisq"] - l["chisq"]) / scale, q)) })
one <- cfa("f =~ y1 + y2 + y3 + y4 + y5 + y6", d, std.lv = TRUE, control = tight)
pe <- coef(one); L <- sum(pe[1:6]); omega <- L^2 / (L^2 + sum(pe[7:12]))
writeLines(toJSON(list(
  r = R.version.string, lavaan = as.character(packageVersion("lavaan")),
  plain = take(plain), weighted = take(weighted), fit = as.list(fitMeasures(mlm, measures)),
  levels = lapply(fits, function(f) as.list(fitMeasures(f, measures))), scalar = take(fits$scalar),
  steps = steps, omega = omega
), digits = NA, auto_unbox = TRUE, pretty = TRUE), "factor_model.json")
