# The grid of reference numbers: statistic x design x lonely-PSU rule x domain, from R's survey package.
# Run from this folder:  Rscript grid.R
# Reads grid_designs.json, jordan_like.csv and the replicate factors of ../replicates/replicates.json;
# writes grid.json. Where MASAR_REAL_DATA names a folder with R's own data sets it writes
# grid_real.json too: estimates only, nothing row by row.
suppressMessages(library(survey))
library(jsonlite)

spec <- fromJSON("grid_designs.json", simplifyDataFrame = FALSE)
given <- fromJSON("../replicates/replicates.json")
real <- file.path(Sys.getenv("MASAR_REAL_DATA"), "r_survey")
number <- function(x) as.vector(unname(x))
upper <- function(m) { V <- vcov(m); V[upper.tri(V, diag = TRUE)] }
exact <- glm.control(epsilon = 1e-14, maxit = 60)
PROBS <- c(0.25, 0.5, 0.9)
RULES <- c("math", "school", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9")

# --- data and designs ----------------------------------------------------------------------------

data_of <- function(one, folder) {
  d <- read.csv(file.path(folder, one$file))
  names(d) <- gsub(".", "_", names(d), fixed = TRUE)
  if (!is.null(d$stratum)) d$unit <- paste(d$stratum, d$psu)
  if (!is.null(one$rows)) d <- if (one$rows == "pairs") d[given$pairs$row, ] else
    d[eval(parse(text = one$rows), d), ]
  kin <- spec$kin[[if (is.null(one$kin)) "jordan" else one$kin]]
  roles <- lapply(kin[c("y", "x", "b", "c", "g")], function(e) as.numeric(eval(parse(text = e), d)))
  d$w <- as.numeric(eval(parse(text = one$weights), d))
  cbind(d[setdiff(names(d), c("y", "x", "b", "c", "g"))], as.data.frame(roles))
}

tilde <- function(names) if (length(names)) as.formula(paste("~", paste(unlist(names), collapse = "+")))

design_of <- function(one, d) {
  r <- one$replicates
  if (!is.null(r$type)) {
    factors <- if (!is.null(r$half)) 2 * t(r$half) else {
      f <- if (r$factors == "boot") given$boot_factors else given$pairs[[r$factors]]
      f[match(d$unit, unique(d$unit)), ]
    }
    rho <- if (is.null(r$rho)) list() else list(rho = r$rho)
    return(suppressWarnings(do.call(svrepdesign, c(list(repweights = factors, weights = ~w, data = d,
      type = r$type, combined.weights = FALSE, mse = FALSE), rho))))
  }
  ids <- if (length(one$psu)) tilde(one$psu) else ~1
  s <- svydesign(ids, strata = tilde(one$strata), fpc = tilde(one$fpc), weights = ~w, data = d, nest = TRUE)
  if (!is.null(one$margin)) {
    name <- names(one$margin)
    s <- postStratify(s, tilde(name), setNames(data.frame(as.numeric(names(one$margin[[1]])),
                                                          unlist(one$margin[[1]])), c(name, "Freq")))
  }
  if (!is.null(r$made)) s <- as.svrepdesign(s, type = r$made, mse = isTRUE(r$mse))
  s
}

# --- one cell of the grid ------------------------------------------------------------------------

# Rows of a subpopulation stay with weight zero (`keeps`) where another rule than the domain's own
# rows decides: "average" counts the strata of the whole sample, and calibration all its rows.
cut_to <- function(s, rows, keeps) if (keeps) s[rows, , drop = FALSE] else s[rows, ]

midrank <- function(y, w) {
  mass <- tapply(w, factor(y), sum)
  as.vector((cumsum(mass) - mass / 2)[as.character(y)])
}

# Means of the two groups with their covariance.
groups <- function(formula, s) {
  m <- svyglm(formula, s)
  names <- c("g1", "g2")
  structure(setNames(coef(m), names), var = matrix(vcov(m), 2, dimnames = list(names, names)),
            statistic = "mean", class = "svystat")
}

statistics <- function(s, keeps, few, levels) {
  out <- list()
  add <- function(name, expression) {
    value <- tryCatch(suppressWarnings(expression), error = function(e) NULL)
    if (!is.null(value)) out[[name]] <<- lapply(Filter(Negate(is.null), value), number)
  }
  rep <- inherits(s, "svyrep.design")
  inside <- function(...) {
    known <- complete.cases(s$variables[, c(...), drop = FALSE])
    if (all(known)) return(s)
    s <- cut_to(s, known, keeps)
    for (name in c(...)) s$variables[[name]][is.na(s$variables[[name]])] <- 0   # of weight zero
    s
  }
  # svyglm with replicates trips over a column named g: there the groups are known as grp only.
  shown <- function(s) { s$variables$grp <- s$variables$g; if (rep) s$variables$g <- NULL; s }
  one <- function(m) list(estimate = coef(m), std_error = SE(m))
  y <- inside("y"); b <- inside("b"); cc <- inside("c"); yx <- inside("y", "x"); tab <- inside("c", "g")
  size <- function(s) list(df = degf(s), n = sum(weights(s, "sampling") > 0))

  add("mean", c(one(m <- svymean(~y, y)), size(y), list(cv = cv(m))))
  add("total", one(svytotal(~y, y)))
  add("count", one(svytotal(~I(0 * w + 1), s)))
  add("ratio", one(svyratio(~y, ~x, yx)))
  add("share", { m <- svymean(~factor(c), cc); list(estimate = coef(m), vcov = upper(m)) })
  # The means of domains with their covariance, as a regression on their indicators.
  add("mean_by", { m <- if (rep) svyby(~y, ~c, inside("y", "c"), svymean, covmat = TRUE)
                     else svyglm(y ~ 0 + factor(c), inside("y", "c"))
                   list(estimate = coef(m), vcov = upper(m)) })
  add("variance", one(svyvar(~y, y)))
  add("covariance", { v <- svyvar(~y + x, yx); list(estimate = v[1, 2], std_error = sqrt(attr(v, "var")[2, 2])) })
  # Left out: interpolation between tied values (R takes them in the order of the file), quantiles
  # that are the smallest or largest value, and what has no degrees of freedom.
  v <- data.frame(y = y$variables$y, w = weights(y, "sampling")); v <- v[v$w > 0, ]
  v <- v[order(v$y), ]; some <- degf(y) > 0
  tied <- anyDuplicated(v$y) && length(unique(v$w)) > 1
  inner <- function(p) some && p > sum(v$w[v$y == v$y[1]]) / sum(v$w) &&
    p < 1 - sum(v$w[v$y == v$y[nrow(v)]]) / sum(v$w)
  for (p in Filter(inner, PROBS)) for (rule in if (p == 0.5) (if (tied) RULES[1:2] else RULES) else "school")
    for (type in if (rule == "school" && !rep) c("mean", "xlogit", "asin", if (!keeps) "beta") else "mean")
      add(paste("quantile", p, rule, type), {
        q <- svyquantile(~y, y, p, qrule = rule, interval.type = type, df = degf(y))$y
        list(estimate = q[1], interval = q[2:3], std_error = q[4]) })
  varies <- some && length(unique(b$variables$b[weights(b, "sampling") > 0])) == 2
  if (varies) for (method in c("logit", "xlogit", "asin", "mean", if (!keeps) c("likelihood", "beta")))
    add(paste("interval", method), {
      x <- svyciprop(~b, shown(b), method = method); stopifnot(!is.na(attr(x, "ci"))); list(estimate = x[1], interval = attr(x, "ci")) })
  if (!rep && some) {
    add("deff_replace", list(deff = deff(svymean(~y, y, deff = "replace"))))
    add("deff_true", list(deff = deff(svymean(~y, y, deff = TRUE))))
  }
  if (few) return(out)
  two <- length(unique(tab$variables$g[weights(tab, "sampling") > 0])) == 2

  # The correlation as a function of weighted moments.
  if (!rep) add("correlation", {
    at <- coef(svymean(~y + x, yx))
    u <- update(yx, y0 = y - at[[1]], x0 = x - at[[2]])
    m <- svymean(~y0 + x0 + I(y0^2) + I(x0^2) + I(y0 * x0), u)
    names(m) <- attr(m, "names") <- c("a", "b", "aa", "bb", "ab")
    dimnames(attr(m, "var")) <- list(names(m), names(m))
    one(svycontrast(m, quote((ab - a * b) / sqrt((aa - a^2) * (bb - b^2))))) })
  add("cells", { m <- svymean(~interaction(factor(g), factor(c)), tab)
                 list(estimate = coef(m), vcov = upper(m), table = prop.table(svytable(~g + c, tab))) })
  # A stratum without anybody: R leaves it out, here there is no rate.
  if (!rep && !keeps && all(levels %in% y$variables$c)) add("standardise", one(svymean(~y, svystandardize(s, by = ~c, over = ~1,
      population = seq(40, 10, length.out = length(levels)), excluding.missing = ~y))))
  if (!rep && two) {
    add("contrast_linear", one(svycontrast(groups(y ~ 0 + factor(g), inside("y", "g")), c(-1, 1))))
    add("contrast_ratio", one(svycontrast(groups(y ~ 0 + factor(g), inside("y", "g")), quote(g2 / g1))))
    add("contrast_log", one(svycontrast(groups(y ~ 0 + factor(g), inside("y", "g")), quote(log(g2 / g1)))))
    add("odds_ratio", one(svycontrast(groups(b ~ 0 + factor(g), inside("b", "g")),
                                      quote((g2 / (1 - g2)) / (g1 / (1 - g1))))))
  }
  whole <- !keeps || all(weights(tab) > 0)   # otherwise R counts the PSUs of rows of weight zero
  if (two) for (statistic in c("F", "Wald", if (whole) c("Chisq", "adjWald", if (!rep) "saddlepoint")))
    add(paste("chisq", statistic), { t <- svychisq(~c + g, tab, statistic = statistic)
      list(statistic = t$statistic, parameter = if (whole) t$parameter, p = if (whole) t$p.value) })
  add("goodness_of_fit", { k <- length(unique(cc$variables$c))
    t <- svygofchisq(~factor(c), p = seq_len(k), cc)
    list(statistic = t$statistic / t$parameter[["scale"]], df = t$parameter[["df"]], p = t$p.value) })
  if (two) add("t_test", { t <- svyttest(y ~ factor(grp), shown(inside("y", "g")))
    list(statistic = t$statistic, df = t$parameter, p = t$p.value, estimate = t$estimate, interval = t$conf.int) })
  # Tied values share the middle of their ranks, so that the order of the rows does not matter.
  if (!rep && !keeps && two) {
    yg <- inside("y", "g"); w <- weights(yg); r <- midrank(yg$variables$y, w)
    scores <- list(wilcoxon = r / sum(w), vanderwaerden = qnorm(r / sum(w)), median = (r > sum(w) / 2) * 1)
    for (test in names(scores)) add(paste("rank", test), {
      t <- svyranktest(y ~ g, yg, test = function(unused, N) scores[[test]])
      list(statistic = t$statistic, df = t$parameter, p = t$p.value, estimate = t$estimate) })
    yc <- inside("y", "c"); w <- weights(yc); k <- midrank(yc$variables$y, w) / sum(w)
    add("rank kruskal", { t <- svyranktest(y ~ factor(c), yc, test = function(unused, N) k)
      list(statistic = t$parameter / t$statistic, df = t$ddf, p = t$p.value) })
  }
  known <- shown(inside("y", "x", "g", "b"))
  if (two) for (model in list(list("gaussian", y ~ x + factor(grp), gaussian()),
                     list("binomial", b ~ y, quasibinomial()),
                     list("poisson", y ~ x + factor(grp), quasipoisson())))
    add(paste("glm", model[[1]]), { m <- svyglm(model[[2]], known, family = model[[3]], control = exact)
      list(estimate = coef(m), vcov = upper(m)) })
  out
}

# Made replicates: R takes the rank of the replicates in a domain, here the PSUs less the strata of the
# design they are made from. Where they differ, what depends on them is left out.
drop_df <- function(found, one, d, s) {
  if (is.null(one$replicates$made)) return(found)
  v <- s$variables[!is.na(s$variables$y), ]
  strata <- if (is.null(one$strata)) rep(1, nrow(v)) else v[[one$strata]]
  df <- length(unique(paste(strata, v[[one$psu[[1]]]]))) - length(unique(strata))
  if (df == found$mean$df) return(found)
  found$mean$df <- NULL
  found[!grepl("^(quantile|interval|t_test|chisq)", names(found))]
}

grid <- function(group, folder) {
  cells <- list()
  for (name in names(spec[[group]])) {
    one <- spec[[group]][[name]]
    kin <- spec$kin[[if (is.null(one$kin)) "jordan" else one$kin]]
    d <- data_of(one, folder)
    for (rule in if (is.null(one$rules)) "fail" else one$rules) {
      options(survey.lonely.psu = rule)
      full <- design_of(one, d)
      domains <- c(list(all = NULL), kin$domains)
      for (domain in c("all", names(kin$domains))) {
        keeps <- rule == "average" || !is.null(one$margin)
        s <- if (domain == "all") full else
          cut_to(full, eval(parse(text = kin$domains[[domain]]), d) %in% TRUE, keeps)
        cells[[length(cells) + 1]] <- list(design = name, rule = rule, domain = domain,
          statistics = drop_df(statistics(s, keeps, isTRUE(kin$few), sort(unique(d$c))), one, d, s))
      }
    }
    cat(name, length(cells[[length(cells)]]$statistics), "statistics\n")
  }
  list(R = R.version.string, survey = as.character(packageVersion("survey")), cells = cells)
}

save <- function(result, file) write(toJSON(result, digits = I(12), auto_unbox = TRUE, na = "null"), file)
save(grid("generated", "."), "grid.json")
if (dir.exists(real)) save(grid("real", real), "grid_real.json")
