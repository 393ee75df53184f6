"""Agreement between coders: Krippendorff's alpha and what it allows one to conclude."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.engine import agreement as engine
from masar_research.engine.functional import functional
from masar_research.errors import DataError, EstimationError
from masar_research.estimating import _wrap
from masar_research.measurement import agreement_showing as shows
from masar_research.note import Note

if TYPE_CHECKING:
    from masar_research.estimates import Estimates
    from masar_research.present import Art
    from masar_research.showing import Shown
    from masar_research.survey import Survey

#: Krippendorff's customary standards.
RELIABLE, TENTATIVE = 0.800, 0.667
#: Units a code must be found in for its own interval: resampling fewer shows no spread.
LEAST = 5


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Agreement:
    """How far coders agree beyond chance.

    Attributes
    ----------
    frame : pandas.DataFrame
        ``part`` ("alpha", "category", "without", "percent", "fleiss"), ``name`` (code or coder),
        ``label_en, label_ar, estimate, conf_low, conf_high``, ``units`` compared and ``codings``
        in them. Intervals come from resampled units; NaN where none is made.
    pairs : pandas.DataFrame
        Every pair of coders: ``first, second, n, same`` (share coded alike), ``kappa`` (Cohen),
        ``alpha``.
    coincidences : pandas.DataFrame (K, K)
        Coincidences of codes within units.
    scale : {"nominal", "ordinal", "interval", "ratio"}
    verdict : {"reliable", "tentative", "unreliable", "undefined"}
        ``reliable`` from 0.800, ``tentative`` from 0.667, by the estimate.
    note : Note
        Units and codings left out, samples drawn, share of them under either standard.
    level : float

    Notes
    -----
    Texts coded are no respondents: nothing here is withheld by the release gate.
    """

    frame: pd.DataFrame
    pairs: pd.DataFrame
    coincidences: pd.DataFrame
    scale: str
    verdict: str
    note: Mapping[str, Any]
    level: float

    @property
    def alpha(self) -> float:
        """Krippendorff's alpha of all coders."""
        return float(self.frame["estimate"].iloc[0])

    def reading(self, lang: str = "en") -> tuple[str, ...]:
        """Sentences in one language: how much agreement, and what may be built on it."""
        return shows.reading(self, lang)

    def table(self, lang: str = "en") -> Shown:
        """Alpha, agreement by category and without each coder."""
        return shows.table(self, lang)

    def pair_table(self, lang: str = "en") -> Shown:
        """Coder by coder."""
        return shows.pair_table(self, lang)

    def plot(self, lang: str = "en") -> Art:
        """Alpha of everything and of each category, against the standard of 0.800."""
        return shows.plot(self, lang)

    def __repr__(self) -> str:
        return str(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(
            made(lang)._repr_html_() for lang in ("en", "ar") for made in (self.table, self.pair_table)
        )


def coder_agreement(
    codings: pd.DataFrame, coders: Sequence[str] | None = None, scale: engine.Scale = "nominal", *,
    labels: Mapping[Any, Mapping[str, str]] | None = None, level: float = 0.95, draws: int = 2000,
    rng: np.random.Generator | None = None,
) -> Agreement:  # fmt: skip
    """Krippendorff's alpha of a coding sheet.

    ``α = 1 − D_o / D_e``: observed over expected disagreement, any number of coders, gaps allowed.

    Parameters
    ----------
    codings : pandas.DataFrame
        A row per unit (article, programme, answer), a column per coder; blank where a coder did
        not code the unit. `coding_sheet` makes it from a list of codings.
    coders : sequence of str, optional
        The columns; all by default.
    scale : {"nominal", "ordinal", "interval", "ratio"}
        How far two codes are apart. Codes that are text are nominal.
    labels : mapping, optional
        Code → ``{"en": …, "ar": …}``.
    level : float
        Of the percentile interval over resampled units.
    draws : int
        Samples of units drawn with replacement; 0 makes no interval.
    rng : numpy.random.Generator, optional
        By default one seeded with 0, which the note says.

    Returns
    -------
    Agreement

    Raises
    ------
    EstimationError, DataError
        Fewer than two coders, no unit coded twice, an unknown scale, text on a scale of numbers.

    References
    ----------
    Krippendorff (2019), *Content Analysis*, 4th ed., ch. 12; Hayes and Krippendorff (2007),
    *Communication Methods and Measures* 1; Zapf et al. (2016), *BMC Med. Res. Methodol.* 16:93.

    Examples
    --------
    >>> import pandas as pd
    >>> from masar_research import measurement
    >>> sheet = pd.DataFrame({"Rana": [1, 2, 3, 3, 2, 1, 1, 3], "Sami": [1, 2, 3, 3, 2, 2, 1, 3]})
    >>> found = measurement.coder_agreement(sheet, draws=200)
    >>> round(found.alpha, 3), found.verdict
    (0.824, 'reliable')
    """
    names = _coders(codings, coders)
    _check(level, draws)
    codes, values, levels = _coded(codings, names, scale)
    counted = engine.count(codes, values, scale)
    source = "given"
    if rng is None:
        rng, source = np.random.default_rng(0), "numpy.random.default_rng(0)"
    whole, parts = (np.empty(0), np.empty((0, len(levels))))
    if draws:
        whole, parts = engine.bootstrap(counted, draws, rng)
    frame = _frame(names, codes, counted, levels, labels, whole, parts, level)
    coded = (codes >= 0).sum(axis=1)
    note = {
        "scale": scale, "coders": names, "units_given": len(codings),
        "pairable_units": len(counted.units), "units_coded_once": int((coded == 1).sum()),
        "units_not_coded": int((coded == 0).sum()), "pairable_codings": int(counted.sizes.sum()),
        "level": level, "interval": "percentiles of resampled units" if draws else None,
        "draws": draws, "generator": source if draws else None,
        "draws_without_variation": int(np.isnan(whole).sum()), **_below(whole),
    }  # fmt: skip
    pairs = pd.DataFrame(
        [(names[p.first], names[p.second], p.n, p.same, p.kappa, p.alpha)
         for p in engine.pairs(codes, values, scale)],
        columns=["first", "second", "n", "same", "kappa", "alpha"],
    )  # fmt: skip
    met = pd.DataFrame(engine.coincidences(counted), index=list(levels), columns=list(levels))
    judged = verdict(float(frame["estimate"].iloc[0]))
    return Agreement(frame, pairs, met, scale, judged, Note(note), level)


def verdict(alpha: float) -> str:
    """What an alpha allows: "reliable" (≥ 0.800), "tentative" (≥ 0.667), "unreliable", "undefined".

    Examples
    --------
    >>> verdict(0.81), verdict(0.7), verdict(0.5)
    ('reliable', 'tentative', 'unreliable')
    """
    if np.isnan(alpha):
        return "undefined"
    return "reliable" if alpha >= RELIABLE else "tentative" if alpha >= TENTATIVE else "unreliable"


def coding_sheet(codings: pd.DataFrame, unit: str, coder: str, code: str) -> pd.DataFrame:
    """A coding sheet, a column per coder, from a list with one row per coding.

    Raises
    ------
    DataError
        A column that does not exist, or a coder who coded a unit twice.

    Examples
    --------
    >>> import pandas as pd
    >>> listed = pd.DataFrame({"story": [1, 1, 2], "coder": ["a", "b", "a"], "tone": [2, 2, 1]})
    >>> coding_sheet(listed, "story", "coder", "tone")["b"].tolist()
    [2.0, nan]
    """
    absent = [name for name in (unit, coder, code) if name not in codings.columns]
    if absent:
        raise DataError(f"The codings have no column {', '.join(absent)}.",
                        remedy=f"Name columns among {', '.join(map(str, codings.columns))}.",
                        ar=f"لا يوجد عمود باسم «{'، '.join(absent)}» في جدول الترميز.")  # fmt: skip
    kept = codings.dropna(subset=[unit, coder])
    twice = kept.duplicated([unit, coder])
    if twice.any():
        raise DataError(
            f"{int(twice.sum())} codings repeat a unit for the same coder (the first in row {twice.idxmax()}).",
            remedy="Keep one coding per unit and coder; a second reading is another coder.",
            ar=f"تكرر ترميز الوحدة نفسها من المرمّز نفسه ({int(twice.sum())} مرة)؛ أبقِ ترميزاً واحداً لكل وحدة ومرمّز.",
        )
    made = kept.pivot(index=unit, columns=coder, values=code)
    made.columns = [str(name) for name in made.columns]
    return made


def agreement(
    survey: Survey, coders: Sequence[str], scale: engine.Scale = "nominal",
    by: str | Sequence[str] | None = None, level: float = 0.95,
) -> Estimates:  # fmt: skip
    """Krippendorff's alpha in the population that coded units were sampled from.

    Parameters
    ----------
    survey : Survey
        A sample of units (articles of sampled days and outlets, answers of sampled people) with
        its weights, strata and clusters.
    coders : sequence of str
        The variables that hold each coder's codes.
    scale : {"nominal", "ordinal", "interval", "ratio"}
    by : str or list of str, optional
    level : float

    Returns
    -------
    Estimates
        kind ``"index"``, ``variable`` "alpha". Units with fewer than two codings are missing.
        Their influence on α goes through the design; with replicates α is made again in each.

    Raises
    ------
    EstimationError
        Fewer than two coders, an unknown scale.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> sheet = pd.DataFrame({"w": [1.0, 2.0] * 6, "a": [1, 2, 3] * 4, "b": [1, 2, 3] * 3 + [1, 3, 3]})
    >>> found = mr.Survey(sheet, weights="w").agreement(["a", "b"])
    >>> round(float(found.frame["estimate"].iloc[0]), 3)
    0.92
    """
    names = [coders] if isinstance(coders, str) else list(coders)
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise _two()
    read = [survey.coded(name) for name in names]
    levels = _sorted({level for one in read for level in one.levels})
    place = {code: at for at, code in enumerate(levels)}
    codes = np.column_stack([
        np.array([*(place[code] for code in one.levels), -1], dtype=np.intp)[one.codes] for one in read
    ])  # fmt: skip
    values = _values(levels, scale)
    counted = engine.count(codes, values, scale)
    pairable = (codes >= 0).sum(axis=1) >= 2
    columns = [np.where(pairable, codes[:, j], np.nan) for j in range(codes.shape[1])]

    def answer(weights: np.ndarray, *columns: np.ndarray) -> tuple[float, np.ndarray]:
        part = engine.count(np.column_stack(columns).astype(np.intp), values, scale)
        return engine.derivative(part, weights)

    facts = {"statistic": "Krippendorff's alpha", "scale": scale, "coders": names,
             "pairable_units": len(counted.units)}  # fmt: skip
    asked = survey._answer(names, by, level, extra=facts)
    domains = asked.columns.domains(asked.by)
    result = functional(asked.design, columns, answer, **asked.cells(domains))
    head = domains.keys.assign(variable="alpha")
    found = _wrap(asked, "index", [head], [result], int(result.n_missing.sum()), "wald")
    return shows.with_reading(found)


def _two() -> EstimationError:
    return EstimationError("Agreement needs two coders or more, each named once.",
                           remedy='Name a column per coder: ["coder_1", "coder_2"].',
                           ar="يلزم مرمّزان على الأقل، يُذكر كل منهما مرة واحدة؛ اذكر عموداً لكل مرمّز.")  # fmt: skip


def _coders(codings: pd.DataFrame, coders: Sequence[str] | None) -> list[str]:
    if not isinstance(codings, pd.DataFrame):
        raise DataError(f"Expected a table with a column per coder; found {type(codings).__name__}.",
                        remedy="Pass a pandas DataFrame, or use measurement.coding_sheet on a list of codings.",
                        ar="يلزم جدول فيه عمود لكل مرمّز؛ استعمل measurement.coding_sheet لقائمة الترميزات.")  # fmt: skip
    names = list(codings.columns) if coders is None else [coders] if isinstance(coders, str) else list(coders)
    absent = [name for name in names if name not in codings.columns]
    if absent:
        raise DataError(f"The coding sheet has no column {', '.join(map(str, absent))}.",
                        remedy=f"Name columns among {', '.join(map(str, codings.columns))}.",
                        ar=f"لا يوجد في جدول الترميز عمود باسم «{'، '.join(map(str, absent))}».")  # fmt: skip
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise _two()
    return names


def _check(level: float, draws: int) -> None:
    if not 0 < level < 1:
        raise EstimationError(f"level={level!r} is not a confidence level.",
                              remedy="Give a fraction between 0 and 1, for instance 0.95.",
                              ar="مستوى الثقة كسر بين 0 و1، مثل 0.95.")  # fmt: skip
    if draws < 0 or 0 < draws < 100:
        raise EstimationError(f"draws={draws!r} gives no interval.",
                              remedy="Use 2,000, or 0 for none.",
                              ar="عدد العينات المعادة غير كافٍ؛ استعمل 2000، أو 0 دون فترة.")  # fmt: skip


def _sorted(levels: set[Any]) -> tuple[Any, ...]:
    return tuple(sorted(levels, key=lambda code: (isinstance(code, str), code)))


def _coded(
    codings: pd.DataFrame, names: Sequence[str], scale: str
) -> tuple[np.ndarray, np.ndarray, tuple[Any, ...]]:
    stacked = pd.concat([codings[name].astype(object) for name in names], ignore_index=True)
    levels = _sorted(set(stacked.dropna()))
    place = {code: at for at, code in enumerate(levels)}
    codes = np.array([-1 if pd.isna(code) else place[code] for code in stacked], dtype=np.intp)
    return codes.reshape(len(names), -1).T, _values(levels, scale), levels


def _values(levels: Sequence[Any], scale: str) -> np.ndarray:
    words = [code for code in levels if isinstance(code, str)]
    if words and scale in ("interval", "ratio", "ordinal"):
        raise EstimationError(
            f"Codes such as {words[0]!r} are text; scale={scale!r} needs numbers.",
            remedy="Give each code its number in order, or use scale='nominal'.",
            ar="الرموز نصية وهذا المقياس يحتاج إلى أرقام؛ رقّم الرموز بترتيبها أو استعمل scale='nominal'.",
        )
    return np.arange(len(levels), dtype=float) if words else np.asarray(levels, dtype=float)


def _below(whole: np.ndarray) -> dict[str, float]:
    drawn = whole[np.isfinite(whole)]
    if not drawn.size:
        return {}
    return {"share_of_draws_below_0.800": float(np.mean(drawn < RELIABLE)),
            "share_of_draws_below_0.667": float(np.mean(drawn < TENTATIVE))}  # fmt: skip


def _frame(
    names: Sequence[str], codes: np.ndarray, counted: engine.Codings, levels: Sequence[Any],
    labels: Mapping[Any, Mapping[str, str]] | None, whole: np.ndarray, parts: np.ndarray, level: float,
) -> pd.DataFrame:  # fmt: skip
    units, pairable = len(counted.units), int(counted.sizes.sum())
    rows: list[tuple[Any, ...]] = [
        ("alpha", "", *shows.ALL, engine.alpha(counted), *_ends(whole, level), units, pairable)
    ]
    own = engine.by_category(counted)
    for at, code in enumerate(levels):
        if not counted.counts[:, at].any():
            continue
        words = (labels or {}).get(code, {})
        plain = f"{code:g}" if isinstance(code, float) else str(code)
        holding = int((counted.counts[:, at] > 0).sum())
        ends = _ends(parts[:, at], level) if holding >= LEAST else (np.nan, np.nan)
        rows.append(("category", code, words.get("en") or plain, words.get("ar") or plain, own[at],
                     *ends, holding, int(counted.counts[:, at].sum())))  # fmt: skip
    for at, name in enumerate(names):
        rest = np.delete(codes, at, axis=1)
        if not ((rest >= 0).sum(axis=1) >= 2).any():
            continue
        less = engine.count(rest, counted.values, counted.scale)
        en, ar = (word.format(name) for word in shows.WITHOUT)
        rows.append(("without", name, en, ar, engine.alpha(less), np.nan, np.nan, len(less.units),
                     int(less.sizes.sum())))  # fmt: skip
    met = engine.coincidences(counted)
    rows.append(("percent", "", *shows.PERCENT, float(np.trace(met) / met.sum()), np.nan, np.nan, units, pairable))
    kappa = engine.fleiss(counted)
    if np.isfinite(kappa):
        rows.append(("fleiss", "", *shows.FLEISS, kappa, np.nan, np.nan, units, pairable))
    columns = ["part", "name", "label_en", "label_ar", "estimate", "conf_low", "conf_high", "units", "codings"]
    return pd.DataFrame(rows, columns=columns)


def _ends(drawn: np.ndarray, level: float) -> tuple[float, float]:
    known = drawn[np.isfinite(drawn)]
    if known.size < 100:
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
