# R's survey package. Arguments: data folder, result file, most repeats, budget in s.
suppressMessages({library(survey); library(jsonlite)})
arguments <- commandArgs(trailingOnly = TRUE)
place <- arguments[1]; repeats <- as.integer(arguments[3]); budget <- as.numeric(arguments[4])
columns <- readLines(file.path(place, "columns.txt"))
data <- as.data.frame(sapply(columns, function(name) {
  path <- file.path(place, paste0(name, ".f64"))
  readBin(path, "double", file.size(path) / 8, endian = "little")
}))
for (name in c("governorate", "sex", "age_group", "education")) data[[name]] <- factor(data[[name]])
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = data)
targets <- fromJSON(file.path(place, "margins.json"), simplifyVector = FALSE)
margins <- lapply(names(targets), function(name) {
  out <- data.frame(level = factor(names(targets[[name]]), levels = levels(data[[name]])),
                    Freq = unlist(targets[[name]]))
  names(out)[1] <- name
  out
})
ten <- as.formula(paste("~", paste0("x", 1:10, collapse = " + ")))
formula <- as.formula(paste("employed ~", paste0("x", 1:12, collapse = " + ")))

# Totals without the first level of every margin but with their sum, as calibrate() takes them.
population <- c(`(Intercept)` = sum(unlist(targets[[1]])), unlist(lapply(names(targets), function(name) {
  values <- unlist(targets[[name]])[levels(data[[name]])]
  setNames(values[-1], paste0(name, names(values)[-1]))
})))
linear <- function(model, totals) {
  w <- weights(calibrate(design, model, totals, calfun = "linear"))
  list(estimate = I(weighted.mean(data$income, w)), weights_sum = sum(w))
}
by_margins <- as.formula(paste("~", paste(names(targets), collapse = " + ")))

memory <- function(what) {
  path <- "/proc/self/status"
  if (!file.exists(path)) return(0)
  line <- grep(paste0("^", what), readLines(path), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}
tasks <- list(
  "mean" = function() { m <- svymean(~income, design); list(estimate = I(as.vector(coef(m))), std_error = I(as.vector(SE(m)))) },
  "mean by 24 domains" = function() { m <- svyby(~income, ~domain, design, svymean); list(estimate = as.vector(coef(m)), std_error = as.vector(SE(m))) },
  "proportion, 5 levels, 24 domains" = function() {
    found <- svyby(~education, ~domain, design, svymean)
    list(estimate = as.vector(t(as.matrix(found[, 2:6]))), std_error = as.vector(t(as.matrix(found[, 7:11]))))
  },
  "ten means at once" = function() { m <- svymean(ten, design); list(estimate = as.vector(coef(m)), std_error = as.vector(SE(m))) },
  "ten means by 24 domains" = function() {
    found <- svyby(ten, ~domain, design, svymean)
    list(estimate = as.vector(as.matrix(found[, 2:11])), std_error = as.vector(as.matrix(found[, 12:21])))
  },
  "median by 24 domains" = function() {
    found <- svyby(~income, ~domain, design, svyquantile, quantiles = 0.5, ci = TRUE)
    list(estimate = found$income)
  },
  "raking, 4 margins" = function() {
    raked <- rake(design, lapply(names(targets), function(name) as.formula(paste("~", name))), margins,
                  control = list(maxit = 50, epsilon = 1e-9, verbose = FALSE))
    w <- weights(raked)
    list(estimate = I(weighted.mean(data$income, w)), weights_sum = sum(w))
  },
  "linear calibration, 4 margins" = function() linear(by_margins, population),
  "linear calibration, margins and a number" = function() linear(update(by_margins, ~ . + x1), c(population, x1 = 0)),
  "logistic, 12 predictors" = function() {
    fitted <- svyglm(formula, design, family = quasibinomial())
    list(estimate = as.vector(coef(fitted)), std_error = as.vector(SE(fitted)))
  })
done <- list()
for (task in names(tasks)) {
  done[[task]] <- tryCatch({
    invisible(gc())
    before <- memory("VmRSS")
    try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
    times <- c(); began <- proc.time()[["elapsed"]]
    while (!length(times) || (length(times) <= repeats && proc.time()[["elapsed"]] - began < budget)) {
      start <- proc.time()[["elapsed"]]
      answer <- tasks[[task]]()
      times <- c(times, proc.time()[["elapsed"]] - start)
    }
    later <- if (length(times) > 1) times[-1] else times
    list(median_s = median(later), fastest_s = min(later), first_s = times[1], calls = length(times),
         peak_extra_mb = max(memory("VmHWM") - before, 0), answer = answer)
  }, error = function(e) list(error = conditionMessage(e)))
  write_json(list(peer = "R survey", version = paste0(packageVersion("survey"), ", R ", getRversion()), tasks = done),
             arguments[2], digits = NA, auto_unbox = TRUE)
}
