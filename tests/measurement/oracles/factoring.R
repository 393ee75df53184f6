# Exploratory factors of weighted correlations: stats::factanal, psych, GPArotation. Rscript factoring.R
suppressPackageStartupMessages({library(psych); library(GPArotation); library(jsonlite)})
d <- read.csv("factor_model.csv"); items <- paste0("y", 1:6)
R <- cov.wt(d[items], d$w, cor = TRUE)$cor
tight <- list(nstart = 4, opt = list(factr = 10, pgtol = 0))
two <- factanal(covmat = R, factors = 2, rotation = "none", control = tight)
L <- unclass(two$loadings)
vm <- varimax(L, eps = 1e-14)
ob <- quartimin(L, eps = 1e-10, maxit = 10000)
pm <- promax(varimax(L, eps = 1e-14)$loadings, m = 4)
one <- factanal(covmat = R, factors = 1, control = tight)
Phi <- solve(t(pm$rotmat) %*% pm$rotmat)
writeLines(toJSON(list(r = R.version.string, cor = R, unique = unname(two$uniquenesses), loss = two$criteria[["objective"]],
  one = unclass(one$loadings)[, 1], varimax = unclass(vm$loadings)[, ], oblimin = ob$loadings, phi = ob$Phi,
  promax = unclass(pm$loadings)[, ], promax_phi = Phi, eigen = eigen(R)$values), digits = NA, pretty = TRUE), "factoring.json")
