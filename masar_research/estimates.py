"""`Estimates`: a table of results that can explain itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from masar_research import contrast_text, gating, release, verbs
from masar_research.codebook import Codebook
from masar_research.engine import contrasts, intervals
from masar_research.errors import EstimationError
from masar_research.note import Note

if TYPE_CHECKING:
    from masar_research.present import Art

Kind = Literal[
    "proportion", "mean", "total", "ratio", "count", "mean_of_shares", "difference", "ame", "odds_ratio",
    "index", "quantile", "variance", "covariance", "correlation", "model_based_proportion", "model_based",
]  # fmt: skip
STATISTICS = (
    "estimate", "std_error", "conf_low", "conf_high", "df", "n", "n_eff", "deff", "cv",
    "reliability",
)  # fmt: skip

_NEGATIVE = {
    "en": "The estimated variance of a change is below zero, as can happen where waves share few PSUs; its standard "
    "error, interval and test are left out. Replicates (mr.replicates.JKn or RaoWu) always give one.",
    "ar": "التباين المقدّر لأحد التغيّرات دون الصفر، وهذا ممكن حين تشترك الجولات في وحدات معاينة قليلة؛ لذلك لا يُذكر "
    "خطؤه المعياري ولا فترته ولا اختباره. أما الأوزان المكررة (JKn أو RaoWu) فتعطيه دائماً.",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class Estimates:
    """Estimates with their covariance and every choice that was made.

    Attributes
    ----------
    frame : pandas.DataFrame, m rows
        Domain columns (codes), ``variable``, ``category``, then ``estimate, std_error,
        conf_low, conf_high, df, n, n_eff, deff, cv, reliability`` at full precision.
        Proportions are fractions. ``n`` counts interviews with a positive weight and an
        answer; ``reliability`` is the status under the NCHS profile.
    vcov : ndarray (m, m)
        Design-based covariance of the estimates.
    kind : str
        What the rows are; the release gate chooses its rule by it.
    by : tuple of str
        The domain columns.
    note : Note
        Plain facts: interval method, level, weights, base, lonely-PSU rule, rows missing. A
        mapping that prints as lines.
    codebook : Codebook
        Labels of the domain and outcome variables.

    Notes
    -----
    A frame is a working file of the office: only the release gate decides what is published.
    """

    frame: pd.DataFrame
    vcov: np.ndarray
    kind: Kind
    by: tuple[str, ...]
    note: Mapping[str, Any]
    codebook: Codebook
    level: float = 0.95
    totals: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.note, Note):
            object.__setattr__(self, "note", Note(self.note))

    def __len__(self) -> int:
        return len(self.frame)

    def __str__(self) -> str:
        """The gated table in English, as text; ``.table("ar")`` is the Arabic one."""
        return str(self.table("en"))

    def __repr__(self) -> str:
        return f"<{len(self)} estimates: {self.kind} by {', '.join(self.by) or 'nothing'}>"

    # --- comparing ---------------------------------------------------------------------

    def contrast(self, expression: str, over: str | None = None) -> Estimates:
        """Linear combinations of rows, with the full covariance.

        Parameters
        ----------
        expression : str
            Codes or quoted labels of one domain variable joined by ``+`` and ``-``, with
            ``number * code`` and ``(…) / number``: ``"11 - 22"``, ``"'Women' - 'Men'"``.
        over : str, optional
            The domain column the codes belong to; needed when there are several. The
            combination is then formed within each cell of the remaining columns.

        Returns
        -------
        Estimates
            kind ``"difference"``, with ``contrast``, ``statistic`` and ``p_value`` columns;
            ``L θ`` with variance ``L V Lᵀ`` and t on the smallest df among the rows used.

        Raises
        ------
        EstimationError
            If a code is not among the rows, or `over` is needed and not given.

        Examples
        --------
        >>> rate = survey.proportion("employed", by=["sex", "wave"])   # doctest: +SKIP
        >>> rate.contrast("2026 - 2024", over="wave")                  # doctest: +SKIP
        """
        over = self._over(over)
        coefficients = contrast_text.parse(expression)
        codes = self._codes(over)
        wanted: dict[Any, float] = {}
        for term, coefficient in coefficients.items():
            code = self._match(over, term, codes)
            wanted[code] = wanted.get(code, 0.0) + coefficient
        if not any(wanted.values()):
            raise EstimationError(
                f"The contrast {expression!r} compares {over!r} with itself.",
                remedy="Name two different codes or labels.",
            )
        keys = [name for name in (*self.by, "variable", "category") if name != over]
        keys = [name for name in keys if name in self.frame.columns]
        rows, labels = [], []
        for key, at in self._cells(over, keys):
            row = np.zeros(len(self.frame))
            for code, coefficient in wanted.items():
                row[at[code]] = coefficient
            rows.append(row)
            labels.append(key)
        matrix = np.vstack(rows)
        head = contrast_head([expression] * len(rows), labels, keys)
        out = self._combined(matrix, head, by=tuple(k for k in keys if k in self.by), what=expression)
        names = {expression: self._told(over, wanted)}
        return replace(out, note={**out.note, "contrast_labels": names})

    def _told(self, over: str, wanted: Mapping[Any, float]) -> dict[str, str]:
        """A combination of codes in the words of both languages: "Women − Men"."""
        from masar_research import showing

        out = {}
        for lang in ("en", "ar"):
            parts = []
            for code, factor in wanted.items():
                sign = " − " if factor < 0 else " + "
                size = "" if abs(factor) == 1 else f"{abs(factor):g} × "
                parts.append(f"{sign}{size}{showing.label(self, over, code, lang)}")
            out[lang] = "".join(parts).strip().removeprefix("+ ")
        return out

    def _cells(
        self, over: str, keys: Sequence[str]
    ) -> Iterator[tuple[tuple[Any, ...], dict[Any, int]]]:
        """Each combination of `keys`, with the row number of every code of `over` in it."""
        found: dict[tuple[Any, ...], tuple[tuple[Any, ...], dict[Any, int]]] = {}
        parts = [self.frame[name].tolist() for name in keys]
        for place, code in enumerate(self.frame[over].tolist()):
            key = tuple(part[place] for part in parts)
            # NaN is not itself; rows without a category belong together all the same.
            same = tuple(None if value != value else value for value in key)
            found.setdefault(same, (key, {}))[1][code] = place
        yield from found.values()

    def _combined(
        self, matrix: np.ndarray, head: Mapping[str, Any], by: tuple[str, ...], what: str
    ) -> Estimates:
        frame = self.frame
        used = matrix != 0
        spread = self.vcov.copy()
        lost = np.isnan(frame["std_error"].to_numpy(float))
        spread[lost, :] = spread[:, lost] = np.nan
        df, n, n_eff = (
            np.array([values[row].min() for row in used])
            for values in (frame[name].to_numpy() for name in ("df", "n", "n_eff"))
        )
        made = contrasts.linear(matrix, frame["estimate"], spread, df)
        low, high = intervals.wald(made.estimate, made.std_error, made.df, self.level)
        out = pd.DataFrame({
            **head, "estimate": made.estimate, "std_error": made.std_error, "conf_low": low,
            "conf_high": high, "df": df, "n": n, "n_eff": n_eff, "deff": np.nan, "cv": np.nan,
            "reliability": _weakest(frame["reliability"], used), "statistic": made.t,
            "p_value": made.p,
        })  # fmt: skip
        sides = tuple(tuple(int(i) for i in np.flatnonzero(row)) for row in used)
        note = {**self.note, "contrast": what, "interval": "Wald, t", "of": self.kind, "sides": sides}
        note.pop("withheld", None)
        if np.any(np.isnan(made.std_error) & (np.diag(made.vcov) < 0)):
            note["negative_variance"] = _NEGATIVE
        confidential = np.flatnonzero((used & gating.withheld(self)).any(axis=1))
        if confidential.size:
            note["withheld"] = tuple(int(row) for row in confidential)
        totals = None if self.totals is None else self.totals @ matrix.T
        return Estimates(
            frame=out, vcov=made.vcov, kind="difference", by=by, note=MappingProxyType(note),
            codebook=self.codebook, level=self.level, totals=totals,
        )  # fmt: skip

    def _over(self, over: str | None) -> str:
        if over is None:
            if len(self.by) == 1:
                return self.by[0]
            raise EstimationError(
                f"A contrast needs to know which of the columns {list(self.by)} its codes belong to.",
                remedy="Pass over=..., for instance over='wave'.",
            )
        if over not in self.by:
            raise EstimationError(
                f"over={over!r} is not a domain column of these estimates: {list(self.by)}.",
                remedy="Name one of those, or estimate again with it in by=.",
            )
        return over

    def _codes(self, column: str) -> list[Any]:
        return list(dict.fromkeys(self.frame[column]))

    def _match(self, column: str, term: float | str, codes: list[Any]) -> Any:
        for code in codes:
            if code == term:
                return code
        if isinstance(term, str) and column in self.codebook:
            for category in self.codebook[column].categories:
                if category.code in codes and term in category.label.values():
                    return category.code
        raise EstimationError(
            f"{term!r} is not a code or label of {column!r} in these estimates: {codes}.",
            remedy="Use one of those codes, or a label in quotes.",
        )

    def rows(self, **key: Any) -> pd.DataFrame:
        """The rows whose domain columns equal `key` (codes)."""
        frame = self.frame
        for name, value in key.items():
            if name not in frame.columns:
                raise EstimationError(
                    f"{name!r} is not a column of these estimates: {list(frame.columns)}.",
                    remedy="Use a domain column, 'variable' or 'category'.",
                )
            frame = frame[frame[name] == value]
        return frame

    def beside(self, other: Estimates, covariance: Callable[[np.ndarray], np.ndarray]) -> Estimates:
        """Both tables in one, with the covariance between them."""
        if self.totals is None or other.totals is None:
            raise EstimationError(
                "These estimates no longer carry the unit totals a joint covariance needs.",
                remedy="Estimate both again from the survey.",
            )
        totals = np.hstack([self.totals, other.totals])
        by = tuple(dict.fromkeys((*self.by, *other.by)))
        frame = pd.concat([self.frame, other.frame], ignore_index=True)
        return replace(self, frame=frame, vcov=covariance(totals), by=by, totals=totals)

    # --- arithmetic loses the standard error -------------------------------------------

    def _plain(self, other: Any, operate: Callable[[Any, Any], Any], symbol: str) -> pd.DataFrame:
        warnings.warn(
            f"'{symbol}' on estimates drops the standard errors; use .contrast() to keep them.",
            UserWarning,
            stacklevel=3,
        )
        kept = [*self.by, "variable", "category"]
        kept = [name for name in kept if name in self.frame.columns]
        right = other
        if isinstance(other, Estimates):
            domains = [name for name in self.by if name in other.frame.columns]
            if other.by != self.by or not self.frame[domains].equals(other.frame[domains]):
                raise EstimationError(
                    f"'{symbol}' met estimates of other domains: {list(self.by)} and {list(other.by)}, "
                    f"{len(self)} and {len(other)} rows.",
                    remedy="Join the two frames on their domain columns first.",
                )
            right = other.frame["estimate"].to_numpy()
        return self.frame[kept].assign(estimate=operate(self.frame["estimate"].to_numpy(), right))

    def __add__(self, other: Any) -> pd.DataFrame:
        return self._plain(other, np.add, "+")

    def __sub__(self, other: Any) -> pd.DataFrame:
        return self._plain(other, np.subtract, "-")

    def __mul__(self, other: Any) -> pd.DataFrame:
        return self._plain(other, np.multiply, "*")

    def __truediv__(self, other: Any) -> pd.DataFrame:
        return self._plain(other, np.divide, "/")

    # --- showing -----------------------------------------------------------------------

    def table(self, lang: str = "en", profile: str = "nchs") -> Any:
        """A table for reading, in Arabic or English, behind the release gate.

        Returns an object with ``_repr_html_``; suppressed rows show ``*`` and the reason: too
        unreliable under the profile, or fewer than five interviews in a class. What several
        tables give away together is judged over a whole brief (`masar_research.gating`).
        """
        from masar_research import showing

        return showing.table(self, lang, profile)

    def plot(self, lang: str = "en", profile: str = "nchs") -> Art:
        """Dot-and-whisker chart of the rows, gated, in Arabic or English."""
        from masar_research import showing

        return showing.plot(self, lang, profile)

    def _repr_html_(self) -> str:
        from masar_research import showing

        return showing.both(self)


def assemble(
    head: pd.DataFrame,
    statistics: Mapping[str, np.ndarray],
    vcov: np.ndarray,
    *,
    kind: Kind,
    by: Sequence[str],
    note: Mapping[str, Any],
    codebook: Codebook,
    level: float,
    totals: np.ndarray | None = None,
) -> Estimates:
    """Put domain columns and statistics together and judge their reliability.

    `statistics` needs estimate, std_error, conf_low, conf_high, df, n, n_eff, deff, each (m,).
    """
    columns = {name: np.asarray(values) for name, values in statistics.items()}
    estimate = columns["estimate"]
    with np.errstate(invalid="ignore", divide="ignore"):
        columns["cv"] = np.where(estimate != 0, columns["std_error"] / np.abs(estimate), np.nan)
    columns["reliability"] = release.status(kind, columns)
    extra = [name for name in statistics if name not in STATISTICS]
    ordered = {name: columns[name] for name in (*STATISTICS, *extra)}
    frame = pd.DataFrame({**{name: head[name].to_numpy() for name in head.columns}, **ordered})
    return Estimates(
        frame=frame, vcov=vcov, kind=kind, by=tuple(by), note=MappingProxyType(dict(note)),
        codebook=codebook, level=level, totals=totals,
    )  # fmt: skip


def contrast_head(
    contrasts: Sequence[str], labels: Sequence[tuple[Any, ...]], keys: Sequence[str]
) -> dict[str, list[Any]]:
    """The columns that name the rows of compared estimates: the contrast, then their cell."""
    cells = {name: [label[at] for label in labels] for at, name in enumerate(keys)}
    return {"contrast": list(contrasts), **cells}


def _weakest(reliability: pd.Series, used: np.ndarray) -> np.ndarray:
    order = {"show": 0, "flag": 1, "suppress": 2}
    words = np.array(list(order))
    rank = np.array([order[status] for status in reliability])
    return words[[rank[row].max() for row in used]]


verbs.lend(Estimates, verbs.ESTIMATES)
