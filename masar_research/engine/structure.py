"""Strata, units and stages of a sample, encoded once for every variance that will be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masar_research.engine.encode import Codes, combine, encode, listing, name, row_names
from masar_research.engine.groups import Groups, dense, first_value
from masar_research.engine.waves import Overlap, linked, overlapping
from masar_research.errors import DesignError

Floats = NDArray[np.float64]

# Below this (1 − f) a stratum counts as fully sampled, as in R's survey package.
_FULLY_SAMPLED = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One stage of sampling.

    Parameters
    ----------
    units : Groups
        Units of the lowest stage → units of this stage.
    parents : Groups
        Units of this stage → strata (stage 1) or parent units (lower stages).
    size : ndarray (n_parents,)
        Sampled units n per parent.
    factor : ndarray (n_parents,)
        Product of the sampling fractions above × (1 − f) × n / (n − 1).
    centred : ndarray of bool (n_parents,)
        False where a lonely unit is taken as its deviation from zero.
    """

    units: Groups
    parents: Groups
    size: Floats
    factor: Floats
    centred: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Everything about a sample but its weights.

    Parameters
    ----------
    unit : ndarray (n,)
        Unit of the lowest contributing stage, per row.
    n_units, n_strata : int
    unit_sizes : ndarray (n_units,)
        Rows per unit.
    stages : tuple of Stage
        Stages that contribute to the variance.
    psus : Groups
        Units → PSUs (per wave).
    df_psus, df_strata : Groups
        Units → PSUs and strata as they count for degrees of freedom: a PSU kept from wave to
        wave counts once, and waves linked by common PSUs form one stratum.
    overlaps : tuple of Overlap
        Pairs of waves with common PSUs.
    facts : mapping
        Plain facts for the method note.
    """

    unit: Codes
    n_units: int
    n_strata: int
    unit_sizes: Codes
    stages: tuple[Stage, ...]
    psus: Groups
    df_psus: Groups
    df_strata: Groups
    overlaps: tuple[Overlap, ...]
    facts: Mapping[str, Any]

    def psu_sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """(n_units, m) → (n_psus, m)."""
        return self.psus.sums(values)

    def counts(self, present: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """PSUs and strata in which each of m domains has an observation.

        Parameters
        ----------
        present : ndarray of bool (n_units, m)

        Returns
        -------
        psus, strata : ndarray of int (m,)
        """
        psus = self.df_psus.sums(present).sum(axis=0)
        strata = self.df_strata.sums(present).sum(axis=0)
        return psus.astype(np.intp), strata.astype(np.intp)

    def degrees_of_freedom(self, present: NDArray[np.bool_]) -> NDArray[np.intp]:
        """(m,) PSUs minus strata."""
        psus, strata = self.counts(present)
        return psus - strata


def build(
    n_rows: int,
    *,
    strata: ArrayLike | None,
    psu: tuple[ArrayLike, ...],
    fpc: tuple[ArrayLike, ...],
    lonely: str,
    wave: ArrayLike | None,
    collapse: ArrayLike | None,
    rows: ArrayLike | None,
) -> Structure:
    """Encode a sample; arguments as for :func:`masar_research.engine.design.declare`."""
    _check_stages(psu, fpc, wave)
    everyone = np.zeros(n_rows, dtype=np.intp)
    base, base_labels = (
        (everyone, ("",)) if strata is None else encode(strata, "strata", n_rows, rows)
    )
    waves, wave_labels = (everyone, ("",)) if wave is None else encode(wave, "wave", n_rows, rows)
    group = None if collapse is None else encode(collapse, "collapse", n_rows, rows)[0]
    levels = [
        encode(stage, "psu" if len(psu) == 1 else f"psu (stage {k})", n_rows, rows)
        for k, stage in enumerate(psu, 1)
    ]
    first = levels[0][0] if levels else np.arange(n_rows, dtype=np.intp)

    stratum, (stratum_wave, stratum_base) = combine(waves, base)
    names = [
        _stratum_name(base_labels, wave_labels, b, w)
        for w, b in zip(stratum_wave.tolist(), stratum_base.tolist(), strict=True)
    ]
    psu_code, psu_stratum = _nested(stratum, first, len(names), clustered=bool(levels))
    n_psus = len(psu_stratum)
    size = np.bincount(psu_stratum, minlength=len(names)).astype(float)
    population = (
        _population(fpc[0], stratum, size, names.__getitem__, 1, rows)
        if fpc
        else np.full(len(names), np.inf)
    )
    merged = np.arange(len(names), dtype=np.intp)
    if group is not None:
        merged = _collapse(
            _group_of(group, stratum, names), stratum_wave, _is_lonely(size, size / population)
        )
        order = np.lexsort((np.arange(n_psus), merged[psu_stratum]))
        rank = np.empty(n_psus, dtype=np.intp)
        rank[order] = np.arange(n_psus)
        psu_code, psu_stratum = rank[psu_code], merged[psu_stratum[order]]
    n_strata = int(merged.max()) + 1
    size = np.bincount(psu_stratum, minlength=n_strata).astype(float)
    sampling = [
        _Level(psu_code, psu_stratum, size, size / np.bincount(merged, population, n_strata))
    ]
    sampling += _lower(sampling[0], levels, fpc, rows)

    def parent_name(stage: int, parent: int) -> str:
        if stage == 1:
            return " + ".join(names[i] for i in np.flatnonzero(merged == parent))
        row = int(np.argmax(sampling[stage - 2].code == parent))
        places = [names[stratum[row]]] if len(names) > 1 else []
        return " / ".join(
            [*places, *(name(labels[codes[row]]) for codes, labels in levels[: stage - 1])]
        )

    stages, lonely_facts = _stages(sampling, lonely, parent_name)
    psus = Groups.of(_chain(sampling)[0])
    unit_stratum = psu_stratum[psus.codes]
    df_psu, df_stratum, overlaps, wave_facts = psus.codes, unit_stratum, (), {}
    if wave is not None:
        unit_wave, unit_base, df_psu = (
            first_value(codes, psu_code, n_psus) for codes in (waves, base, combine(base, first)[0])
        )
        unit_group = None if group is None else first_value(group, psu_code, n_psus)
        declared = first_value(stratum, psu_code, n_psus)
        sampled = np.bincount(declared, minlength=len(names)).astype(float)
        overlaps, common, single = overlapping(
            unit_wave, unit_base, df_psu, unit_group, wave_labels, sampled[declared],
            population[declared], lambda i: _stratum_name(base_labels, ("",), i, 0),
        )  # fmt: skip
        df_stratum = linked(unit_stratum, n_strata, overlaps)[unit_stratum]
        wave_facts = {
            "waves": {
                name(label): int(np.sum(unit_wave == i)) for i, label in enumerate(wave_labels)
            },
            "common_psus": common,
            "base_strata_with_one_common_psu": single,
        }
    facts = {
        "strata": n_strata,
        "strata_declared": strata is not None,
        "psus": n_psus,
        "clustered": bool(levels) and n_psus < n_rows,
        "stages": len(stages),
        "units": len(psus.codes),
        "fpc": bool(fpc),
        "lonely_psu": lonely,
        "lonely_strata": (),
        **({} if group is None else {"strata_collapsed": len(names) - n_strata}),
        **lonely_facts,
        **wave_facts,
    }
    return Structure(
        unit=_locked(sampling[-1].code), n_units=len(psus.codes), n_strata=n_strata,
        unit_sizes=np.bincount(sampling[-1].code, minlength=len(psus.codes)), stages=stages,
        psus=psus, df_psus=Groups.of(dense(df_psu)), df_strata=Groups.of(dense(df_stratum)),
        overlaps=overlaps, facts=facts,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """Sampling at one stage: unit of each row, parent of each unit; size and fraction per parent."""

    code: Codes
    parent: Codes
    size: Floats
    fraction: Floats


def _nested(outer: Codes, inner: Codes, n_outer: int, *, clustered: bool) -> tuple[Codes, Codes]:
    """Codes of inner within outer, and the outer code of each."""
    if not clustered and n_outer == 1:
        return inner, outer
    code, (parent, _) = combine(outer, inner)
    return code, parent


def _lower(
    first: _Level,
    labels: list[tuple[Codes, tuple[Any, ...]]],
    fpc: tuple[ArrayLike, ...],
    rows: ArrayLike | None,
) -> list[_Level]:
    """Stages below the first, as far down as they contribute to the variance."""
    found, above, reached = [], first, first.fraction
    for stage, (label, _) in enumerate(labels[1:], 2):
        if not np.any(reached > 0):
            break
        code, parent = _nested(above.code, label, len(above.parent), clustered=True)
        size = np.bincount(parent, minlength=len(above.parent)).astype(float)
        population = np.full(len(size), np.inf)
        if len(fpc) >= stage:
            population = _population(
                fpc[stage - 1],
                above.code,
                size,
                lambda i: f"unit {i + 1} of the stage above",
                stage,
                rows,
            )
        level = _Level(code, parent, size, size / population)
        reached = reached[above.parent] * level.fraction
        found.append(level)
        above = level
    return found


def _check_stages(
    psu: tuple[ArrayLike, ...], fpc: tuple[ArrayLike, ...], wave: ArrayLike | None
) -> None:
    if len(fpc) > max(len(psu), 1):
        raise DesignError(
            f"Expected at most one fpc per stage; found {len(fpc)} for {max(len(psu), 1)} stage(s) of psu.",
            remedy="Give the sampling units of every stage in psu=[…]; "
            "the last may be the id of the respondent.",
        )
    if fpc and wave is not None and len(psu) > 1:
        raise DesignError(
            f"Pooled waves were declared with fpc and {len(psu)} stages; the covariance between waves "
            "is known with finite populations for PSUs alone, since lower units may be kept or drawn anew.",
            remedy="Declare the PSUs only: psu= and fpc= of the first stage; or leave out fpc= "
            "(slightly conservative); or estimate each wave by itself.",
            ar="عند جمع الجولات لا يُعرف التغاير بينها مع تصحيح المجتمع المحدود إلا للمرحلة الأولى؛ "
            "أعلن وحدات المعاينة الأولية وحدها، أو اترك fpc، أو قدّر كل جولة على حدة.",
        )


def _stratum_name(bases: tuple[Any, ...], waves: tuple[Any, ...], base: int, wave: int) -> str:
    stratum = name(bases[base]) if len(bases) > 1 or bases[0] != "" else "the whole sample"
    return stratum if len(waves) == 1 else f"{stratum} (wave {name(waves[wave])})"


def _population(
    given: ArrayLike,
    parent: Codes,
    size: Floats,
    named: Callable[[int], str],
    stage: int,
    rows: ArrayLike | None,
) -> Floats:
    """(n_parents,) population counts; infinity where sampling is with replacement."""
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise DesignError(
            f"Expected numbers as fpc at stage {stage}; found text.",
            remedy="Give the population count or the sampling fraction of each row's stratum.",
            ar="تصحيح المجتمع المحدود (fpc) نص لا رقم؛ أعطِ عدد وحدات الطبقة في المجتمع أو نسبة المعاينة.",
        ) from None
    if values.shape != parent.shape:
        raise DesignError(
            f"Expected one fpc per row at stage {stage}: {len(parent)} rows, found shape {values.shape}.",
            remedy="Pass the population count of each row's stratum as a column.",
        )
    wrong = ~(values >= 0)
    if wrong.any():
        raise DesignError(
            f"Expected population counts or sampling fractions at stage {stage}; "
            f"{int(wrong.sum())} are missing "
            f"or negative (rows {row_names(wrong, rows)}).",
            remedy="Complete the fpc column; infinity or a fraction of 0 means sampling with replacement.",
        )
    if np.any(values > 1) and np.any(values < 1):
        raise DesignError(
            f"Expected either population counts or sampling fractions at stage {stage}; "
            "found values above and below 1.",
            remedy="Use one kind for all rows of a stage.",
        )
    chosen = first_value(values, parent, len(size))
    varying = np.unique(parent[chosen[parent] != values])
    if len(varying):
        raise DesignError(
            f"Expected one fpc per stratum at stage {stage}; "
            f"it varies within {listing([named(i) for i in varying.tolist()])}.",
            remedy="Give every row of a stratum the population count of that stratum; units sure to be "
            "sampled make strata of their own, with a fraction of 1.",
            ar="تصحيح المجتمع المحدود يتغيّر داخل الطبقة الواحدة؛ أعطِ كل سجلات الطبقة العدد نفسه، واجعل الوحدات "
            "المؤكدة السحب طبقات مستقلة بنسبة معاينة 1.",
        )
    if not np.any(values > 1):
        with np.errstate(divide="ignore"):
            return np.where(chosen > 0, size / chosen, np.inf)
    small = np.flatnonzero(chosen < size)
    if len(small):
        detail = [
            f"{named(i)} ({int(size[i])} sampled of {chosen[i]:g})" for i in small[:8].tolist()
        ]
        raise DesignError(
            f"The population is smaller than the sample at stage {stage}: {listing(detail)}"
            f"{'' if len(small) <= 8 else f' and {len(small) - 8} more'}.",
            remedy="Check that fpc counts the units of this stage in the population, not people, "
            "and that labels match.",
        )
    return chosen


def _is_lonely(size: Floats, fraction: Floats) -> NDArray[np.bool_]:
    return (size == 1) & (1 - fraction >= _FULLY_SAMPLED)


def _stages(
    levels: list[_Level], lonely: str, parent_name: Callable[[int, int], str]
) -> tuple[tuple[Stage, ...], dict[str, Any]]:
    """What each stage contributes, under the rule for parents with a single unit."""
    chain = _chain(levels)
    stages: list[Stage] = []
    facts: dict[str, Any] = {}
    above = np.ones(len(levels[0].size))
    for stage, level in enumerate(levels, 1):
        if stage > 1:
            upper = levels[stage - 2]
            above = (above * upper.fraction)[upper.parent]
        alone = _is_lonely(level.size, level.fraction) & (above > 0)
        factor = above * (1 - level.fraction) * level.size / np.maximum(level.size - 1, 1)
        factor[1 - level.fraction < _FULLY_SAMPLED] = 0.0
        if alone.any():
            where = np.flatnonzero(alone).tolist()
            found = [parent_name(stage, i) for i in where[:9]] + [""] * (len(where) - 9)
            if lonely in ("raise", "collapse") or (lonely == "scale" and alone.all()):
                raise _lonely_error(found, stage, lonely)
            if stage == 1:
                facts["lonely_strata"] = tuple(parent_name(1, i) for i in where)
            else:
                facts[f"lonely_units_stage_{stage}"] = len(where)
            if lonely == "scale":
                factor *= len(alone) / np.sum(~alone)
            if lonely != "centre":
                factor[alone] = 0.0
        centred = ~alone if lonely == "centre" else np.ones(len(alone), dtype=bool)
        stages.append(
            Stage(Groups.of(chain[stage - 1]), Groups.of(level.parent), level.size, factor, centred)
        )
    return tuple(stages), facts


def _lonely_error(found: list[str], stage: int, lonely: str) -> DesignError:
    what = "strata" if stage == 1 else f"units of stage {stage - 1}"
    if lonely == "scale":
        return DesignError(
            f"All {len(found)} {what} hold a single sampled unit; there is no average variance to give them.",
            remedy='Choose lonely_psu="centre", or merge strata with lonely_psu="collapse".',
        )
    after = " after collapsing" if lonely == "collapse" else ""
    return DesignError(
        f"Expected at least two sampled units in every one of the {what}; {len(found)} hold one{after}: "
        f"{listing(found)}. Their variance cannot be estimated from the sample.",
        remedy='Choose a rule: lonely_psu="collapse" with collapse= a variable that says which strata merge, '
        '"centre", "scale", "certainty" (the unit was sure to be sampled) or "remove".',
        ar=f"طبقات فيها وحدة معاينة واحدة فقط: {listing(found)}. اختر قاعدة في lonely_psu.",
    )


def _chain(levels: list[_Level]) -> list[Codes]:
    """Lowest units → units of each stage, stage 1 first."""
    chain = [np.arange(len(levels[-1].parent), dtype=np.intp)]
    for level in reversed(levels[1:]):
        chain.insert(0, level.parent[chain[0]])
    return chain


def _group_of(group: Codes, stratum: Codes, names: list[str]) -> Codes:
    chosen = first_value(group, stratum, len(names))
    varying = np.unique(stratum[chosen[stratum] != group])
    if len(varying):
        raise DesignError(
            "Expected one value of collapse= per stratum; "
            f"it varies within {listing([names[i] for i in varying.tolist()])}.",
            remedy="Choose a variable that is constant within strata, such as the governorate.",
        )
    return chosen


def _collapse(group: Codes, wave: Codes, lonely: NDArray[np.bool_]) -> Codes:
    """Final stratum of each declared stratum: groups that hold a lonely stratum become one."""
    cell, _ = combine(wave, group)
    touched = np.bincount(cell, lonely) > 0
    own = np.arange(len(group)) + int(cell.max()) + 1
    return combine(wave, np.where(touched[cell], cell, own))[0]


def _locked(codes: Codes) -> Codes:
    codes = np.ascontiguousarray(codes, dtype=np.intp)
    codes.flags.writeable = False
    return codes
