"""Declaring the second phase of a two-phase sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from masar_research.engine.design import LONELY_RULES, Design, LonelyRule
from masar_research.engine.encode import Codes, combine, encode, listing, name, row_names
from masar_research.engine.groups import Groups, dense, first_value
from masar_research.engine.structure import Stage, Structure, build
from masar_research.engine.two_phase import (
    METHODS,
    Method,
    PhasedStructure,
    Phases,
    Predictor,
    cross,
    onto,
    poisson,
    share_of_first,
)
from masar_research.errors import DesignError

Floats = NDArray[np.float64]

# Second-phase units from which a stratum predicts by a mean of its own.
_ENOUGH = 10


@dataclass(frozen=True, slots=True, eq=False)
class _Second:
    """The second phase over its k rows: unit and probability of each, and what units belong to.

    `cell` (n,) is the stratum of every row of the first phase, 0 where strata are not known for all.
    """

    unit: Codes
    probability: Floats
    stages: tuple[Stage, ...]
    psu: Codes
    stratum: Codes
    facts: dict[str, Any]
    cell: Codes


def subsample(
    first: Design,
    sampled: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    psu: Sequence[ArrayLike] = (),
    fpc: Sequence[ArrayLike] = (),
    lonely_psu: LonelyRule = "raise",
    method: Method = "difference",
    first_strata: ArrayLike | None = None,
) -> Design:
    """A second phase drawn by (stratified, staged) simple random sampling from the first.

    Parameters
    ----------
    first : Design
        The whole first phase, n rows, under its own weights.
    sampled : array_like of bool (n,)
        Rows in the second phase.
    strata : array_like (n,), optional
        Second-phase strata; they may follow from what the first phase found.
    psu : sequence of array_like (n,)
        Second-phase units, one array per stage; none means rows. Labels are nested in the
        strata of both phases.
    fpc : sequence of array_like (n,)
        Per stage, first-phase units in the second-phase stratum (in the parent unit at lower
        stages), or sampling fractions. Without it they are counted in the first phase, whose
        rows must then all have `strata` and `psu`.
    lonely_psu : {"raise", "centre", "scale", "certainty", "remove"}
        For strata with one unit in the second phase, as in :func:`declare`.
    method : {"difference", "full", "approx"}
        See :meth:`masar_research.engine.two_phase.Phases.parts`.
    first_strata : array_like (n,), optional
        The strata of the first phase, as they were declared.

    Returns
    -------
    Design
        Weights are first-phase weights over second-phase probabilities, 0 outside the second
        phase; no row is left out.

    Raises
    ------
    DesignError
        Rows of the second phase that are not in the first; strata without a sampled unit, or
        with one under "raise"; units that are only partly in the second phase; labels missing.

    References
    ----------
    Särndal, Swensson and Wretman (1992), ch. 9; Lumley (2010), *Complex Surveys*, ch. 8.

    Examples
    --------
    >>> from masar_research.engine import covariance, declare, mean
    >>> first = declare([10.0] * 6, fpc=[60] * 6)
    >>> both = subsample(first, [True, True, False, True, True, False], strata=[1, 1, 1, 2, 2, 2])
    >>> both.weights.tolist()
    [15.0, 15.0, 0.0, 15.0, 15.0, 0.0]
    >>> found = mean(both, [1.0, 3.0, float("nan"), 5.0, 9.0, float("nan")])
    >>> float(found.estimate[0]), round(float(covariance(both, found.totals)[0, 0]), 6)
    (4.5, 2.066667)
    """
    if lonely_psu not in LONELY_RULES or lonely_psu == "collapse":
        raise DesignError(
            f"lonely_psu={lonely_psu!r} is not a rule for strata of a second phase.",
            remedy=f"Choose one of {', '.join(rule for rule in LONELY_RULES if rule != 'collapse')}.",
        )
    _known_method(method, METHODS)
    inside = _checked(first, sampled)
    rows = np.flatnonzero(inside)
    if fpc:
        if len(fpc) != max(len(psu), 1):
            raise DesignError(
                f"Expected one fpc per stage of the second phase; found {len(fpc)} for "
                f"{max(len(psu), 1)} stage(s).",
                remedy="Give the population counts of every stage, or none: they are then counted "
                "in the first phase.",
            )
        known = rows
    else:
        known = np.flatnonzero(first.weights > 0)
    levels = _levels(known, first, strata, psu, first_strata)
    place = np.searchsorted(known, rows)
    if not fpc:
        fpc = _counted(levels, inside[known], first.n_rows, known)
    structure = _built(rows, first, strata, [level.code[place] for level in levels[1:]] if psu else [],
                       fpc, lonely_psu)  # fmt: skip
    probability = _probability(fpc, [level.code[place] for level in levels], rows)
    psus, strata_codes = structure.psus.codes, structure.df_strata.codes
    cell = np.zeros(first.n_rows, dtype=np.intp)
    if len(known) > len(rows):
        cell[known] = levels[0].code
    said = structure.facts
    facts = {
        "phase_two": {"en": "simple random sampling", "ar": "معاينة عشوائية بسيطة"}
        if strata is None
        else {"en": "stratified simple random sampling", "ar": "معاينة عشوائية طبقية"},
        "phase_two_strata": said["strata"], "phase_two_units": said["psus"],
        "phase_two_lonely": said["lonely_psu"], "phase_two_lonely_strata": said["lonely_strata"],
    }  # fmt: skip
    second = _Second(
        structure.unit, probability, structure.stages, psus, strata_codes, facts, cell
    )
    return _joined(first, inside, second, method)


def independent_subsample(
    first: Design,
    sampled: ArrayLike,
    probability: ArrayLike,
    *,
    psu: ArrayLike | None = None,
    first_strata: ArrayLike | None = None,
    bernoulli: bool = False,
    method: Method = "difference",
) -> Design:
    """A second phase in which every unit was drawn by itself with a probability of its own.

    Parameters
    ----------
    first, sampled, first_strata
        As for :func:`subsample`.
    probability : array_like (n,)
        Probability of the unit to enter the second phase, above 0 and at most 1; needed where
        `sampled`.
    psu : array_like (n,), optional
        Units that were drawn as one; none means rows.
    bernoulli : bool
        Whether all have the same probability, for the note.
    method : {"difference", "full"}

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        As :func:`subsample`; probabilities that are missing, not in (0, 1], or different within a
        unit.

    Examples
    --------
    >>> from masar_research.engine import declare
    >>> first = declare([2.0, 2.0, 2.0])
    >>> independent_subsample(first, [True, True, False], [0.5, 1.0, 0.5]).weights.tolist()
    [4.0, 2.0, 0.0]
    """
    _known_method(method, ("difference", "full"))
    inside = _checked(first, sampled)
    rows = np.flatnonzero(inside)
    values = np.asarray(probability, dtype=float)
    if values.shape != (first.n_rows,):
        raise DesignError(
            f"Expected {first.n_rows} second-phase probabilities, one per row; found {values.shape}.",
            remedy="Pass the probability of each row's unit as a column.",
        )
    values = values[rows]
    wrong = ~((values > 0) & (values <= 1))
    if wrong.any():
        where = np.zeros(first.n_rows, dtype=bool)
        where[rows[wrong]] = True
        raise DesignError(
            "Expected second-phase probabilities above 0 and at most 1; "
            f"{int(wrong.sum())} are missing or outside (rows {row_names(where, None)}).",
            remedy="Complete the column for all rows of the second phase.",
            ar="احتمالات المرحلة الثانية ناقصة أو خارج المجال (0، 1]؛ أكمل العمود لكل سجلاتها.",
        )
    unit = np.arange(len(rows), dtype=np.intp)
    if psu is not None:
        known = np.flatnonzero(first.weights > 0)
        levels = _levels(known, first, None, [psu], first_strata)
        _whole(levels[1].code, inside[known])
        unit = dense(levels[1].code[np.searchsorted(known, rows)])
    each = first_value(values, unit, int(unit.max()) + 1)
    if np.any(each[unit] != values):
        raise DesignError(
            "Expected one second-phase probability per unit; it varies within "
            f"{len(np.unique(unit[each[unit] != values]))} of them.",
            remedy="Give every row of a unit the probability of the unit.",
        )
    facts = {
        "phase_two": {"en": "Bernoulli sampling", "ar": "معاينة برنولي"}
        if bernoulli
        else {"en": "Poisson sampling", "ar": "معاينة بواسون"},
        "phase_two_strata": 1, "phase_two_units": len(each),
    }  # fmt: skip
    stage = poisson(np.arange(len(each), dtype=np.intp), each)
    second = _Second(
        unit, values, (stage,), np.arange(len(each), dtype=np.intp),
        np.zeros(len(each), dtype=np.intp), facts, np.zeros(first.n_rows, dtype=np.intp),
    )  # fmt: skip
    return _joined(first, inside, second, method)


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """Second-phase unit of each row that may be drawn, and the parent and label of each unit."""

    code: Codes
    parent: Codes
    label: tuple[str, ...]


def _known_method(method: str, known: tuple[str, ...]) -> None:
    if method not in known:
        raise DesignError(
            f"method={method!r} is not a method for the variance of this two-phase sample.",
            remedy=f"Choose one of {', '.join(known)}.",
        )


def _checked(first: Design, sampled: ArrayLike) -> NDArray[np.bool_]:
    """(n,) bool rows of the second phase, of a first phase that can have one."""
    for wrong, what, ar in (
        (first.replicates is not None, "given replicate weights", "أوزان مكررة معطاة"),
        ("waves" in first.structure.facts, "pooled waves", "جولات مجموعة"),
        (first.phases is not None, "a second phase already", "مرحلة ثانية من قبل"),
    ):
        if wrong:
            raise DesignError(
                f"A second phase was declared for a survey with {what}.",
                remedy="Declare the strata, PSUs and weights of one first phase, "
                "a single wave, and one second phase.",
                ar=f"لا تُعلن مرحلة ثانية لمسح له {ar}؛ أعلن مرحلة أولى واحدة بطبقاتها ووحداتها وأوزانها.",
            )
    inside = np.asarray(sampled)
    if inside.shape != (first.n_rows,) or inside.dtype != bool:
        raise DesignError(
            f"Expected {first.n_rows} times True or False for the second phase; "
            f"found {inside.dtype} of shape {inside.shape}.",
            remedy="Say for every row of the first phase whether it is in the second.",
        )
    stray = inside & (first.weights == 0)
    if stray.any():
        raise DesignError(
            f"{int(stray.sum())} rows are in the second phase but have no weight in the first "
            f"(rows {row_names(stray, None)}).",
            remedy="A second phase is drawn from the first: correct the weight or the condition.",
            ar="سجلات في المرحلة الثانية لا وزن لها في الأولى؛ صحّح الوزن أو الشرط.",
        )
    if not inside.any():
        raise DesignError(
            "No row is in the second phase.",
            remedy="Check the condition that says which rows are.",
            ar="لا سجل في المرحلة الثانية؛ راجع الشرط الذي يحددها.",
        )
    return inside


def _levels(
    known: Codes, first: Design, strata: ArrayLike | None, psu: Sequence[ArrayLike],
    first_strata: ArrayLike | None,
) -> list[_Level]:  # fmt: skip
    """Strata, then the units of each stage (the rows, without any), over the rows `known`."""
    n = len(known)
    if strata is None:
        level = _Level(np.zeros(n, dtype=np.intp), np.zeros(1, np.intp), ("the first phase",))
    else:
        codes, labels = _encoded(strata, "strata", known, first.n_rows)
        level = _Level(codes, np.arange(len(labels)), tuple(name(label) for label in labels))
    out = [level]
    outer = np.zeros(n, dtype=np.intp)
    if first_strata is not None and psu:
        outer, _ = _encoded(first_strata, "strata of the first phase", known, first.n_rows)
    for stage, labels_of in enumerate(psu, 1):
        found, labels = _encoded(labels_of, f"psu (stage {stage})", known, first.n_rows)
        code, (parent, _, own) = combine(out[-1].code, outer, found)
        out.append(_Level(code, parent, tuple(name(labels[i]) for i in own.tolist())))
        outer = np.zeros(n, dtype=np.intp)
    if not psu:
        out.append(_Level(np.arange(n), out[0].code, ()))
    elif first.structure.facts["clustered"]:
        _uncrossed(first.structure.psus.codes[first.unit[known]], out[1])
    return out


def _encoded(labels: ArrayLike, what: str, known: Codes, n: int) -> tuple[Codes, tuple[Any, ...]]:
    values = np.asarray(labels)
    if values.shape != (n,):
        raise DesignError(
            f"Expected one label per row for {what} of the second phase: {n} rows, "
            f"found an array of shape {values.shape}.",
            remedy="Pass it as a column of the same frame as the weights.",
        )
    try:
        return encode(values[known], what, len(known), known)
    except DesignError as error:
        raise DesignError(
            f"Second phase: {error.what}",
            remedy="Its strata and units must be known for the whole first phase, from which it was "
            "drawn; where they are not, give the first phase's counts of units in fpc=.",
            ar="طبقات المرحلة الثانية ووحداتها غير معروفة لكل سجلات المرحلة الأولى؛ أكملها أو أعطِ fpc.",
        ) from error


def _uncrossed(first_psu: Codes, level: _Level) -> None:
    """Raise where a label stands for units of different PSUs of the first phase."""
    _, (unit, psu) = combine(level.code, first_psu)
    spread = np.bincount(unit)[unit] > 1
    several = np.bincount(psu)[psu] > 1
    bad = np.unique(unit[spread & several])
    if len(bad):
        raise DesignError(
            f"{len(bad)} units of the second phase lie in several PSUs of the first that hold other "
            f"units too: {listing([level.label[i] for i in bad.tolist()])}.",
            remedy="Labels that repeat from PSU to PSU need an id of their own, for instance PSU and "
            "household number together.",
            ar="أرقام وحدات المرحلة الثانية مكررة بين وحدات المعاينة الأولية؛ أعطِ كل وحدة رقماً خاصاً بها.",
        )


def _counted(
    levels: list[_Level], inside: NDArray[np.bool_], n_rows: int, known: Codes
) -> list[Floats]:
    """Per stage, the first-phase units in the parent of each row (n_rows,)."""
    out = []
    for stage, level in enumerate(levels[1:], 1):
        drawn = np.bincount(level.code, inside, len(level.parent)) > 0
        if stage == 1:
            empty = np.flatnonzero(np.bincount(level.parent, drawn) == 0)
            if len(empty):
                names = listing([levels[0].label[i] for i in empty.tolist()])
                raise DesignError(
                    f"{len(empty)} strata of the second phase have no row in it: {names}.",
                    remedy="Merge them with strata that were sampled; whom the second phase could not "
                    "reach it cannot speak for.",
                    ar=f"طبقات بلا أي سجل في المرحلة الثانية: {names}؛ ادمجها مع طبقات أخرى.",
                )
        counts = np.full(n_rows, np.nan)
        counts[known] = np.bincount(level.parent)[level.parent[level.code]]
        out.append(counts)
    _whole(levels[-1].code, inside)
    return out


def _whole(code: Codes, inside: NDArray[np.bool_]) -> None:
    share = np.bincount(code, inside) / np.bincount(code)
    partly = int(np.count_nonzero((share > 0) & (share < 1)))
    if partly:
        raise DesignError(
            f"{partly} units of the second phase are in it with some of their rows only.",
            remedy="Declare the stage below as well, psu=[unit, row id], or correct the condition. A row "
            "without an answer is in the second phase, with a missing outcome.",
            ar="وحدات دخلت المرحلة الثانية ببعض سجلاتها فقط؛ أعلن مرحلة المعاينة داخلها أو صحّح الشرط.",
        )


def _built(
    rows: Codes, first: Design, strata: ArrayLike | None, psu: list[Codes],
    fpc: Sequence[ArrayLike], lonely_psu: LonelyRule,
) -> Structure:  # fmt: skip
    try:
        return build(
            len(rows), strata=None if strata is None else np.asarray(strata)[rows],
            psu=tuple(psu), fpc=tuple(np.asarray(each)[rows] for each in fpc), lonely=lonely_psu,
            wave=None, collapse=None, rows=rows,
        )  # fmt: skip
    except DesignError as error:
        raise DesignError(f"Second phase: {error.what}", remedy=error.remedy, ar=error.ar) from error


def _probability(fpc: Sequence[ArrayLike], codes: list[Codes], rows: Codes) -> Floats:
    """(k,) product over the stages of units drawn / units there."""
    out = np.ones(len(rows))
    for stage, given in enumerate(fpc, 1):
        values = np.asarray(given, dtype=float)[rows]
        if np.any(values > 1):
            code, (parent, _) = combine(codes[stage - 1], codes[stage])
            values = np.bincount(parent)[parent[code]] / values
        out *= values
    if not np.all(out > 0):
        raise DesignError(
            "Expected sampling fractions of the second phase above 0.",
            remedy="Give the number of first-phase units of each stratum; a second phase is drawn "
            "without replacement.",
        )
    return out


def _joined(first: Design, inside: NDArray[np.bool_], second: _Second, method: Method) -> Design:
    """Both phases over units that both can see."""
    rows = np.flatnonzero(inside)
    upper = first.structure
    code, (one, two) = combine(first.unit[rows], second.unit)
    # Rows outside the second phase have weight 0: whichever unit they sit in, they add nothing.
    unit = np.zeros(first.n_rows, dtype=np.intp)
    unit[rows] = code
    unit.flags.writeable = False
    first_stages = tuple(onto(stage, one) for stage in upper.stages)
    second_stages = tuple(onto(stage, two) for stage in second.stages)
    shares = None
    if method == "approx":
        if len(first_stages) > 1:
            raise DesignError(
                "method='approx' knows one stage of sampling in the first phase; here lower stages "
                "with an fpc add to the variance.",
                remedy="Use method='full', or leave the fpc of the lower stages out.",
                ar="الطريقة approx لمرحلة معاينة واحدة في الطور الأول؛ استخدم full.",
            )
        shares = share_of_first(first_stages[0], first_value(second.probability, code, len(one)))
    predictor = _predictor(first, second.cell, rows, code, one) if method == "difference" else None
    first_psu, seen = np.unique(upper.psus.codes[one], return_inverse=True)
    facts = {
        **upper.facts, "units": len(one), "phase_one_rows": int(np.count_nonzero(first.weights)),
        "phase_two_rows": len(rows), **second.facts, "phase_method": method,
    }  # fmt: skip
    structure = PhasedStructure(
        unit=unit, n_units=len(one), n_strata=upper.n_strata,
        unit_sizes=np.bincount(unit, minlength=len(one)), stages=(),
        psus=Groups.of(seen.astype(np.intp)), df_psus=Groups.of(dense(second.psu[two])),
        df_strata=Groups.of(dense(second.stratum[two])), overlaps=(), facts=facts,
        beside_psus=Groups.of(dense(upper.df_psus.codes[one])),
        beside_strata=Groups.of(dense(upper.df_strata.codes[one])),
        first_psu=first_psu, n_first_psus=int(upper.psus.codes.max()) + 1,
    )  # fmt: skip
    phases = Phases(
        first_stages, second_stages, cross(first_stages, second_stages) if shares is None else (),
        predictor, shares, inside, method, first,
    )  # fmt: skip
    weights = np.zeros(first.n_rows)
    weights[rows] = first.weights[rows] / second.probability
    return replace(first, structure=structure, phases=phases).reweight(weights)


def _predictor(first: Design, cell: Codes, rows: Codes, code: Codes, one: Codes) -> Predictor:
    """The predictor over the units of the design: `code` of each of `rows`, `one` in the first phase.

    A prediction is free and its errors are corrected, but the mean of few units follows its own
    errors: strata with fewer than `_ENOUGH` units share one. A unit counts in the stratum of its
    first row.
    """
    few = np.bincount(first_value(cell[rows], code, len(one)), minlength=int(cell.max()) + 1) < _ENOUGH
    cell = combine(np.where(few[cell], 0, cell + 1))[0]
    seen, first_unit = np.unique(one, return_inverse=True)
    n_cells = int(cell.max()) + 1
    place = (first.weights, (first.unit, cell))
    weights = sparse.coo_array(place, shape=(first.n_units, n_cells)).tocsr()
    of_unit = first_value(cell[rows], code, len(one))
    present, of_unit = np.unique(of_unit, return_inverse=True)
    return Predictor(
        Groups.of(of_unit.astype(np.intp)), Groups.of(first_unit.astype(np.intp)), seen,
        sparse.csr_array(weights[:, present]),
    )  # fmt: skip
