"""Several fitted models side by side: `compare_models`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from masar_research.errors import ModelError
from masar_research.models import comparison_parts as parts
from masar_research.models import comparison_words as words
from masar_research.present import numbers
from masar_research.present.direction import Lang
from masar_research.showing import check_language

if TYPE_CHECKING:
    from masar_research.present.art import Art

Effects = Literal["coefficients", "ratios", "ame"]
Beneath = Literal["interval", "std_error", "p_value"]
#: Facts said once beneath the table where all models share them.
_SHARED = ("base", "weights", "design")
_PLAIN = ("rows", "missing", "psus", "df")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelTable:
    """Models side by side, terms in rows grouped by variable.

    Attributes
    ----------
    names : tuple of mapping
        What each model is called, in both languages.
    columns : tuple of Column
        One per equation of a model.
    lines : tuple of Line
    facts : pandas.DataFrame
        ``model, fact, value`` (numbers) and ``en, ar`` (words): outcome, kind of model, rows, sampling
        units, degrees of freedom, dAIC, R², weights, design.
    warnings : tuple of mapping
        What must be known before columns are compared, in both languages.
    effects, beneath, level
        As asked for.
    """

    names: tuple[words.Words, ...]
    columns: tuple[parts.Column, ...]
    lines: tuple[parts.Line, ...]
    facts: pd.DataFrame
    warnings: tuple[words.Words, ...]
    effects: Effects
    beneath: Beneath
    level: float

    @property
    def frame(self) -> pd.DataFrame:
        """The figures in full: a row per term and column.

        Columns ``model, equation, scale, term, label_en, label_ar, reference, estimate, std_error,
        conf_low, conf_high, p_value``; average marginal effects of 0/1 outcomes are fractions.
        """
        rows, heading = [], None
        for line in self.lines:
            if line.key is None:
                heading = line.label
                continue
            for column in self.columns:
                entry = column.entries.get(line.key)
                if entry is None:
                    continue
                rows.append({
                    "model": self.names[column.model]["en"],
                    "equation": (column.equation or {}).get("en", ""), "scale": column.scale,
                    "term": ":".join(name if code is None else f"{name}[{code}]" for name, code in line.key),
                    **{f"label_{lang}": _whole(line, heading, lang) for lang in ("en", "ar")},
                    "reference": entry.reference, "estimate": entry.estimate, "std_error": entry.std_error,
                    "conf_low": entry.low, "conf_high": entry.high, "p_value": entry.p_value,
                })  # fmt: skip
        return pd.DataFrame(rows)

    def cell(self, line: parts.Line, column: parts.Column, lang: Lang) -> tuple[str, str]:
        """An estimate and what stands beneath it, as text to be set from left to right."""
        entry = None if line.key is None else column.entries.get(line.key)
        if entry is None:
            return "", ""
        if entry.reference:
            return words.REFERENCE[lang], ""
        digits = self._digits(line)
        scale = 100.0 if column.scale == "points" else 1.0

        def said(value: float) -> str:
            return _number(value * scale, digits)

        if self.beneath == "p_value":
            return said(entry.estimate), f"({p_text(entry.p_value)})"
        if self.beneath == "std_error":
            return said(entry.estimate), f"({said(entry.std_error)})"
        return said(entry.estimate), f"[{said(entry.low)}, {said(entry.high)}]"

    def fact_rows(self, lang: Lang) -> list[tuple[str, list[str]]]:
        """The rows beneath the coefficients: their words, and a text per model."""
        out = []
        for fact, part in self.facts.groupby("fact", sort=False):
            if fact in _SHARED and self._shared(str(fact), lang) is not None:
                continue
            texts = part.set_index("model")[lang].reindex(range(len(self.names))).fillna("–").tolist()
            out.append((words.FACTS[str(fact)][lang], texts))
        return out

    def notes(self, lang: Lang) -> list[str]:
        """What is in brackets, what the weights were, and every warning."""
        said = [f"{words.beneath(self.beneath, self.level, lang)}. {words.NOT_CAUSAL[lang]}"]
        shared = [(fact, self._shared(fact, lang)) for fact in _SHARED]
        told = [f"{words.FACTS[fact][lang]}: {text}" for fact, text in shared if text is not None]
        said += [f"{' · '.join(told)}."] if told else []
        return [*said, *(warning[lang] for warning in self.warnings)]

    def scales(self, lang: Lang) -> list[str]:
        """What the figures of each column are."""
        return [words.SCALES[column.scale][lang] for column in self.columns]

    def to_html(self, lang: Lang = "en") -> str:
        """The table as HTML in one language; see :func:`masar_research.models.comparison_html.html`."""
        from masar_research.models.comparison_html import html

        check_language(lang)
        return html(self, lang)

    def to_latex(self, lang: Lang = "en", document: bool = False) -> str:
        """The table as LaTeX; see :func:`masar_research.models.comparison_latex.latex`."""
        from masar_research.models.comparison_latex import latex

        check_language(lang)
        return latex(self, lang, document)

    def to_docx(self, path: str | Path, lang: Lang = "en") -> Path:
        """The table as a Word file; see :func:`masar_research.models.comparison_docx.write`."""
        from masar_research.models.comparison_docx import write

        check_language(lang)
        return write(self, Path(path), lang)

    def plot(self, lang: Lang = "en") -> Art:
        """The table as a chart; see :func:`masar_research.models.comparison_chart.plot`."""
        from masar_research.models.comparison_chart import plot

        check_language(lang)
        return plot(self, lang)

    def __repr__(self) -> str:
        from masar_research.present import tables

        heads = [self.head(column, "en") for column in self.columns]
        rows = []
        for line in self.lines:
            cells = [" ".join(filter(None, self.cell(line, column, "en"))) for column in self.columns]
            rows.append([("  " if line.inside else "") + line.label["en"], *cells])
        for name, texts in self.fact_rows("en"):
            rows.append([name, *(texts[column.model] for column in self.columns)])
        columns = [tables.Column(words.TERM["en"]), *(tables.Column(head, numeric=True) for head in heads)]
        return tables.plain_text(rows, columns, notes=self.notes("en"))

    def _repr_html_(self) -> str:
        return self.to_html("en") + self.to_html("ar")

    def head(self, column: parts.Column, lang: Lang) -> str:
        """The name of a column on one line."""
        name = self.names[column.model][lang]
        return name if column.equation is None else f"{name}: {column.equation[lang]}"

    def _shared(self, fact: str, lang: Lang) -> str | None:
        """The words of a fact that is the same for every model."""
        texts = self.facts.loc[self.facts["fact"] == fact, lang].unique()
        return str(texts[0]) if texts.size == 1 else None

    def _digits(self, line: parts.Line) -> int:
        """Decimals that show two figures of the smallest error of a row, between 2 and 6."""
        found = []
        for column in self.columns:
            entry = column.entries.get(line.key)
            if entry is not None and not entry.reference and math.isfinite(entry.std_error) and entry.std_error > 0:
                found.append(entry.std_error * (100.0 if column.scale == "points" else 1.0))
        least = 1 if self.effects == "ame" else 2
        return least if not found else min(6, max(least, 1 - math.floor(math.log10(min(found)))))


def compare_models(
    *models: Any,
    names: Sequence[str | Mapping[str, str]] | None = None,
    effects: Effects = "coefficients",
    beneath: Beneath = "interval",
) -> ModelTable:
    """Fitted models side by side, in both languages, for HTML, LaTeX and Word.

    Parameters
    ----------
    *models : fitted models
        Of one kind or several: linear, logit and other generalised linear, ordinal, multinomial (a
        column per level), Cox, quantile (a column per quantile), two-stage, log-linear, MAIHDA (null
        and adjusted).
    names : sequence of str or mapping, optional
        What to call them: a text, or ``{"en": …, "ar": …}``. "Model 1", «النموذج 1» … by default.
    effects : {"coefficients", "ratios", "ame"}
        Coefficients as fitted; odds, rate, hazard … ratios where a model has them, with their
        intervals; or average marginal effects (percentage points for 0/1 and categorical outcomes),
        the ones that can be compared between logits with different predictors.
    beneath : {"interval", "std_error", "p_value"}
        What stands in brackets beneath an estimate. There are no stars.

    Returns
    -------
    ModelTable
        Levels stand under their variable, the reference marked; beneath them n, sampling units,
        degrees of freedom, dAIC, pseudo-R², weights and design. Models of different rows, weights,
        outcomes, scales or references are compared with a warning that says so.

    Raises
    ------
    ModelError
        No model, names that are too few or repeat, an unknown option.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> from masar_research.models.comparison import compare_models
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 30, "psu": list(range(20)) * 3, "age": range(60),
    ...                       "works": [0, 0, 1, 0, 1, 1] * 10})
    >>> survey = mr.Survey(frame, weights="w", psu="psu")
    >>> table = compare_models(survey.logit("works ~ 1"), survey.logit("works ~ age"), effects="ratios")
    >>> table.frame["term"].tolist(), table.frame["scale"].unique().tolist()
    (['age', '1', '1'], ['odds_ratio'])
    """
    for option, value, known in (("effects", effects, ("coefficients", "ratios", "ame")),
                                 ("beneath", beneath, ("interval", "std_error", "p_value"))):
        if value not in known:
            raise ModelError(f"{option}={value!r} is not known.", remedy=f"Use one of {', '.join(known)}.",
                             ar=f"قيمة {option} غير معروفة؛ استعمل إحدى القيم: \u2066{', '.join(known)}\u2069.")
    if not models:
        raise ModelError("There is no model to show.", remedy="Pass one model or more.",
                         ar="لا نموذج يُعرض؛ مرّر نموذجاً أو أكثر.")
    for model in models:
        parts.check(model)
    called = _names(names, len(models))
    columns, warned = [], []
    for place, model in enumerate(models):
        found, keys = parts.columns_of(model, place, effects)
        columns += found
        warned += [_filled(key, {lang: called[place][lang] for lang in ("en", "ar")}) for key in keys]
    lines = parts.lines_of(columns, [model.survey.codebook for model in models])
    return ModelTable(
        called, tuple(columns), tuple(lines), _facts(models),
        tuple(warned + _warnings(models, columns, called, effects)), effects, beneath,
        float(models[0].level),
    )  # fmt: skip


def _names(names: Sequence[str | Mapping[str, str]] | None, count: int) -> tuple[words.Words, ...]:
    if names is None:
        return tuple({"en": f"Model {k}", "ar": f"النموذج {k}"} for k in range(1, count + 1))
    made = tuple({"en": name, "ar": name} if isinstance(name, str) else dict(name) for name in names)
    if len(made) != count or any({"en", "ar"} - set(name) for name in made):
        raise ModelError(f"{len(made)} names for {count} models, each a text or one per language.",
                         remedy='Give names=["…", {"en": "…", "ar": "…"}], one per model.',
                         ar="أعطِ اسماً لكل نموذج، نصاً واحداً أو نصاً بكل لغة.")
    for lang in ("en", "ar"):
        if len({name[lang] for name in made}) < count:
            raise ModelError("Two models have the same name.", remedy="Name them apart.",
                             ar="لنموذجين اسم واحد؛ سمِّهما باسمين مختلفين.")
    return made


def _facts(models: Sequence[Any]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []

    def add(place: int, fact: str, value: float, en: str, ar: str | None = None) -> None:
        rows.append({"model": place, "fact": fact, "value": value, "en": en, "ar": en if ar is None else ar})

    nan = math.nan
    for place, model in enumerate(models):
        note, book = model.note, model.survey.codebook
        outcome = parts.variable_words(book if note["outcome"] in book else None, note["outcome"])
        add(place, "outcome", nan, outcome["en"], outcome["ar"])
        kind = words.family(model.family)
        add(place, "family", nan, kind["en"], kind["ar"])
        said = str(note["base"]) if note.get("base") else None
        base = {"en": said or words.EVERYBODY["en"], "ar": f"\u2066{said}\u2069" if said else words.EVERYBODY["ar"]}
        add(place, "base", nan, base["en"], base["ar"])
        for fact in _PLAIN:
            value = _sampling_units(model) if fact == "psus" else note.get(fact)
            if value is not None:
                add(place, fact, float(value), numbers.number(value, "en", 0 if float(value).is_integer() else 1))
        for fact, value in _fit(model).items():
            add(place, fact, value, numbers.number(value, "en", 1 if fact == "daic" else 3))
        weights = note.get("weights")
        add(place, "weights", nan, weights or words.UNWEIGHTED["en"],
            f"\u2066{weights}\u2069" if weights else words.UNWEIGHTED["ar"])
        told = _design(model)
        add(place, "design", nan, told["en"], told["ar"])
    frame = pd.DataFrame(rows)
    order = {fact: k for k, fact in enumerate(words.FACTS)}
    return frame.sort_values("fact", key=lambda column: column.map(order), kind="stable", ignore_index=True)


def _design(model: Any) -> words.Words:
    replicates = model.survey.design.replicates
    return words.design(model.note["design"], None if replicates is None else
                        {"number": replicates.number, "kind": replicates.facts["kind"]})


def _sampling_units(model: Any) -> int | None:
    """Units of the variance with a fitted row; None where they are not known."""
    design, used = model.survey.design, _used(model)
    if used is None or model.note["design"].get("psus") is None or not model.note["design"].get("clustered"):
        return None
    return int(np.unique(design.unit[used]).size)


def _fit(model: Any) -> dict[str, float]:
    """dAIC and pseudo-R² of a generalised linear model that is not penalised."""
    if not hasattr(model, "fit_statistics") or getattr(model.fit, "penalty", None) is not None:
        return {}
    found = model.fit_statistics()
    base = model.family.split(" ")[0]
    name = {"gaussian": "r_squared", "binomial": "mcfadden", "probit": "mcfadden", "cloglog": "mcfadden"}
    out = {"daic": found.daic, name.get(base, "share_of_deviance"): found.r_squared,
           "nagelkerke": found.nagelkerke}
    return {key: float(value) for key, value in out.items() if math.isfinite(value)}


def _warnings(
    models: Sequence[Any], columns: Sequence[parts.Column], names: Sequence[words.Words], effects: str
) -> list[words.Words]:
    def each(texts: Sequence[Any]) -> dict[str, str]:
        return {lang: ("؛ " if lang == "ar" else "; ").join(
            f"{name[lang]}: {text}" for name, text in zip(names, texts, strict=True)) for lang in ("en", "ar")}

    out = []
    notes = [model.note for model in models]
    if len({note.get("checksum") or model.survey.design.n_rows for note, model in zip(notes, models, strict=True)}) > 1:
        out.append(words.WARNINGS["data"])
    if not _same([_used(model) for model in models]) or len({note["rows"] for note in notes}) > 1:
        out.append(_filled("rows", each([numbers.number(note["rows"], "en") for note in notes])))
    if not _same([model.survey.design.weights for model in models]) or len(
        {(str(note.get("weights")), str(_design(model))) for note, model in zip(notes, models, strict=True)}
    ) > 1:
        out.append(_filled("weights", each([note.get("weights") or "–" for note in notes])))
    outcomes = {note["outcome"] for note in notes}
    if len(outcomes) > 1:
        out.append(words.WARNINGS["outcomes"])
    if len({column.scale for column in columns}) > 1:
        out.append(words.WARNINGS["scales"] if effects != "ame" else
                   {lang: words.WARNINGS["scales"][lang].partition(";" if lang == "en" else "؛")[0] + "."
                    for lang in ("en", "ar")})
    references: dict[str, list[str]] = {}
    for note in notes:
        for name, code in note["references"].items():
            references.setdefault(name, []).append(parts.code_of(code))
    differing = [name for name, codes in references.items() if len(set(codes)) > 1]
    if differing:
        told = {lang: ("، " if lang == "ar" else ", ").join(
            parts.variable_words(next((m.survey.codebook for m in models if n in m.survey.codebook), None), n)[lang]
            for n in differing) for lang in ("en", "ar")}
        out.append(_filled("references", told))
    if effects != "ame" and len(outcomes) == 1 and len({note["formula"] for note in notes}) > 1 and any(
        model.family.split(" ")[0] in ("binomial", "probit", "cloglog", "ordinal", "multinomial")
        and model.family != "binomial (log link)" for model in models
    ):
        out.append(words.WARNINGS["rescaled"])
    if len({model.level for model in models}) > 1:
        out.append(_filled("levels", each([numbers.percent(model.level, "en", 0) for model in models])))
    for name, note in zip(names, notes, strict=True):
        caution = note.get("caution")
        if isinstance(caution, Mapping):
            out.append({lang: f"{name[lang]}: {caution[lang]}" for lang in ("en", "ar")})
        if note.get("imputations"):
            out.append(_filled("imputed", {
                lang: f"{name[lang]}: {numbers.counted(int(note['imputations']), words.IMPUTATION, lang)}"
                for lang in ("en", "ar")}))
        if note.get("penalty"):
            out.append({"en": f"{name['en']}: Firth's penalised likelihood.",
                        "ar": f"{name['ar']}: أرجحية بجزاء فيرث."})
    return out


def _used(model: Any) -> np.ndarray | None:
    return getattr(getattr(model, "fit", None), "used", None)


def _same(arrays: Sequence[np.ndarray | None]) -> bool:
    known = [array for array in arrays if array is not None]
    return all(one.shape == known[0].shape and np.array_equal(one, known[0]) for one in known)


def _filled(key: str, detail: Mapping[str, str]) -> words.Words:
    return {lang: words.WARNINGS[key][lang].format(detail=detail[lang]) for lang in ("en", "ar")}


def _whole(line: parts.Line, heading: words.Words | None, lang: str) -> str:
    return f"{heading[lang]}: {line.label[lang]}" if line.inside and heading is not None else line.label[lang]


def _number(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return "∞" if value == math.inf else "–"
    if abs(value) >= 1e6:
        return f"{value:.2e}".replace("-", numbers.MINUS)
    return numbers.number(value, "en", digits)


def p_text(value: float) -> str:
    """A p-value for reading."""
    if not math.isfinite(value):
        return "–"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
