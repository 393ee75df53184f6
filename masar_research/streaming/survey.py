"""`scan` and `StreamedSurvey`: a survey on files larger than memory, with the verbs of `Survey`."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from masar_research import columns, estimating, expressions, verbs
from masar_research.codebook import Codebook
from masar_research.columns import Columns
from masar_research.engine.design import LONELY_RULES, Design
from masar_research.errors import DataError, DesignError, EstimationError
from masar_research.estimates import Estimates, Kind
from masar_research.estimating import Answer
from masar_research.streaming import given as givens
from masar_research.streaming import moments, quantiles, units
from masar_research.streaming.executors import Dask, Executor, Serial
from masar_research.streaming.files import Files, Paths, find
from masar_research.streaming.made import with_made
from masar_research.streaming.moments import Asked, MomentPass, Moments
from masar_research.streaming.passes import Pass, Reweighting
from masar_research.streaming.reweighted import whole_design
from masar_research.streaming.source import Reader, Source, over_frames

if TYPE_CHECKING:
    from distributed import Client

    from masar_research.phases import SecondPhase
    from masar_research.replicates import Given, Replicate

Names = str | Sequence[str]


def scan(
    path: Paths,
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
    client: Client | None = None,
    block_rows: int = 500_000,
) -> StreamedSurvey:
    """Declare a survey on Parquet files that need not fit in memory.

    The files are read in passes, block by block and only the columns a pass needs; the numbers
    are those of `Survey` on the same rows. Declaring takes one pass over weights, strata and
    PSUs.

    Parameters
    ----------
    path : str, Path or list of them
        A Parquet file, several, or a directory with all ``*.parquet`` below it, read in the order
        of their paths. Directories named ``column=value`` add that column.
    weights, strata, psu, fpc, lonely_psu, collapse, wave, replicates, codebook
        As for `Survey`, by the names of columns. Strata, units and their totals are held in
        memory, so `psu` should name the primary units; without it every row is a unit, which
        serves up to a million rows. `replicates` are columns of given replicate weights.
    second_phase : phases.Stratified, Poisson or Bernoulli, optional
        Refused: the variance of both phases needs all rows at once, as `Survey` has them.
    client : distributed.Client, optional
        A Dask cluster whose workers see the files under the same paths. Results are the same to
        the last bit, whatever the number of workers.
    block_rows : int
        Rows in memory at once, in each process.

    Returns
    -------
    StreamedSurvey

    Raises
    ------
    DataError
        No such file, files of different columns, no rows.
    DesignError
        As for `Survey`: weights missing, negative or all zero; missing strata or PSUs; one-PSU
        strata without a rule. A second phase.

    Examples
    --------
    >>> import pathlib, tempfile, pandas as pd, masar_research as mr
    >>> place = pathlib.Path(tempfile.mkdtemp())
    >>> for part, y in enumerate(([1.0, 2.0], [3.0, 4.0]), 1):
    ...     frame = pd.DataFrame({"w": 10 * part, "h": part, "p": [1, 2], "y": y})
    ...     frame.to_parquet(place / f"part_{part}.parquet")
    >>> survey = mr.scan(place, weights="w", strata="h", psu="p")
    >>> float(survey.mean("y").frame["estimate"].iloc[0])
    2.8333333333333335
    """
    if isinstance(block_rows, bool) or not isinstance(block_rows, int) or block_rows < 1:
        raise DataError(
            f"block_rows={block_rows!r} is not a number of rows.",
            remedy="Give a whole number; 500,000 rows of ten columns take about 40 MB.",
        )
    if second_phase is not None:
        raise DesignError(
            "A second phase is not offered on files that are read in passes: the variance of both "
            "phases needs all rows at once.",
            remedy="Read the columns of the design and of the analysis into memory and declare the phase "
            "there: mr.Survey(pandas.read_parquet(path, columns=[...]), ..., second_phase=...).",
            ar="المرحلة الثانية غير متاحة على ملفات تُقرأ على دفعات، لأن تباين المرحلتين يحتاج إلى السجلات كلها معاً. "
            "اقرأ أعمدة التصميم والتحليل إلى الذاكرة وأعلن المرحلة الثانية هناك: "
            "mr.Survey(pandas.read_parquet(path, columns=[...]), ..., second_phase=...).",
        )
    files = find(path, block_rows)
    book = codebook or Codebook()
    executor: Executor = Serial() if client is None else Dask(client)
    roles = _roles(files, weights, strata, psu, fpc, lonely_psu, collapse, wave)
    if replicates is not None:
        source = givens.source(files, roles, replicates, book, executor, block_rows)
        return StreamedSurvey(source, roles)
    names = tuple(dict.fromkeys((weights, *roles.kept)))
    work = partial(
        over_frames, partial(_learn, roles), partial(_grow, roles), book, names, block_rows
    )
    skeleton = executor.reduce(files.pieces, work, partial(_grow, roles), "Design")
    units.check(skeleton, roles)
    index, design = units.index(skeleton, roles, files.n_rows)
    return StreamedSurvey(Source(files, Reader(weights, book, index, block_rows), executor, design), roles)


def _roles(
    files: Files, weights: str, strata: str | None, psu: Names | None, fpc: Names | None,
    lonely_psu: str, collapse: str | None, wave: str | None,
) -> units.Roles:  # fmt: skip
    stages = (psu,) if isinstance(psu, str) else tuple(psu or ())
    fractions = (fpc,) if isinstance(fpc, str) else tuple(fpc or ())
    roles = units.Roles(weights, strata, stages, fractions, lonely_psu, collapse, wave)
    for role, name in roles.names:
        try:
            files.require(name)
        except DataError as error:
            raise DesignError(f"{role}={name!r}: {error.what}", remedy=error.remedy) from error
    if lonely_psu not in LONELY_RULES:
        raise DesignError(
            f"lonely_psu={lonely_psu!r} is not a rule for strata with one PSU.",
            remedy=f"Choose one of {', '.join(LONELY_RULES)}.",
        )
    if (lonely_psu == "collapse") != (collapse is not None):
        raise DesignError(
            'lonely_psu="collapse" and collapse= belong together; found one without the other.',
            remedy="Give the variable whose values say which strata merge, and the rule that uses it.",
        )
    return roles


def _learn(roles: units.Roles, table: Columns, first_row: int) -> units.Skeleton:
    return units.learn(table, givens.numbers(table, roles.weights, "weights"), roles, first_row)


def _grow(roles: units.Roles, first: units.Skeleton, second: units.Skeleton) -> units.Skeleton:
    return first.merge(second, by_row=not roles.psu)


class StreamedSurvey:
    """A survey on files; made by `scan`, never changed.

    Estimates are those of `Survey`, with their covariance, and all that `Estimates` offers works
    on them. Means, totals, shares, ratios and counts take one pass over the files, quantiles a
    few, models and raking one per iteration; the categories of a variable take one more pass,
    once. What needs every row in memory is refused and says what to do.

    Attributes
    ----------
    source : Source
    base : tuple of str
        Conditions of the subpopulation.
    history : tuple
        Weighting steps.
    """

    def __init__(self, source: Source, roles: units.Roles) -> None:
        self.source = source
        self.roles = roles
        self.base: tuple[str, ...] = ()
        self.history: tuple[Any, ...] = ()
        self.weights_name = roles.weights

    # --- looking -----------------------------------------------------------------------

    @property
    def design(self) -> Design:
        """The design of the whole file, known by unit; weights by row are NaN."""
        return self.source.design

    @property
    def codebook(self) -> Codebook:
        return self.source.reader.codebook

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the files."""
        return self.source.files.names

    def __len__(self) -> int:
        return self.source.files.n_rows

    def levels(self, name: str) -> tuple[Any, ...]:
        """The categories of a variable in the whole file; one pass, once."""
        return self.source.levels((name,))[name].levels

    def run(self, asked: Pass[Any, Any], what: str = "Reading") -> Any:
        """One pass of one's own over the files: see `streaming.passes.Pass`."""
        return self.source.run(asked, what)

    def facts(self) -> dict[str, Any]:
        """What an estimate's note says of this survey."""
        files, rows = self.source.files, self.source.reader.block_rows
        return {
            "weights": self.weights_name,
            "base": " and ".join(f"({text})" for text in self.base) if self.base else None,
            "design": self.design.describe(),
            "steps": [str(step) for step in self.history],
            "checksum": None,
            "read": {
                "en": f"Parquet files: {files.n_files:,}, in blocks of at most {rows:,} rows",
                "ar": f"ملفات Parquet: {files.n_files:,}، على دفعات لا تتجاوز {rows:,} صف",
            },
        }

    def __repr__(self) -> str:
        files, facts = self.source.files, self.design.structure.facts
        of = f"{facts['psus']:,} PSUs" if facts["psus"] is not None else "replicate weights"
        return f"<StreamedSurvey: {files.n_rows:,} rows in {files.n_files:,} files, {of}>"

    def _repr_html_(self) -> str:
        files, facts = self.source.files, self.design.describe()
        psus = facts["psus"] if facts["psus"] is not None else "not known · غير معروفة"
        rows = [
            ("Rows · السجلات", f"{files.n_rows:,}"),
            ("Parquet files · الملفات", f"{files.n_files:,}"),
            ("Sampling units · وحدات المعاينة", f"{psus:,}" if isinstance(psus, int) else psus),
            ("Degrees of freedom · درجات الحرية", f"{facts['df']:,}"),
            ("Weights · الأوزان", self.weights_name),
        ]
        if self.base:
            rows.append(("Subpopulation · الفئة", " and ".join(self.base)))
        rows += [(f"Weighting {i} · الترجيح", str(step)) for i, step in enumerate(self.history, 1)]
        body = "".join(
            f"<tr><th style='text-align:start'>{html.escape(key)}</th>"
            f"<td style='text-align:start'>{html.escape(value)}</td></tr>"
            for key, value in rows
        )
        return f"<table class='masar-survey'>{body}</table>"

    # --- deriving ----------------------------------------------------------------------

    def where(self, expression: str) -> StreamedSurvey:
        """The subpopulation for which `expression` is true; see `Survey.where`.

        Whether anybody satisfies it shows when an estimate reads the files.
        """
        for name in expressions.parse(expression).names:
            self.source.files.require(name)
        base = (*self.base, expression)
        return self._derive(source=self.source.reading(base=base), base=base)

    def with_weights(
        self, reweighting: Reweighting, step: Any, calibration: Any = None, name: str = "weight"
    ) -> StreamedSurvey:
        """The same survey under weights made anew for every block; one pass sums them by unit.

        Parameters
        ----------
        reweighting : Reweighting
        step : object
            The step as data; its ``str`` is the line of the history.
        calibration : BoundResidualizer, optional
            What the linearised variance takes out; it asks for sums by the groups of
            `reweighting`.
        """
        self._whole("Weights belong")
        if self.design.replicates is not None:
            raise DesignError(
                "The replicate weights of this design belong to its weights as they stand.",
                remedy="Weight the survey first.",
            )
        read = self.source.reading(reweighting=reweighting)
        design = whole_design(read, calibration)
        return self._derive(
            source=replace(read, design=design), history=(*self.history, step), weights_name=name
        )

    def with_replicates(
        self, kind: Replicate, rng: np.random.Generator | None = None
    ) -> StreamedSurvey:
        """The same survey, its variance from replicates made of the declared design.

        Factors belong to PSUs, so nothing is read and nothing of the size rows × replicates is
        formed; weighting steps are taken again in every replicate. See `Survey.with_replicates`
        for the types; with the same `rng` the replicates are the same.
        """
        self._whole("Replicates belong")
        if self.history and self.design.replicates is None:
            from masar_research.streaming.raked_replicates import with_steps_repeated

            return with_steps_repeated(self, kind, rng)
        return self._derive(
            source=replace(self.source, design=with_made(self.design, kind, rng))
        )

    def _whole(self, what: str) -> None:
        if self.base:
            raise DesignError(
                f"{what} to the whole survey, not to the subpopulation {' and '.join(self.base)!r}.",
                remedy="Do this first, then use .where().",
                ar="تخص هذه الخطوة المسح كله لا فئة منه؛ نفّذها أولاً ثم استعمل ‎.where()‎.",
            )

    def _derive(self, **changes: Any) -> StreamedSurvey:
        derived = copy(self)
        for name, value in changes.items():
            setattr(derived, name, value)
        return derived

    # --- estimating --------------------------------------------------------------------

    def mean(self, variables: Names, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Weighted means by domain; one pass for all variables. See `Survey.mean`."""
        asked = self._answer(variables, by, level)
        return self._statistic(asked, "mean", [Asked("mean", (name,)) for name in asked.variables])

    def total(self, variables: Names, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Weighted totals by domain; one pass. See `Survey.total`."""
        asked = self._answer(variables, by, level)
        return self._statistic(asked, "total", [Asked("total", (name,)) for name in asked.variables])

    def ratio(
        self, numerator: str, denominator: str, by: Names | None = None, level: float = 0.95
    ) -> Estimates:
        """Ratios of weighted totals by domain; one pass. See `Survey.ratio`."""
        asked = self._answer(numerator, by, level, extra={"denominator": denominator})
        pairs = [Asked("ratio", (name, denominator)) for name in asked.variables]
        return self._statistic(asked, "ratio", pairs)

    def count(self, by: Names | None = None, level: float = 0.95) -> Estimates:
        """Estimated numbers of persons by domain; one pass. See `Survey.count`."""
        asked = self._answer((), by, level)
        return self._statistic(asked, "count", [Asked("count", ())])

    def proportion(
        self,
        variables: Names,
        by: Names | None = None,
        level: float = 0.95,
        interval: str = "logit",
    ) -> Estimates:
        """Weighted shares by domain; one pass. See `Survey.proportion`."""
        estimating.check_interval(interval)
        asked = self._answer(variables, by, level)
        estimating.any_variable(asked.variables)
        levels = self._levels((*asked.by, *asked.variables))
        domains = columns.keys(asked.by, [levels[name] for name in asked.by])
        heads, wanted = [], []
        for name in asked.variables:
            if estimating.is_binary(name, levels[name]):
                wanted.append(Asked("mean", (name,), binary=True))
                heads.append(domains.assign(variable=name, category=1))
            else:
                wanted.append(Asked("proportion", (name,)))
                heads.append(estimating.by_level(domains, name, levels[name]))
        found, outside = self._moments(wanted, asked.by, "Proportions")
        parts = [moments.finish(self.design, one, m) for one, m in zip(wanted, found, strict=True)]
        missing = sum(int(m.n_missing.sum()) for m in found)
        cases = np.concatenate([m.cases for m in found])
        return estimating._wrap(
            asked, "proportion", heads, parts, missing, interval, cases, outside=outside
        )

    def quantile(
        self,
        variables: Names,
        probs: Sequence[float] | float = (0.5,),
        by: Names | None = None,
        level: float = 0.95,
        rule: str = "school",
        interval: str = "woodruff",
    ) -> Estimates:
        """Weighted quantiles by domain, exact, in about five passes. See `Survey.quantile`."""
        return quantiles.quantile(self, variables, probs, by, level, rule, interval)

    def median(
        self,
        variables: Names,
        by: Names | None = None,
        level: float = 0.95,
        rule: str = "school",
        interval: str = "woodruff",
    ) -> Estimates:
        """Weighted medians by domain: `quantile` at one half."""
        return self.quantile(variables, (0.5,), by, level, rule, interval)

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
        columns.once(domain_names)
        return Answer(
            columns=Columns(pd.DataFrame(), self.codebook), design=self.design, mask=None,
            variables=names, by=domain_names, level=level, note=self.facts() | dict(extra or {}),
        )  # fmt: skip

    def _levels(self, names: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        return {name: own.levels for name, own in self.source.levels(names).items()}

    def _statistic(self, asked: Answer, kind: Kind, wanted: list[Asked]) -> Estimates:
        estimating.any_variable(("persons",) if kind == "count" else asked.variables)
        levels = self._levels(asked.by)
        domains = columns.keys(asked.by, [levels[name] for name in asked.by])
        found, outside = self._moments(wanted, asked.by, f"{kind.capitalize()}s")
        parts = [moments.finish(self.design, one, m) for one, m in zip(wanted, found, strict=True)]
        names = ("persons",) if kind == "count" else asked.variables
        heads = [domains.assign(variable=name) for name in names]
        missing = sum(int(m.n_missing.sum()) for m in found)
        return estimating._wrap(asked, kind, heads, parts, missing, "wald", outside=outside)

    def _moments(
        self, wanted: Sequence[Asked], by: tuple[str, ...], what: str
    ) -> tuple[tuple[Moments, ...], int]:
        """The sums of one pass, and how many rows no domain holds."""
        replicates = bool(self.source.reader.replicates)
        found, outside, seen = self.source.run(MomentPass(tuple(wanted), by), what, replicates)
        self._anybody(seen)
        if replicates:
            found = tuple(
                givens.with_degrees(self.source, one, by, m)
                for one, m in zip(wanted, found, strict=True)
            )
        return found, outside

    def _anybody(self, seen: int) -> None:
        if self.base and not seen:
            raise EstimationError(
                f"Nobody in the survey satisfies {' and '.join(self.base)}.",
                remedy="Check the codes with survey.levels('variable').",
                ar="لا يوجد في المسح من ينطبق عليه هذا الشرط.",
            )

    def __getattr__(self, name: str) -> NoReturn:
        if name in _ELSEWHERE:
            raise EstimationError(
                f"{name} is not offered on files that are read in passes.",
                remedy="Read the rows and columns it needs into memory, "
                "mr.Survey(pandas.read_parquet(path, columns=[...]), ...), and call it there; "
                "docs/methods/larger_than_memory.md lists what is offered.",
                ar=f"الأمر {name} غير متاح على ملفات تُقرأ على دفعات. اقرأ الأعمدة اللازمة إلى الذاكرة "
                "بالأمر mr.Survey(pandas.read_parquet(path, columns=[...]), ...) ثم نفّذه هناك.",
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


verbs.lend(StreamedSurvey, verbs.STREAMED)
_ELSEWHERE = frozenset(
    {verb.name for verb in verbs.SURVEY} | {"frame", "mask", "values", "coded", "truth", "with_columns"}
) - frozenset(dir(StreamedSurvey))
