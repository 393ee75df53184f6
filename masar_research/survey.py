"""`Survey`: data, codebook, design and weight history, never changed in place."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research import expressions, verbs
from masar_research.codebook import Codebook
from masar_research.columns import Columns
from masar_research.engine import design as designs
from masar_research.engine import linearized, replicate_given
from masar_research.errors import DataError, DesignError, EstimationError
from masar_research.estimates import Estimates
from masar_research.history import History
from masar_research.estimating import Answer, answer_count, answer_proportion, answer_statistic, each

if TYPE_CHECKING:
    from masar_research.loading.cards import SurveyCard
    from masar_research.phases import SecondPhase
    from masar_research.replicates import Given

Names = str | Sequence[str]


class Survey:
    """A survey a researcher holds.

    Parameters
    ----------
    frame : pandas.DataFrame, n rows
        One row per person or household; codes stay codes. The survey keeps its own view:
        later changes to `frame` do not reach it.
    weights : str
        Column of weights (≥ 0; zero keeps a row in the design without counting it).
    strata, psu : str or list of str, optional
        Column of strata; column of primary sampling units, or one column per stage.
        PSU labels that repeat across strata are different units.
    fpc : str or list of str, optional
        Column of population counts (or sampling fractions below 1) per stage.
    lonely_psu : {"raise", "centre", "scale", "certainty", "remove", "collapse"}
        What a stratum with a single PSU contributes; part of the design.
    collapse : str, optional
        With ``lonely_psu="collapse"``: column whose values say which strata merge.
    wave : str, optional
        Column of waves when several are pooled: strata and PSU ids are common to the waves,
        each wave keeps its own strata, and shared PSUs carry covariance between waves.
    replicates : replicates.BRR, JK1, JKn, …, optional
        Replicate weights as the producer delivers them; they take the place of strata, psu, fpc
        and wave. Replicates are made from a declared design by `with_replicates`.
    second_phase : phases.Stratified, Poisson or Bernoulli, optional
        Which rows a second phase of sampling drew from the first, and how. The other parameters
        then declare the first phase, and weights are those of both.
    codebook : Codebook, optional
    card : SurveyCard, optional
        The study's declaration, when it was loaded from one.
    checksum : str, optional
        Content checksum of the source.

    Raises
    ------
    DesignError
        Missing, negative or all-zero weights; missing strata or PSUs; a one-PSU stratum under
        the default rule, named with the remedy.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [10, 10, 20, 20], "h": [1, 1, 2, 2], "p": [1, 2, 1, 2],
    ...                       "y": [1.0, 2.0, 3.0, 4.0]})
    >>> survey = mr.Survey(frame, weights="w", strata="h", psu="p")
    >>> float(survey.mean("y").frame["estimate"].iloc[0])
    2.8333333333333335
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        weights: str,
        strata: str | None = None,
        psu: Names | None = None,
        fpc: Names | None = None,
        lonely_psu: str = "raise",
        collapse: str | None = None,
        wave: str | None = None,
        replicates: Given | None = None,
        second_phase: SecondPhase | None = None,
        codebook: Codebook | None = None,
        card: SurveyCard | None = None,
        checksum: str | None = None,
    ) -> None:
        if not isinstance(frame, pd.DataFrame):
            raise DesignError(
                f"Expected a pandas DataFrame, found {type(frame).__name__}.",
                remedy="Read a file with masar_research.read(path).frame, or load a study with masar_research.load(name).",
                ar="يلزم جدول بيانات (DataFrame)؛ اقرأ الملف بالأمر masar_research.read أو حمّل الدراسة بالأمر masar_research.load.",
            )
        self._columns = Columns(frame.copy(deep=False), codebook or Codebook())
        self._mask: np.ndarray | None = None
        self.base: tuple[str, ...] = ()
        self.history = History()
        #: Edited codebook workbooks applied (`codebook.applying.Applied`), in order.
        self.edits: tuple[Any, ...] = ()
        self.card = card
        self.checksum = checksum
        self.weights_name = weights
        stages = [psu] if isinstance(psu, str) else list(psu or [])
        fractions = [fpc] if isinstance(fpc, str) else list(fpc or [])
        self.roles = {
            "weights": weights, "strata": strata, "psu": tuple(stages), "fpc": tuple(fractions),
            "wave": wave,
        }  # fmt: skip
        if replicates is not None:
            self.design = self._given(replicates, lonely_psu, collapse)
        else:
            self.design = designs.declare(
                self._weight_column(weights),
                strata=self._column(strata, "strata"),
                psu=[self._column(name, "psu") for name in stages] or None,
                fpc=[self._column(name, "fpc") for name in fractions] or None,
                lonely_psu=lonely_psu,
                wave=self._column(wave, "wave"),
                collapse=self._column(collapse, "collapse"),
            )
        if second_phase is not None:
            self.design = second_phase.join(self, self.design)
            self.weights_name = f"{weights} / second-phase probability"

    def _weight_column(self, name: str) -> np.ndarray:
        """The weights as numbers; text, dates and complex numbers are none."""
        column = self._column(name, "weights")
        if column.ndim > 1:
            return column
        try:
            if column.dtype.kind != "c":
                return self._columns.values(name)
        except DataError:
            pass
        shown = [value for value in column if isinstance(value, str)] or list(column)
        raise DesignError(
            f"weights={name!r}: expected numbers, found {', '.join(map(repr, shown[:3]))} among them.",
            remedy="Correct these values in the source file, or name the column that holds the weights.",
            ar=f"عمود الأوزان «{name}» يحوي ما ليس رقماً؛ صحّح القيم في الملف أو سمِّ عمود الأوزان الصحيح.",
        )

    def _given(self, kind: Given, lonely_psu: str, collapse: str | None) -> designs.Design:
        """The design that given replicate weights stand for."""
        rule = None if lonely_psu == "raise" else lonely_psu
        asked = {**self.roles, "weights": None, "lonely_psu": rule, "collapse": collapse}
        others = [role for role, value in asked.items() if value]
        if others:
            raise DesignError(
                f"replicates= and {', '.join(others)}= were declared together; replicate weights "
                "already hold strata, units and their corrections.",
                remedy="Leave the others out, or leave replicates= out to linearise.",
            )
        weights = self.roles["weights"]
        names = kind.select(list(self._columns.frame.columns), weights)
        return replicate_given.given(
            self._column(weights, "weights").astype(float),
            [self._column(name, "replicates") for name in names],
            names=names, kind=kind.kind, scale=kind.scale_of(len(names)), rscales=kind.rscales,
            mse=kind.mse, combined=kind.combined,
            facts={} if kind.scale is None else {"scale_from": "the producer"},
        )  # fmt: skip

    def _column(self, name: str | None, role: str) -> np.ndarray | None:
        """A column of the design; a code declared missing is no weight and no unit."""
        if name is None:
            return None
        try:
            raw = self._columns.raw(name)
        except DataError as error:
            raise DesignError(f"{role}={name!r}: {error.what}", remedy=error.remedy) from error
        codes = self._columns.missing_codes(name)
        return pd.Series(raw).mask(pd.Series(raw).isin(list(codes))).to_numpy() if codes else raw

    # --- looking -----------------------------------------------------------------------

    @property
    def frame(self) -> pd.DataFrame:
        """The data; a copy-on-write view, so changing it leaves the survey as it was."""
        return self._columns.frame.copy(deep=False)

    @property
    def codebook(self) -> Codebook:
        return self._columns.codebook

    @property
    def mask(self) -> np.ndarray | None:
        """(n,) bool of the subpopulation, or None for everybody."""
        return self._mask

    def values(self, name: str) -> np.ndarray:
        """(n,) float64 of a variable; NaN where blank or a code declared missing."""
        return self._columns.values(name)

    def coded(self, name: str) -> Any:
        """A variable as dense codes with its levels (`columns.Coded`)."""
        return self._columns.coded(name)

    def truth(self, expression: str) -> np.ndarray:
        """(n,) bool: where an expression is known to be true."""
        parsed = expressions.parse(expression)
        for name in parsed.names:
            self._columns.require(name)
        return expressions.truth(parsed, self._columns.raw, self.codebook.missing_kinds)

    def __len__(self) -> int:
        return self.design.n_rows

    # --- deriving ----------------------------------------------------------------------

    def _derive(self) -> Survey:
        return copy(self)

    def where(self, expression: str) -> Survey:
        """The subpopulation for which `expression` is true.

        Every PSU and every weight stays in the design, so the standard errors are those of a
        domain. Values that are missing make a comparison unknown, and unknown is not true.

        Raises
        ------
        EstimationError
            If nobody in the survey satisfies it.

        Examples
        --------
        >>> import pandas as pd, masar_research as mr
        >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
        ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
        >>> survey = mr.Survey(frame, weights="w")
        >>> survey.where("sex == 2").mean("pay").frame["n"].tolist()
        [2]
        """
        mask = self.truth(expression)
        if self._mask is not None:
            mask = mask & self._mask
        if not mask.any():
            earlier = f" among those where {' and '.join(self.base)}" if self.base else ""
            raise EstimationError(
                f"Nobody in the survey satisfies {expression!r}{earlier}.",
                remedy="Check the codes with survey.codebook['variable'] or survey.frame.",
                ar="لا يوجد في المسح من ينطبق عليه هذا الشرط.",
            )
        derived = self._derive()
        derived._mask = mask
        derived.base = (*self.base, expression)
        return derived

    def with_weights(
        self, weights: np.ndarray, calibration: Any, step: Any, name: str = "weight"
    ) -> Survey:
        """The same survey under other weights, with the step that made them in its history.

        Parameters
        ----------
        weights : ndarray (n,)
        calibration : Residualizer or None
            What the linearised variance must know of the steps behind the weights; None takes
            them as given, also when this survey's own were calibrated.
        step : object
            The step as data; its ``str`` is the line of the history.
        """
        if self._mask is not None:
            raise DesignError(
                f"Weights belong to the whole survey, not to the subpopulation {' and '.join(self.base)!r}.",
                remedy="Weight the survey first, then use .where().",
            )
        derived = self._derive()
        derived.design = self.design.reweight(weights, calibration)
        derived.history = History((*self.history, step))
        derived.weights_name = name
        return derived

    def with_design(self, design: designs.Design) -> Survey:
        """The same survey and weights under another way to its variance."""
        derived = self._derive()
        derived.design = design
        return derived

    def with_columns(self, columns: Mapping[str, Any], *variables: Any) -> Survey:
        """The same survey with further columns (n,) and their codebook entries."""
        frame = self.frame.assign(**columns)
        derived = self._derive()
        derived._columns = Columns(frame, self.codebook.add(*variables))
        return derived

    # --- estimating --------------------------------------------------------------------

    def mean(self, variables: Names, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Weighted means ``Σ w y / Σ w`` by domain, Taylor-linearised.

        Parameters
        ----------
        variables, by : str or list of str
        level : float
            Confidence level of the t interval.

        Returns
        -------
        Estimates
            One row per domain and variable. Rows whose outcome is missing are zero-weighted,
            never dropped, and counted in ``note["missing"]``.

        Examples
        --------
        >>> import pandas as pd, masar_research as mr
        >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
        ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
        >>> survey = mr.Survey(frame, weights="w")
        >>> survey.mean("pay", by="sex").frame["estimate"].tolist()
        [5.0, 3.3333333333333335]
        """
        return answer_statistic(self._answer(variables, by, level), "mean", linearized.means)

    def total(self, variables: Names, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Weighted totals ``Σ w y`` by domain.

        Examples
        --------
        >>> import pandas as pd, masar_research as mr
        >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
        ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
        >>> survey = mr.Survey(frame, weights="w")
        >>> survey.total("pay").frame["estimate"].tolist()
        [25.0]
        """
        return answer_statistic(self._answer(variables, by, level), "total", each(linearized.total))

    def proportion(
        self,
        variables: Names,
        by: Names | None = None,
        level: float = 0.95,
        interval: str = "logit",
    ) -> Estimates:
        """Weighted shares by domain, as fractions.

        A variable coded 0/1 gives the share of ones; any other gives one row per category.

        Parameters
        ----------
        interval : {"logit", "xlogit", "beta", "wilson", "arcsine", "likelihood", "wald"}
            ``beta`` is Korn–Graubard; ``xlogit`` is R's name for what ``logit`` does here, the
            log odds of the share. A share of exactly 0 or 1 has only ``beta`` and ``wald``:
            with any other its row takes the Korn–Graubard interval.

        Examples
        --------
        >>> import pandas as pd, masar_research as mr
        >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
        ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
        >>> survey = mr.Survey(frame, weights="w")
        >>> survey.proportion("works", by="sex").frame["estimate"].round(3).tolist()
        [1.0, 0.667]
        """
        return answer_proportion(self._answer(variables, by, level), interval)

    def ratio(
        self, numerator: str, denominator: str, by: Names | None = None, level: float = 0.95
    ) -> Estimates:
        """Ratios of weighted totals ``Σ w y / Σ w x`` by domain.

        Examples
        --------
        >>> import pandas as pd, masar_research as mr
        >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
        ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
        >>> survey = mr.Survey(frame, weights="w")
        >>> survey.ratio("pay", "works").frame["estimate"].round(3).tolist()
        [5.0]
        """
        below = self.values(denominator)

        def engine(design: Any, values: np.ndarray, **cells: Any) -> Any:
            return linearized.ratio(design, values, below, **cells)

        answer = self._answer(numerator, by, level, extra={"denominator": denominator})
        return answer_statistic(answer, "ratio", each(engine))

    def count(self, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Estimated number of persons in each domain, ``Σ w``.

        Examples
        --------
        >>> import pandas as pd, masar_research as mr
        >>> frame = pd.DataFrame({"w": [1.0, 1.0, 2.0, 2.0], "sex": [1, 2, 1, 2],
        ...                       "works": [1, 0, 1, 1], "pay": [3.0, 2.0, 6.0, 4.0]})
        >>> survey = mr.Survey(frame, weights="w")
        >>> survey.count(by="sex").frame["estimate"].tolist()
        [3.0, 3.0]
        """
        return answer_count(self._answer((), by, level))

    def _answer(
        self, variables: Names, by: Names | None, level: float, extra: Mapping[str, Any] | None = None
    ) -> Answer:
        names = (variables,) if isinstance(variables, str) else tuple(variables)
        domain_names = (by,) if isinstance(by, str) else tuple(by or ())
        if not 0 < level < 1:
            raise EstimationError(
                f"level={level!r} is not a confidence level.",
                remedy="Give a fraction between 0 and 1, for instance 0.95.",
            )
        return Answer(
            columns=self._columns, design=self.design, mask=self._mask, variables=names,
            by=domain_names, level=level,
            note=self.facts() | self._breaks((*names, *domain_names)) | dict(extra or {}),
        )  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """What an estimate's note says of this survey: weights, base, design, steps."""
        return {
            "weights": self.weights_name,
            **self._preset(),
            "base": " and ".join(f"({text})" for text in self.base) if self.base else None,
            "design": self.design.describe(),
            "steps": [str(step) for step in self.history],
            "checksum": self.checksum,
        }

    def _breaks(self, names: Sequence[str]) -> dict[str, Any]:
        """Where the card says that a series is not comparable with earlier waves, if waves are set side by side."""
        if "wave" not in names or not hasattr(self.card, "breaks"):
            return {}
        told = {wave: dict(reason) for wave, reason in self.card.breaks(names).items()}
        return {"breaks": told} if told else {}

    def _preset(self) -> dict[str, str]:
        """The preset by which the card's design was found, as a fact of the note."""
        design = getattr(self.card, "design", None)
        name = getattr(design, "preset", None)
        return {} if name is None else {"preset": f"{name}/{design.variant}"}

    def __repr__(self) -> str:
        base = f" where {' and '.join(self.base)}" if self.base else ""
        title = self.card.title["en"] if self.card else "Survey"
        made = self.design.replicates
        units = (
            f"{self.design.n_units:,} sampling units" if made is None
            else f"{made.number:,} {made.facts['kind']} replicates"
        )  # fmt: skip
        return f"<{title}: {len(self):,} rows, {units}{base}>"

    def _repr_html_(self) -> str:
        facts = self.design.describe()
        rows = []
        if self.card:
            rows.append(("Study · الدراسة", f"{self.card.title['en']} · {self.card.title['ar']}"))
            if self.card.notice:
                rows.append(("Notice · تنبيه", f"{self.card.notice['en']} · {self.card.notice['ar']}"))
        rows += [
            ("Rows, with a weight · السجلات، ذات الوزن", f"{len(self):,}, {facts['rows_with_weight']:,}"),
            ("Strata · الطبقات", f"{facts['strata']:,}" if facts["strata_declared"] else "–"),
            (
                "Sampling units · وحدات المعاينة",
                _units(facts),
            ),
            ("Degrees of freedom · درجات الحرية", f"{facts['df']:,}"),
            ("Weights · الأوزان", self.weights_name),
        ]
        if facts.get("waves"):
            waves = ", ".join(f"{wave}: {units:,}" for wave, units in facts["waves"].items())
            rows.append(("Waves and their units · الجولات ووحداتها", waves))
        if self.base:
            rows.append(("Subpopulation · الفئة", " and ".join(self.base)))
        rows += [(f"Weighting {i} · الترجيح", str(step)) for i, step in enumerate(self.history, 1)]
        body = "".join(
            f"<tr><th style='text-align:start'>{html.escape(key)}</th>"
            f"<td style='text-align:start'>{html.escape(value)}</td></tr>"
            for key, value in rows
        )
        return f"<table class='masar-survey'>{body}</table>"


def _units(facts: Mapping[str, Any]) -> str:
    """Sampling units in words; replicates where they stand for them."""
    made = facts.get("replicates")
    if made is not None:
        return f"{made['number']:,} {made['kind']} replicates · أوزان مكررة"
    return f"{facts['psus']:,}" if facts["clustered"] else "none: errors ignore clustering · غير متوفرة"


verbs.lend(Survey, verbs.SURVEY)
