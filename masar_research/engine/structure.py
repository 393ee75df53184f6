"""Strata, units and stages of a sample, encoded once for every variance that will be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from masar_research.engine.encode import Codes, combine, encode, listing, name, row_names
from masar_research.errors import DesignError

Floats = NDArray[np.float64]

# Below this (1 − f) a stratum counts as fully sampled, as in R's survey package.
_FULLY_SAMPLED = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """A partition of the rows of a matrix, for sums within groups.

    Parameters
    ----------
    codes : ndarray (n,)
        Group of each row, dense.
    start : ndarray (n_groups,)
        First position of each group once the rows are ordered by group.
    order : ndarray (n,) or None
        Rows ordered by group; None if they already are.
    """

    codes: Codes
    start: Codes
    order: Codes | None

    @classmethod
    def of(cls, codes: Codes) -> Groups:
        """The partition given by dense codes."""
        ordered = bool(np.all(codes[1:] >= codes[:-1]))
        order = None if ordered else np.argsort(codes, kind="stable")
        placed = codes if order is None else codes[order]
        start = np.flatnonzero(np.concatenate([[True], placed[1:] != placed[:-1]]))
        return cls(codes, start, order)

    @property
    def trivial(self) -> bool:
        """Whether every row is a group of its own, in order."""
        return self.order is None and len(self.start) == len(self.codes)

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """(n, m) → (n_groups, m): sums within groups; for booleans, whether any is true."""
        if self.trivial:
            return values
        placed = values if self.order is None else values[self.order]
        operation = np.logical_or if values.dtype == bool else np.add
        return operation.reduceat(placed, self.start, axis=0)


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
class Overlap:
    """PSUs common to two waves, in base strata with at least two of them.

    Parameters
    ----------
    first, second : ndarray (k,)
        Unit of the earlier and of the later wave.
    strata : Groups
        The k pairs by base stratum; pairs are ordered by stratum.
    """

    first: Codes
    second: Codes
    strata: Groups


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Everything about a sample but its weights.

    Parameters
    ----------
    unit : ndarray (n,)
        Unit of the lowest contributing stage, per row.
    n_units, n_strata : int
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
    everyone = np.zeros(n_rows, dtype=np.intp)
    base, base_labels = (everyone, ("",)) if strata is None else encode(strata, "strata", n_rows, rows)
    waves, wave_labels = (everyone, ("",)) if wave is None else encode(wave, "wave", n_rows, rows)
    _check_stages(psu, fpc, wave)
    labels = [encode(stage, f"psu (stage {k})" if len(psu) > 1 else "psu", n_rows, rows)[0] for k, stage in enumerate(psu, 1)]
    first = labels[0] if labels else np.arange(n_rows, dtype=np.intp)

    stratum, (stratum_wave, stratum_base) = combine(waves, base)
    names = tuple(_stratum_name(base_labels, wave_labels, b, w) for w, b in zip(stratum_wave, stratum_base, strict=True))
    psu_code, (psu_stratum, _) = combine(stratum, first) if labels or len(names) > 1 else (first, (everyone, first))
    n_psus = len(psu_stratum)
    size = np.bincount(psu_stratum, minlength=len(names)).astype(float)
    population = _population(fpc[0], stratum, size, names, 1, rows) if fpc else np.full(len(names), np.inf)

    group_code, group_base = None, None
    merged = np.arange(len(names))
    if collapse is not None:
        group_code, _ = encode(collapse, "collapse", n_rows, rows)
        group_base = _group_of(group_code, stratum, names)
        merged = _collapse(group_base, stratum_wave, _is_lonely(size, size / population))
        if len(np.unique(merged)) < len(names):
            rank = np.empty(n_psus, dtype=np.intp)
            order = np.lexsort((np.arange(n_psus), merged[psu_stratum]))
            rank[order] = np.arange(n_psus)
            psu_code, psu_stratum = rank[psu_code], psu_stratum[order]
    psu_final = merged[psu_stratum]
    n_strata = int(psu_final.max()) + 1
    final_names = tuple(" + ".join(names[i] for i in np.flatnonzero(merged == s)[:4]) for s in range(n_strata)) if (
        n_strata < len(names)) else names
    size = np.bincount(psu_final, minlength=n_strata).astype(float)
    population = np.bincount(merged, population, n_strata)

    codes, parents, sizes, fractions = [psu_code], [psu_final], [size], [size / population]
    reached = fractions[0]
    for k, label in enumerate(labels[1:], 2):
        if not np.any(reached > 0):
            break
        code, (parent, _) = combine(codes[-1], label)
        size = np.bincount(parent, minlength=len(parents[-1])).astype(float)
        above = [f"PSU {i + 1} in sorted order" for i in range(len(size))]
        total = _population(fpc[k - 1], codes[-1], size, above, k, rows) if len(fpc) >= k else np.full(len(size), np.inf)
        codes.append(code)
        parents.append(parent)
        sizes.append(size)
        fractions.append(size / total)
        reached = reached[parents[-2]] * fractions[-1]

    stages, lonely_facts = _stages(parents, sizes, fractions, lonely, final_names, base_labels, wave is not None)
    chain = _chain(parents)
    psus = Groups.of(chain[0])
    unit_stratum = psu_final[psus.codes]
    overlaps, common, single = (), {}, 0
    df_psu, df_stratum = psus.codes, unit_stratum
    if wave is not None:
        base_psu, _ = combine(base, first)
        unit_base_psu = _value_of(base_psu, psu_code, n_psus)
        unit_wave = _value_of(waves, psu_code, n_psus)
        unit_base = _value_of(base, psu_code, n_psus)
        unit_group = None if group_code is None else _value_of(group_code, psu_code, n_psus)
        overlaps, common, single = _overlaps(unit_wave, unit_base, unit_base_psu, unit_group, wave_labels)
        df_psu = unit_base_psu
        df_stratum = _linked(unit_stratum, n_strata, overlaps)[unit_stratum]

    facts: dict[str, Any] = {
        "strata": n_strata,
        "strata_declared": strata is not None,
        "psus": n_psus,
        "clustered": bool(labels) and n_psus < n_rows,
        "stages": len(stages),
        "units": len(chain[0]),
        "fpc": bool(fpc),
        "lonely_psu": lonely,
        **lonely_facts,
    }
    if collapse is not None:
        facts["strata_collapsed"] = len(names) - n_strata
    if wave is not None:
        facts["waves"] = {name(w): int(np.sum(unit_wave == i)) for i, w in enumerate(wave_labels)}
        facts["common_psus"] = common
        facts["base_strata_with_one_common_psu"] = single
        facts["wave_covariance"] = (
            "PSUs common to two waves carry covariance within base strata that hold at least two of them; "
            "a stratum with one common PSU contributes none"
        )
    return Structure(
        unit=_locked(codes[-1]), n_units=len(chain[0]), n_strata=n_strata, stages=stages, psus=psus,
        df_psus=Groups.of(_densely(df_psu)), df_strata=Groups.of(_densely(df_stratum)),
        overlaps=overlaps, facts=MappingProxyType(facts),
    )  # fmt: skip


def _check_stages(psu: tuple[ArrayLike, ...], fpc: tuple[ArrayLike, ...], wave: ArrayLike | None) -> None:
    if len(fpc) > max(len(psu), 1):
        raise DesignError(
            f"Expected at most one fpc per stage; found {len(fpc)} for {max(len(psu), 1)} stage(s) of psu.",
            remedy="Give the sampling units of every stage in psu=[…]; the last may be the id of the respondent.",
        )
    if fpc and wave is not None:
        raise DesignError(
            "Finite population corrections and pooled waves were declared together; the covariance "
            "between waves is known here for sampling with replacement only.",
            remedy="Leave out fpc= when pooling waves (slightly conservative), or estimate each wave by itself.",
        )


def _stratum_name(bases: tuple[Any, ...], waves: tuple[Any, ...], base: int, wave: int) -> str:
    stratum = name(bases[base]) if len(bases) > 1 or bases[0] != "" else "the whole sample"
    return stratum if len(waves) == 1 else f"{stratum} (wave {name(waves[wave])})"


def _population(
    given: ArrayLike, parent: Codes, size: Floats, names: Any, stage: int, rows: ArrayLike | None
) -> Floats:
    """(n_parents,) population counts; infinity where sampling is with replacement."""
    values = np.asarray(given, dtype=float)
    if values.shape != parent.shape:
        raise DesignError(
            f"Expected one fpc per row at stage {stage}: {len(parent)} rows, found shape {values.shape}.",
            remedy="Pass the population count of each row's stratum as a column.",
        )
    wrong = ~(values >= 0)
    if wrong.any():
        raise DesignError(
            f"Expected population counts or sampling fractions at stage {stage}; {int(wrong.sum())} are missing "
            f"or negative (rows {row_names(wrong, rows)}).",
            remedy="Complete the fpc column; infinity or a fraction of 0 means sampling with replacement.",
        )
    if np.any(values > 1) and np.any(values < 1):
        raise DesignError(
            f"Expected either population counts or sampling fractions at stage {stage}; found values above and below 1.",
            remedy="Use one kind for all rows of a stage.",
        )
    chosen = _value_of(values, parent, len(size))
    varying = np.unique(parent[chosen[parent] != values])
    if len(varying):
        raise DesignError(
            f"Expected one fpc per stratum at stage {stage}; it varies within {listing([names[i] for i in varying])}.",
            remedy="Give every row of a stratum the population count of that stratum.",
        )
    if not np.any(values > 1):
        with np.errstate(divide="ignore"):
            return np.where(chosen > 0, size / chosen, np.inf)
    small = np.flatnonzero(chosen < size)
    if len(small):
        detail = [f"{names[i]} ({int(size[i])} sampled of {chosen[i]:g})" for i in small[:8]]
        raise DesignError(
            f"The population is smaller than the sample at stage {stage}: {listing(detail)}"
            f"{'' if len(small) <= 8 else f' and {len(small) - 8} more'}.",
            remedy="Check that fpc counts the units of this stage in the population, not people, and that labels match.",
        )
    return chosen


def _is_lonely(size: Floats, fraction: Floats) -> NDArray[np.bool_]:
    return (size == 1) & (1 - fraction >= _FULLY_SAMPLED)


def _stages(
    parents: list[Codes], sizes: list[Floats], fractions: list[Floats], lonely: str,
    names: tuple[str, ...], bases: tuple[Any, ...], waves: bool,
) -> tuple[tuple[Stage, ...], dict[str, Any]]:  # fmt: skip
    chain = _chain(parents)
    stages, facts = [], {"lonely_strata": ()}
    above = np.ones(len(sizes[0]))
    for k, (parent, size, fraction) in enumerate(zip(parents, sizes, fractions, strict=True)):
        if k:
            above = above[parents[k - 1]] * fractions[k - 1][parents[k - 1]]
        alone = _is_lonely(size, fraction) & (above > 0)
        if alone.any():
            found = [names[i] for i in np.flatnonzero(alone)] if k == 0 else [f"unit {i + 1}" for i in np.flatnonzero(alone)]
            if lonely == "raise" or lonely == "collapse":
                raise _lonely_error(found, k + 1, lonely)
            if k == 0:
                facts["lonely_strata"] = tuple(found)
            else:
                facts[f"lonely_units_stage_{k}"] = len(found)
        factor = above * (1 - fraction) * size / np.maximum(size - 1, 1)
        if lonely == "scale" and alone.any():
            if alone.all():
                raise _lonely_error(found, k + 1, lonely)
            factor = factor * (len(size) / np.sum(~alone))
        if lonely != "centre":
            factor = np.where(alone, 0.0, factor)
        factor = np.where(1 - fraction < _FULLY_SAMPLED, 0.0, factor)
        centred = ~alone if lonely == "centre" else np.ones(len(size), dtype=bool)
        stages.append(Stage(Groups.of(chain[k]), Groups.of(parent), size, factor, centred))
    return tuple(stages), facts


def _lonely_error(found: list[str], stage: int, lonely: str) -> DesignError:
    where = "strata" if stage == 1 else "parent units"
    if lonely == "scale":
        return DesignError(
            f"Every one of the {len(found)} {where} at stage {stage} holds a single unit; there is no average to take.",
            remedy='Choose lonely_psu="centre" or merge strata with lonely_psu="collapse".',
        )
    after = " after collapsing" if lonely == "collapse" else ""
    return DesignError(
        f"Expected at least two PSUs in every stratum; {len(found)} {where} hold one at stage {stage}{after}: "
        f"{listing(found)}. Their variance cannot be estimated from the sample.",
        remedy='Choose a rule: lonely_psu="collapse" with collapse= a variable that says which strata merge, '
        '"centre", "scale", "certainty" (the unit was sure to be sampled) or "remove".',
        ar=f"طبقات فيها وحدة معاينة أولية واحدة فقط: {listing(found)}. اختر قاعدة في lonely_psu.",
    )


def _chain(parents: list[Codes]) -> list[Codes]:
    """Lowest units → units of each stage, stage 1 first."""
    lowest = np.arange(len(parents[-1]), dtype=np.intp)
    chain = [lowest]
    for parent in reversed(parents[1:]):
        chain.insert(0, parent[chain[0]])
    return chain


def _value_of(values: NDArray[Any], codes: Codes, n_codes: int) -> NDArray[Any]:
    """The value of one row (the first) for each code."""
    out = np.zeros(n_codes, dtype=values.dtype)
    out[codes[::-1]] = values[::-1]
    return out


def _group_of(group: Codes, stratum: Codes, names: tuple[str, ...]) -> Codes:
    chosen = _value_of(group, stratum, len(names))
    varying = np.unique(stratum[chosen[stratum] != group])
    if len(varying):
        raise DesignError(
            f"Expected one value of collapse= per stratum; it varies within {listing([names[i] for i in varying])}.",
            remedy="Choose a variable that is constant within strata, such as the governorate.",
        )
    return chosen


def _collapse(group: Codes, wave: Codes, lonely: NDArray[np.bool_]) -> Codes:
    """Final stratum of each declared stratum: groups that hold a lonely stratum become one."""
    cell, _ = combine(wave, group)
    touched = np.bincount(cell, lonely) > 0
    own = np.arange(len(group)) + int(cell.max()) + 1
    return combine(wave, np.where(touched[cell], cell, own))[0]


def _overlaps(
    wave: Codes, stratum: Codes, psu: Codes, group: Codes | None, labels: tuple[Any, ...]
) -> tuple[tuple[Overlap, ...], dict[str, int], int]:
    """Pairs of units of two waves that are the same PSU; arguments per unit, shape (n_units,)."""
    overlaps, common, single = [], {}, 0
    for a in range(len(labels)):
        for b in range(a + 1, len(labels)):
            first, second = np.flatnonzero(wave == a), np.flatnonzero(wave == b)
            shared, i, j = np.intersect1d(psu[first], psu[second], return_indices=True)
            first, second = first[i], second[j]
            common[f"{name(labels[a])}–{name(labels[b])}"] = len(shared)
            where = stratum[first]
            if group is not None and len(where):
                lonely = (np.bincount(where) == 1)[where]
                cell = group[first]
                touched = np.bincount(cell, lonely) > 0
                where = np.where(touched[cell], cell, stratum.max() + 1 + where)
            if len(where):
                several = np.bincount(where)[where] >= 2
                single += int(np.sum(~several))
                first, second, where = first[several], second[several], where[several]
            if len(where):
                order = np.argsort(where, kind="stable")
                overlaps.append(Overlap(first[order], second[order], Groups.of(_densely(where[order]))))
    return tuple(overlaps), common, single


def _linked(stratum: Codes, n_strata: int, overlaps: tuple[Overlap, ...]) -> Codes:
    """(n_strata,) component of each variance stratum, waves joined where they share PSUs."""
    if not overlaps:
        return np.arange(n_strata, dtype=np.intp)
    i = np.concatenate([stratum[o.first] for o in overlaps])
    j = np.concatenate([stratum[o.second] for o in overlaps])
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(n_strata, n_strata))
    return connected_components(graph, directed=False)[1].astype(np.intp)


def _densely(codes: NDArray[Any]) -> Codes:
    return combine(codes.astype(np.intp))[0]


def _locked(codes: Codes) -> Codes:
    codes = np.ascontiguousarray(codes, dtype=np.intp)
    codes.flags.writeable = False
    return codes
