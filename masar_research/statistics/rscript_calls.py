"""Estimates, tests and models as calls of R's survey package."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from masar_research.errors import EstimationError
from masar_research.estimates import Estimates
from masar_research.statistics.results import TestResult

Lines = tuple[list[str], list[str]]
"""Names of the columns used, and lines of R."""

_CALL = re.compile(r"[A-Za-z_.][\w.]*(?=\s*\()")
_WORD = re.compile(r"\bC\(\s*([A-Za-z_]\w*)\s*\)|[A-Za-z_]\w*")
# Replicates of these go through their sums, as R's do; others through their linear approximation.
_OF_SUMS = ("mean", "total", "proportion", "ratio", "count")
_QUANTILE = {"woodruff": "mean", "xlogit": "xlogit", "beta": "beta", "arcsine": "asin"}
_RULES = {"school": "school", "math": "math"}
_CHI_SQUARE = {
    "F": "F", "chisq": "Chisq", "wald": "Wald", "adjusted_wald": "adjWald", "lincom": "lincom",
    "saddlepoint": "saddlepoint",
}  # fmt: skip
_REFUSED = {
    "difference": "Pass the estimates before they were compared or transformed.",
    "correlation": "R's survey gives no standard error of a correlation; pass the covariance.",
    "index": "R's survey has no measures of inequality; its package convey has some.",
}
_UNLIKE = {
    "rank_test": "R's svyranktest ranks tied values otherwise; its figures differ in the fourth digit.",
    "chi_square": "R's svychisq has F, chisq, wald, adjusted_wald, lincom and saddlepoint.",
    "goodness_of_fit": "R's svygofchisq has chisq.",
}
_NOT_BY_R = "Pass the means or shares the figures are made of."

SHOW = """\
among <- function(rows) design[which(rows), , drop = FALSE]
show <- function(label, answer) {
  cat(sprintf("%s\\t%.15g\\t%.15g\\n", label, coef(answer), as.vector(SE(answer))), sep = "")
}
entry <- function(answer, row, column) {
  at <- row + (column - 1) * nrow(as.matrix(answer))
  list(value = as.matrix(answer)[row, column], error = sqrt(as.matrix(attr(answer, "var"))[at, at]))
}
show_entry <- function(label, found) cat(sprintf("%s\\t%.15g\\t%.15g\\n", label, found$value, found$error))
one_mean <- function(part, what) {
  t <- coef(svymean(what, part, na.rm = TRUE)) / SE(svymean(what, part, na.rm = TRUE))
  list(statistic = t, p.value = 2 * pt(-abs(t), degf(part)))
}
show_test <- function(label, test) {
  cat(sprintf("%s\\t%.15g\\t%.15g\\n", label, as.vector(test$statistic)[1], as.vector(test$p.value)[1]))
}
"""
HEAD_ESTIMATES = 'cat("what\\testimate\\tstd_error\\n")\n'
HEAD_TESTS = 'cat("what\\tstatistic\\tp_value\\n")\n'


def quoted(name: str) -> str:
    """A name as R reads it."""
    return name if re.fullmatch(r"[A-Za-z][\w.]*", name) else f"`{name}`"


def estimates(result: Estimates, replicated: bool) -> Lines:
    """One line for each row that holds an estimate."""
    note, kind = result.note, result.kind
    made_by = note.get("made_by")
    if kind not in _WRITERS or made_by not in (None, "percent_table"):
        what = f"survey.{made_by}" if made_by else repr(kind)
        raise EstimationError(
            f"R code is written for {', '.join(_WRITERS)}, percent tables, tests and logistic "
            f"models, not for {what}.",
            remedy=_NOT_BY_R if made_by else _REFUSED.get(kind, _NOT_BY_R),
        )
    if replicated and kind not in _OF_SUMS:
        raise EstimationError(
            f"Replicates of a {kind} are those of its linear approximation; R repeats the {kind} itself.",
            remedy="Estimate from the survey as declared by strata and PSUs.",
        )
    asked = [name for name in result.by if name != "prob" or kind != "quantile"]
    cells = made_by == "percent_table" and note["percent"] == "cell"
    within = [name for name in asked if not (cells and name == asked[-1])]
    used, lines = list(asked), []
    for _, row in result.frame.iterrows():
        if row["n"] == 0:
            continue
        others = [] if kind == "count" else [str(row["variable"])]
        others += [str(row["other"])] if kind == "covariance" else []
        others += [note["denominator"]] if kind == "ratio" else []
        used += others
        rows = ["in_base == 1", *(f"{quoted(name)} %in% {row[name]:g}" for name in within)]
        answered = [*others, *(name for name in asked if name not in within)]
        rows += [f"!is.na({quoted(name)})" for name in answered]
        part = f"with(data, among({' & '.join(rows)}))"
        label = " ".join(f"{name}={row[name]:g}" for name in asked)
        cell = asked[-1] if cells else None
        what, line = _WRITERS[kind](row, note, part, cell)
        lines.append(line.replace("{label}", f"{label} {what}".strip()))
    return list(dict.fromkeys(used)), lines


def _mean(row: pd.Series, note: Mapping[str, Any], part: str, cell: str | None) -> tuple[str, str]:
    name = str(row["variable"])
    return name, f'show("{{label}}", svymean(~{quoted(name)}, {part}, na.rm = TRUE))'


def _total(row: pd.Series, note: Mapping[str, Any], part: str, cell: str | None) -> tuple[str, str]:
    name = str(row["variable"])
    return name, f'show("{{label}}", svytotal(~{quoted(name)}, {part}, na.rm = TRUE))'


def _count(row: pd.Series, note: Mapping[str, Any], part: str, cell: str | None) -> tuple[str, str]:
    return "persons", f'show("{{label}}", svytotal(~one, {part}, na.rm = TRUE))'


def _ratio(row: pd.Series, note: Mapping[str, Any], part: str, cell: str | None) -> tuple[str, str]:
    name, below = str(row["variable"]), note["denominator"]
    call = f"svyratio(~{quoted(name)}, ~{quoted(below)}, {part}, na.rm = TRUE)"
    return f"{name}/{below}", f'show("{{label}}", {call})'


def _share(row: pd.Series, note: Mapping[str, Any], part: str, cell: str | None) -> tuple[str, str]:
    name, code = str(row["variable"]), f"{row['category']:g}"
    true = f"{quoted(name)} == {code}"
    if cell is not None:
        true += f" & {quoted(cell)} == {row[cell]:g}"
    call = f"svymean(~I(as.numeric({true})), {part}, na.rm = TRUE)"
    return f"{name}={code}", f'show("{{label}}", {call})'


def _quantile(row: pd.Series, note: Mapping[str, Any], part: str, cell: str | None) -> tuple[str, str]:
    name = str(row["variable"])
    interval = _QUANTILE[note["interval"].split(",")[0]]
    rule = _RULES.get(note["rule"], note["rule"])
    call = (
        f"{{ part <- {part}; svyquantile(~{quoted(name)}, part, {row['prob']:g}, "
        f'alpha = {1 - note["level"]:.15g}, interval.type = "{interval}", qrule = "{rule}", '
        "df = degf(part), na.rm = TRUE) }"
    )
    return f"{name} below {row['prob']:g}", f'show("{{label}}", {call})'


def _variance(row: pd.Series, note: Mapping[str, Any], part: str, cell: str | None) -> tuple[str, str]:
    name = str(row["variable"])
    call = f"entry(svyvar(~{quoted(name)}, {part}, na.rm = TRUE), 1, 1)"
    return name, f'show_entry("{{label}}", {call})'


def _covariance(row: pd.Series, note: Mapping[str, Any], part: str, cell: str | None) -> tuple[str, str]:
    name, other = str(row["variable"]), str(row["other"])
    call = f"entry(svyvar(~{quoted(name)} + {quoted(other)}, {part}, na.rm = TRUE), 1, 2)"
    return f"{name} with {other}", f'show_entry("{{label}}", {call})'


Writer = Callable[[pd.Series, Mapping[str, Any], str, str | None], tuple[str, str]]
_WRITERS: dict[str, Writer] = {
    "mean": _mean, "total": _total, "proportion": _share, "ratio": _ratio, "count": _count,
    "quantile": _quantile, "variance": _variance, "covariance": _covariance,
}  # fmt: skip


def test(result: TestResult, replicated: bool) -> Lines:
    """The test as one line: statistic and p-value."""
    note = result.note
    verb, names = note.get("made_by"), list(note.get("names", ()))
    option = note.get("statistic", note.get("test"))
    written = {
        "chi_square": _CHI_SQUARE, "goodness_of_fit": {"chisq": "Chisq"},
        "t_test": {None: None},
    }.get(verb, {})  # fmt: skip
    if option not in written or replicated:
        raise EstimationError(
            f"R code is written for chi_square, goodness_of_fit and t_test of designs by strata and "
            f"PSUs, not for {result.method['en']!r}{' with replicates' if replicated else ''}.",
            remedy=_UNLIKE.get(verb, "Pass the estimates behind the test."),
        )
    first, last = quoted(names[0]), quoted(names[-1])
    rows = ["in_base == 1", *(f"!is.na({quoted(name)})" for name in names)]
    part = f"with(data, design[which({' & '.join(rows)}), ])"
    if verb == "chi_square":
        call = f'svychisq(~{first} + {last}, {part}, statistic = "{written[option]}")'
    elif verb == "goodness_of_fit":
        shares = ", ".join(f"{share:.17g}" for share in note["shares"].values())
        call = f"svygofchisq(~factor({first}), p = c({shares}), {part})"
    elif len(names) == 1:
        call = f"one_mean({part}, ~I({first} - {note['null']:.17g}))"
    elif note["null"]:
        raise EstimationError(
            "R's svyttest compares two groups against a difference of 0 only.",
            remedy="Pass the test without null=.",
        )
    else:
        call = f"svyttest({first} ~ factor({last}), {part})"
    label = f"{verb} {' × '.join(names)}"
    return names, [f'show_test("{label}", {call})']


def model(fitted: Any, replicated: bool) -> Lines:
    """The formula in R's words: categorical predictors as factors, reference first."""
    if replicated:
        raise EstimationError(
            "R code of models is written for designs by strata and PSUs, not for replicates.",
            remedy="Fit the model to the survey as declared.",
        )
    others = sorted(set(_CALL.findall(fitted.formula)) - {"C"})
    if others:
        raise EstimationError(
            f"The formula uses {', '.join(others)}, which R may define otherwise.",
            remedy="Put the transformed variable into the survey with with_columns(...) first.",
        )
    levels = {
        str(name): list(fitted.matrix.data[name].cat.categories)
        for name in fitted.matrix.data.columns
        if isinstance(fitted.matrix.data[name].dtype, pd.CategoricalDtype)
    }
    names: list[str] = []

    def translated(match: re.Match[str]) -> str:
        name = match[1] or match[0]
        names.append(name)
        if name not in levels:
            return quoted(name)
        codes = ", ".join(f"{code:g}" for code in levels[name])
        return f"factor({quoted(name)}, levels = c({codes}))"

    formula = _WORD.sub(translated, fitted.formula)
    lines = [
        f"model <- svyglm({formula}, with(data, among(fitted_row == 1)), family = quasibinomial(),",
        "                control = glm.control(epsilon = 1e-14, maxit = 100))",
        "show(names(coef(model)), model)",
    ]
    return list(dict.fromkeys(names)), lines
