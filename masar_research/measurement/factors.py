"""How many things items measure, and which: `survey.factors`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from masar_research.engine import factoring as engine
from masar_research.engine.factoring import Rotation
from masar_research.errors import EstimationError
from masar_research.measurement import factors_showing as shows
from masar_research.measurement.polychoric import matrix as matrix_of, ordered
from masar_research.measurement.scales import oriented
from masar_research.measurement.wealth_showing import variable_label
from masar_research.note import Note

if TYPE_CHECKING:
    from masar_research.present import Art
    from masar_research.showing import Shown
    from masar_research.survey import Survey

Correlations = Literal["pearson", "polychoric"]
#: Complete rows factors need.
LEAST = 100


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExploratoryFactors:
    """Exploratory factors of items.

    Attributes
    ----------
    frame : DataFrame
        A row per item: ``item, label_en, label_ar``, loadings ``factor_1`` …, ``communality``,
        ``unique``, ``heywood``.
    correlations : ndarray (k, k)
        Between the factors; the identity after varimax.
    explained : ndarray (k,)
        Share of the items' variance by factor: ``diag(Φ L'L) / p``.
    eigenvalues : DataFrame
        ``factor, eigenvalue, chance`` of the Pearson correlations: where the first is larger the
        factor counts.
    suggested : int
        Factors before the first that chance could have made; 0 where there is none.
    residual : float
        Root mean square of the correlations the factors leave.
    note : Note
    """

    frame: pd.DataFrame
    correlations: np.ndarray
    explained: np.ndarray
    eigenvalues: pd.DataFrame
    suggested: int
    residual: float
    note: Mapping[str, Any]

    @property
    def loadings(self) -> np.ndarray:
        """(p, k), items in the order they were named."""
        return self.frame.filter(like="factor_").to_numpy(float)

    def reading(self, lang: str = "en") -> tuple[str, ...]:
        """Sentences: how many factors, what they explain, items to look at."""
        return shows.reading(self, lang)

    def table(self, lang: str = "en") -> Shown:
        """Loadings, items by the factor they belong to; those below 0.30 are left blank."""
        return shows.table(self, lang)

    def plot(self, lang: str = "en") -> Art:
        """Eigenvalues against those of chance."""
        return shows.plot(self, lang)

    def __repr__(self) -> str:
        return str(self.table("en"))

    def _repr_html_(self) -> str:
        return "".join(self.table(lang)._repr_html_() for lang in ("en", "ar"))


def factors(
    survey: Survey, items: Sequence[str], n: int | None = None, *, rotation: Rotation = "oblimin",
    correlations: Correlations = "pearson", reverse: Sequence[str] = (), seed: int = 1,
) -> ExploratoryFactors:  # fmt: skip
    """Exploratory factor analysis by maximum likelihood on weighted correlations.

    Parameters
    ----------
    survey : Survey
        With its subpopulation, if any; complete rows only, the others are counted.
    items : sequence of str
        Four or more for more than one factor, three for one.
    n : int, optional
        Factors; by default the number parallel analysis suggests (at least one).
    rotation : {"oblimin", "promax", "varimax", "none"}
        The first two let factors correlate.
    correlations : {"pearson", "polychoric"}
        The second for items of few ordered answers.
    reverse : sequence of str
        Items turned around, as in `scale`.
    seed : int
        Of the parallel analysis.

    Returns
    -------
    ExploratoryFactors
        Without standard errors: `confirmatory` gives those.

    Raises
    ------
    EstimationError
        Too many factors, fewer than a hundred complete rows, constant items, an item that is the
        sum of others, polychoric correlations of ±1, an unknown rotation.

    References
    ----------
    Lawley and Maxwell (1971), *Factor Analysis as a Statistical Method*; Horn (1965),
    *Psychometrika* 30; Bernaards and Jennrich (2005), *Educational and Psychological Measurement* 65.

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> rng = np.random.default_rng(1)
    >>> a, b = rng.normal(size=(2, 2000))
    >>> frame = pd.DataFrame({f"q{j}": (a if j < 3 else b) + rng.normal(size=2000) for j in range(6)})
    >>> found = mr.Survey(frame.assign(w=1.0), weights="w").factors([f"q{j}" for j in range(6)])
    >>> found.suggested, found.loadings.argmax(axis=1).tolist() in ([0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0])
    (2, True)
    """
    for name, value, allowed in (("rotation", rotation, get_args(Rotation)), ("correlations", correlations, get_args(Correlations))):
        if value not in allowed:
            raise EstimationError(f"{name}={value!r} is not one of {', '.join(allowed)}.", remedy="Use one of these.",
                                  ar=f"القيمة المعطاة في {name} غير معروفة؛ استعمل إحدى القيم: \u2066{', '.join(allowed)}\u2069.")  # fmt: skip
    columns = np.column_stack((ordered if correlations == "polychoric" else oriented)(survey, items, reverse))
    weights = survey.design.weights
    inside = weights > 0 if survey.mask is None else (weights > 0) & survey.mask
    used = inside & np.isfinite(columns).all(axis=1)
    if used.sum() < LEAST:
        raise EstimationError(
            f"{int(used.sum())} rows have every answer; {LEAST} are needed for factors.",
            remedy="Drop items many did not answer, or use a larger subpopulation.",
            ar=f"عدد من أجابوا عن كل البنود {int(used.sum())}، والمطلوب \u2066{LEAST}\u2069 على الأقل؛ استبعد البنود التي قلّت إجاباتها أو وسّع الفئة.",
        )
    y, w = columns[used], weights[used]
    pearson = _pearson(y, w, items)
    matrix, fixed = (pearson, False) if correlations == "pearson" else engine.smoothed(matrix_of(y, w, items))
    rows = _effective(survey, list(items), used)
    chance = engine.parallel(len(items), rows, np.random.default_rng(seed))
    values = np.linalg.eigvalsh(pearson)[::-1]
    above = values > chance
    suggested = len(items) if above.all() else int(np.argmin(above))
    k = max(min(suggested, engine.most_factors(len(items))), 1) if n is None else n
    raw = engine.extract(matrix, k)
    found = engine.rotate(raw, rotation)
    low = np.tril_indices(len(items), -1)
    residual = float(np.sqrt(np.mean((matrix - raw.loadings @ raw.loadings.T)[low] ** 2)))
    words = [variable_label(survey, item) for item in items]
    frame = pd.DataFrame({
        "item": list(items), "label_en": [one["en"] for one in words], "label_ar": [one["ar"] for one in words],
        **{f"factor_{j + 1}": found.loadings[:, j] for j in range(k)},
        "communality": 1 - found.unique, "unique": found.unique,
        "heywood": found.unique <= engine.LEAST_UNIQUE * (1 + 1e-6),
    })  # fmt: skip
    asked = survey._answer(list(items), None, 0.95)
    note = {
        **{key: asked.note[key] for key in ("weights", "base", "design")}, "items": list(items),
        "reversed": list(reverse), "rows": int(used.sum()), "rows_without_all_answers": int((inside & ~used).sum()),
        "effective_rows": rows, "rotation": rotation, "correlations": correlations, "smoothed": fixed, "seed": seed,
        "asked": n,
    }  # fmt: skip
    explained = np.diag(found.correlations @ found.loadings.T @ found.loadings) / len(items)
    eigenvalues = pd.DataFrame({"factor": np.arange(1, len(items) + 1), "eigenvalue": values, "chance": chance})
    return ExploratoryFactors(frame, found.correlations, explained, eigenvalues, suggested, residual, Note(note))


def _pearson(y: np.ndarray, w: np.ndarray, items: Sequence[str]) -> np.ndarray:
    z = y - w @ y / w.sum()
    covariance = (z * w[:, None]).T @ z / w.sum()
    spread = np.sqrt(np.diag(covariance))
    if not (spread > 0).all():
        flat = items[int(np.argmin(spread))]
        raise EstimationError(f"{flat!r} does not vary among those who answered every item.", remedy="Leave it out.",
                              ar=f"البند «{flat}» لا يتغيّر بين من أجابوا عن كل البنود؛ استبعده.")  # fmt: skip
    matrix = covariance / np.outer(spread, spread)
    if np.linalg.eigvalsh(matrix)[0] < 1e-8:
        raise EstimationError("An item is the sum of others: the correlations are singular.",
                              remedy="Leave out scores made of other items, and one of two equal items.",
                              ar="أحد البنود حصيلة بنود أخرى؛ استبعد الدرجات المجموعة من غيرها والبنود المكررة.")  # fmt: skip
    return matrix


def _effective(survey: Survey, items: list[str], used: np.ndarray) -> int:
    """Complete rows over the median design effect of the items' means (never more than there are)."""
    held = survey.with_columns({f"factor_{k}": np.where(used, survey.values(item), np.nan) for k, item in enumerate(items)})
    effects = held.mean([f"factor_{k}" for k in range(len(items))]).frame["deff"].to_numpy(float)
    known = effects[np.isfinite(effects)]
    return int(used.sum() / max(float(np.median(known)) if len(known) else 1.0, 1.0))
