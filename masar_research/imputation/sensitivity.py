"""What if those who did not answer differ: departures from missing at random, and where they tip."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.errors import MasarError, ModelError
from masar_research.estimates import Estimates
from masar_research.imputation.chain import Delta
from masar_research.present import charts, numbers
from masar_research.showing import check_language

if TYPE_CHECKING:
    from masar_research.imputation.imputed import Imputed
    from masar_research.imputation.plan import Target
    from masar_research.present import Art
    from masar_research.survey import Survey

_HEADS = {
    "shift": ("Added to imputed values", "المضاف إلى القيم المعوَّضة"),
    "odds": ("Odds of “{}” multiplied by", "أرجحية «{}» مضروبة في"),
    "higher": ("Odds of a higher answer multiplied by", "أرجحية إجابة أعلى مضروبة في"),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sensitivity:
    """Pooled estimates under departures.

    Attributes
    ----------
    frame : pandas.DataFrame
        ``amount``, then the rows of the pooled estimates or model under it.
    variable, scale : str
    where : str or None
        Whose imputed values were moved.
    category : float or None
        The code whose odds were moved; None: of a higher answer, or no odds.
    results : tuple of Estimates or PooledModel
        One per amount.
    """

    frame: pd.DataFrame
    variable: str
    scale: str
    where: str | None
    category: float | None
    results: tuple[Any, ...]

    @property
    def neutral(self) -> float:
        """The amount that changes nothing."""
        return 0.0 if self.scale == "shift" else 1.0

    def tipping(self, null: float, row: int = 0) -> pd.DataFrame:
        """The first departure, on either side, at which the conclusion about `null` changes.

        Parameters
        ----------
        null : float
            The value the interval is read against: 0 for a difference, a target for a level.
        row : int
            Row of the estimates.

        Returns
        -------
        pandas.DataFrame
            ``side`` ("below", "above" the neutral amount), ``amount`` (NaN: none of those tried),
            ``estimate, conf_low, conf_high`` there.
        """
        one = self.frame[self.frame["row"] == row].sort_values("amount")
        if one.empty or not np.isclose(one["amount"], self.neutral).any():
            raise ModelError(
                f"Row {row} was not estimated at the amount {self.neutral:g}, with which the others are compared.",
                remedy=f"Give {self.neutral:g} among the amounts, and a row there is.",
                ar="يلزم أن تتضمن المقادير القيمة المحايدة (صفر للإضافة وواحد للضرب) وأن يوجد الصف المطلوب.",
            )
        verdict = np.sign(one["conf_low"] - null).add(np.sign(one["conf_high"] - null))
        base = verdict[np.isclose(one["amount"], self.neutral)].iloc[0]
        rows = []
        for side, part in (("below", one[one["amount"] < self.neutral].iloc[::-1]),
                           ("above", one[one["amount"] > self.neutral])):  # fmt: skip
            turned = part[verdict[part.index] != base]
            first = turned.iloc[0] if len(turned) else None
            rows.append({"side": side} | {
                name: float("nan") if first is None else float(first[name])
                for name in ("amount", "estimate", "conf_low", "conf_high")
            })  # fmt: skip
        return pd.DataFrame(rows)

    def table(self, lang: str = "en") -> str:
        """HTML of the departures and the pooled estimates under each; suppressed rows show a star."""
        check_language(lang)
        words = {"en": ("Estimate", "Interval", "Missing information"),
                 "ar": ("التقدير", "فترة الثقة", "نسبة المعلومات المفقودة")}[lang]
        many = self.frame["row"].nunique() > 1
        heads = [self._head(lang), *([{"en": "Row", "ar": "الصف"}[lang]] if many else []), *words]
        body = []
        for line in self.frame.to_dict("records"):
            cells = [_number(line["amount"])] + ([html.escape(line[f"name_{lang}"])] if many else [])
            if line["status"] == "suppress":
                cells += ["*", "*", "*"]
            else:
                cells += [self._said(line["estimate"]), f"{self._said(line['conf_low'])} – {self._said(line['conf_high'])}",
                          f"{line['fmi']:.0%}"]
            body.append("<tr>" + "".join(f"<td><bdi>{cell}</bdi></td>" for cell in cells) + "</tr>")
        head = "".join(f"<th style='text-align:start'>{html.escape(each)}</th>" for each in heads)
        return (f"<table class='masar-delta' dir='{'rtl' if lang == 'ar' else 'ltr'}' lang='{lang}'>"
                f"<caption>{self._title(lang)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>")

    def plot(self, lang: str = "en", row: int = 0, null: float | None = None) -> Art:
        """The estimate of one row under every departure; `null` as a dashed line."""
        check_language(lang)
        one = self.frame[(self.frame["row"] == row)].sort_values("amount")
        share = self._share()
        marks = []
        for line in one.to_dict("records"):
            mark = (charts.Mark(None, None, None, "suppress") if line["status"] == "suppress" else
                    charts.Mark(line["estimate"], line["conf_low"], line["conf_high"], line["status"]))
            marks.append(charts.Row(_number(line["amount"]), (mark,)))
        size = float(one["estimate"].abs().max())
        against = None if null is None else charts.Reference(null, {"en": "value compared", "ar": "قيمة المقارنة"}[lang])
        return charts.dots([charts.Panel(self._head(lang), tuple(marks))], lang,
                           unit="percent" if share else "number", digits=1 if share or size >= 10 else 3,
                           reference=against, from_zero=False)

    def _head(self, lang: str) -> str:
        if self.scale == "shift":
            return _HEADS["shift"][lang == "ar"]
        if self.category is None:
            return _HEADS["higher"][lang == "ar"]
        book = self._book()
        try:
            answer = book.category(self.variable, self.category, lang)
        except MasarError:
            answer = f"{self.category:g}"
        return _HEADS["odds"][lang == "ar"].format(answer)

    def _book(self) -> Any:
        first = self.results[0]
        return first.codebook if isinstance(first, Estimates) else first.survey.codebook

    def _share(self) -> bool:
        first = self.results[0]
        return isinstance(first, Estimates) and first.kind == "proportion"

    def _said(self, value: float) -> str:
        if self._share():
            return numbers.percent(value, "en", 1)
        return numbers.number(value, "en", 1 if abs(value) >= 10 else 3)

    def _title(self, lang: str) -> str:
        book = self._book()
        label = book[self.variable].label.get(lang, self.variable) if self.variable in book else self.variable
        whom = f" (<code dir='ltr'>{html.escape(self.where)}</code>)" if self.where else ""
        words = {"en": "If those who did not answer differ", "ar": "لو اختلف من لم يجيبوا"}[lang]
        return f"{words}: <bdi>{html.escape(label)}</bdi>{whom}"

    def _repr_html_(self) -> str:
        return self.table("en") + self.table("ar")

    def __repr__(self) -> str:
        shown = self.frame[self.frame["status"] != "suppress"]
        return shown[["amount", "row", "estimate", "conf_low", "conf_high", "fmi"]].to_string(index=False)


def delta(
    imputed: Imputed, variable: str, amounts: Sequence[float], statistic: Callable[[Survey], Any], *,
    scale: str = "shift", where: str | None = None, category: float | None = None,
) -> Sensitivity:  # fmt: skip
    """Impute again under departures from missing at random, with the same seeds.

    Parameters
    ----------
    imputed : Imputed
    variable : str
        An imputed one.
    amounts : sequence of float
        Added to every imputed value (``"shift"``), or the factor of the odds (``"odds"``): of
        `category`, the others keeping their proportions; without it of the second of two answers, of
        ordered answers of any higher one (a shift of every cumulative logit). The chains go on with the
        moved values.
    statistic : callable
        As of `Imputed.estimate`.
    scale : {"shift", "odds"}
    where : str, optional
        Condition on complete variables: whose imputed values are moved.
    category : float, optional
        A code of the variable; needed where the answers have no order.

    Returns
    -------
    Sensitivity

    Raises
    ------
    ModelError
        A variable that was not imputed; a shift of a categorical one, odds of another; answers without
        order and no category, or one that nobody gave; no amounts; odds not above nought.

    Examples
    --------
    >>> imputed.delta("wage", [-50, 0, 50], lambda s: s.mean("wage"))   # doctest: +SKIP
    >>> imputed.delta("view", [0.5, 1, 2], lambda s: s.proportion("view"), scale="odds")   # doctest: +SKIP
    """
    from masar_research.imputation.impute import run

    plan = imputed.plan
    target = next((t for t in plan.targets if t.name == variable), None)
    imputed.values(variable)
    fits = ("norm", "pmm") if scale == "shift" else ("logit", "ordered", "multinomial")
    if scale not in ("shift", "odds") or target.method not in fits:
        raise ModelError(
            f"{variable!r} was imputed by {target.method!r}; scale={scale!r} does not fit it.",
            remedy="Use scale='shift' for numbers (norm, pmm) and scale='odds' for answers (logit, ordered, multinomial).",
            ar="استعمل scale='shift' للأعداد و scale='odds' للفئات.",
        )
    place = _place(target, category)
    chosen = sorted({float(a) for a in amounts})
    if not chosen or not np.isfinite(chosen).all() or (scale == "odds" and chosen[0] <= 0):
        raise ModelError("amounts must be numbers, and above nought for odds.", remedy="Give for instance [0.5, 1, 2].",
                         ar="يجب أن تكون المقادير أعداداً، وموجبة في حالة نسبة الأرجحية؛ مثلاً [0.5, 1, 2].")
    here = np.ones(len(plan.rows), bool) if where is None else plan.survey.truth(where)[plan.rows]
    results, frames = [], []
    for amount in chosen:
        moved = amount if scale == "shift" else float(np.log(amount))
        told = {"variable": variable, "scale": scale, "amount": f"{amount:g}", "where": where or "",
                "category": "" if category is None else f"{category:g}"}
        again = run(plan, Delta(variable, np.where(here, moved, 0.0), place), told)
        found = type(again).estimate(_within(again, imputed.base), statistic)
        results.append(found)
        frames.append(_rows(found, amount))
    named = float(target.levels[1]) if target.method == "logit" and category is None else category
    return Sensitivity(pd.concat(frames, ignore_index=True), variable, scale, where, named, tuple(results))


def _place(target: Target, category: float | None) -> int:
    """Place of a code among the answers; −1 for none."""
    levels = () if target.levels is None else tuple(float(code) for code in target.levels)
    said = ", ".join(f"{code:g}" for code in levels)
    if category is None:
        if target.method == "multinomial":
            raise ModelError(
                f"The answers of {target.name!r} have no order: it must be said whose odds are moved.",
                remedy=f"Give category=, one of {said}.",
                ar=f"إجابات «{target.name}» بلا ترتيب؛ حدّد في category الفئة التي تتغيّر أرجحيتها: {said}.",
            )
        return -1
    if not levels:
        raise ModelError(
            f"{target.name!r} was imputed as a number ({target.method}); category={category!r} has no meaning for it.",
            remedy="Leave category out.", ar=f"عُوِّض «{target.name}» بوصفه عدداً؛ احذف category.",
        )
    if category not in levels:
        raise ModelError(
            f"Nobody who answered {target.name!r} said {category!r}.", remedy=f"Give category=, one of {said}.",
            ar=f"لم يجب أحد عن «{target.name}» بهذه الفئة؛ الفئات الممكنة في category: {said}.",
        )
    return levels.index(float(category))


def _within(again: Imputed, base: tuple[str, ...]) -> Imputed:
    for text in base:
        again = again.where(text)
    return again


def _rows(found: Any, amount: float) -> pd.DataFrame:
    from masar_research import gating, showing

    frame = found.frame.reset_index(drop=True)
    if isinstance(found, Estimates):
        status = gating.decisions(found)["status"].to_numpy()
        keys = [c for c in ("contrast", *found.by, "variable", "category") if c in frame]
        names = {f"name_{lang}": [", ".join(str(showing.label(found, c, row[c], lang)) if c in found.by else str(row[c])
                                            for c in keys) for row in frame.to_dict("records")] for lang in ("en", "ar")}
    else:
        status = np.full(len(frame), "show")
        names = {"name_en": list(frame["label_en"]), "name_ar": list(frame["label_ar"])}
    kept = frame[["estimate", "std_error", "conf_low", "conf_high", "df", "fmi"]]
    head = pd.DataFrame({"amount": amount, "row": np.arange(len(frame)), **names, "status": status})
    return pd.concat([head, kept], axis=1)


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
