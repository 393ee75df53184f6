"""Linear and logistic regression on files larger than memory, or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from formulaic.errors import FormulaicError

from masar_research.codebook import Codebook
from masar_research.engine.families import kind_of
from masar_research.engine.glm import sample_start
from masar_research.engine.scoring import (
    FAMILIES,
    Evaluate,
    Family,
    Question,
    Scoring,
    SeparationError,
    Solution,
    check_rows,
    iterate,
)
from masar_research.engine.variance import covariance
from masar_research.errors import ModelError
from masar_research.models.fitting import (
    check_level,
    check_outcome,
    coefficient_frame,
    df_rule,
    in_replicate,
    model_facts,
    separated,
)
from masar_research.models.formula import (
    Parsed,
    check_complete,
    check_reference,
    choose_levels,
    learn,
    one_sided,
    parse,
    refuse_infinite,
    unbuilt,
)
from masar_research.models.model import frozen
from masar_research.models.showing import both
from masar_research.streaming.model_passes import Ask, Crossing, Encoder, Look, Looked, Told, Variables
from masar_research.streaming.given import with_degrees
from masar_research.streaming.moments import Asked, MomentPass

if TYPE_CHECKING:
    from masar_research.streaming.source import Source
    from masar_research.streaming.survey import StreamedSurvey

_SAMPLE = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class StreamedModel:
    """A survey-weighted generalised linear model of a file that is not in memory.

    Attributes
    ----------
    frame : pandas.DataFrame, p rows
        ``term, label_en, label_ar, estimate, std_error, conf_low, conf_high, statistic, df,
        p_value``; for a logit also ``odds_ratio, odds_low, odds_high``: as
        :class:`masar_research.models.SurveyModel` has it.
    vcov : (p, p) array
        Design-based covariance of the coefficients.
    family, formula : str
    note : mapping
        Rows fitted and lost, reference levels, levels without rows, df, weights, base.
    level : float
        Confidence level.
    df : int
    codebook : Codebook
    """

    frame: pd.DataFrame
    vcov: np.ndarray
    family: str
    formula: str
    note: Mapping[str, Any]
    level: float
    df: int
    codebook: Codebook

    def margins(self, variable: str) -> None:
        """Average marginal effects are not computed on a file that is read in blocks.

        Raises
        ------
        ModelError
            Always; it says what to do instead.
        """
        raise _no_margins(f"Average marginal effects of {variable!r}")

    def predictions(self, variable: str) -> None:
        """Average predictions are not computed on a file that is read in blocks.

        Raises
        ------
        ModelError
            Always; it says what to do instead.
        """
        raise _no_margins(f"Average predictions over {variable!r}")

    def _repr_html_(self) -> str:
        return both(self.frame, self.note, self.codebook)


def _no_margins(what: str) -> ModelError:
    return ModelError(
        f"{what} would predict every row again in each counterfactual world, and this model does "
        "not hold its rows.",
        remedy="Load the variables of the model into a Survey in memory, or fit family='gaussian', "
        "whose coefficients are average marginal effects.",
        ar="لا تُحسب الآثار الحدية المتوسطة لملف يُقرأ على دفعات لأن النموذج لا يحتفظ بسجلاته؛ حمّل متغيرات "
        "النموذج في الذاكرة، أو استعمل family='gaussian' الذي معاملاته هي الآثار نفسها.",
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Encoding:
    """How predictors became columns, for the table and the note."""

    names: tuple[str, ...]
    references: Mapping[str, Any]
    absent: Mapping[str, tuple[Any, ...]]
    missing: Mapping[str, int]
    lost: int
    data: pd.DataFrame


def logit(
    survey: StreamedSurvey,
    formula: str,
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> StreamedModel:
    """Survey-weighted logistic regression of a file that is read in blocks.

    Parameters
    ----------
    survey, formula, reference, level
        As for :func:`masar_research.models.logit`.

    Returns
    -------
    StreamedModel

    Examples
    --------
    >>> import tempfile, pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0, 2.0] * 10, "psu": list(range(10)) * 2,
    ...                       "employed": [0, 1, 1, 0, 1] * 4, "age": range(20, 40)})
    >>> with tempfile.TemporaryDirectory() as place:
    ...     frame.to_parquet(f"{place}/part.parquet")
    ...     model = mr.scan(place, weights="w", psu="psu").logit("employed ~ age")
    >>> model.frame["term"].tolist(), model.df
    (['Intercept', 'age'], 8)
    """
    return glm(survey, formula, family="binomial", reference=reference, level=level)


def glm(
    survey: StreamedSurvey,
    formula: str,
    family: Family = "gaussian",
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> StreamedModel:
    """Survey-weighted generalised linear model of a file that is read in blocks.

    One pass finds the levels, missing values and a thinned sample to start from; Fisher scoring
    then asks for Σ w X'WX and Σ w x ∂ℓ/∂η, one pass per iteration (about five for a logit, two
    or three for a linear model), and the last one keeps the sums of the score by sampling unit.
    Replicates are fitted anew, all of them in the same passes.

    Parameters
    ----------
    survey, formula, family, reference, level
        As for :func:`masar_research.models.glm`.

    Returns
    -------
    StreamedModel
        The numbers of a fit in memory.

    Raises
    ------
    ModelError
        As in memory; and for transformations that learn from the whole column (``scale``,
        ``poly``, splines).

    Examples
    --------
    >>> import tempfile, pandas as pd, masar_research as mr
    >>> frame = pd.DataFrame({"w": [1.0] * 8, "psu": [1, 2, 3, 4] * 2, "income": range(8),
    ...                       "region": ["north"] * 4 + ["south"] * 4})
    >>> with tempfile.TemporaryDirectory() as place:
    ...     frame.to_parquet(f"{place}/part.parquet")
    ...     model = mr.scan(place, weights="w", psu="psu").glm("income ~ region")
    >>> model.frame["estimate"].round(9).tolist()
    [1.5, 4.0]
    """
    check_level(level)
    if family not in FAMILIES:
        raise ModelError(f"family={family!r} is not known.",
                         remedy=f"Use one of {', '.join(FAMILIES)}.")
    parsed = parse(formula)
    _refuse_learning(parsed)
    source = survey.source
    looked, encoder, encoding = _encode(survey, source, parsed, reference or {}, family)
    fit = _Fit(source, encoder, encoding, survey.design)
    try:
        solved, told = fit.whole(_start(encoder, looked))
    except SeparationError as error:
        cells = _one_sided(source, encoder, encoding)
        raise separated(error, cells, firth=family == "binomial", streamed=True) from error
    bread = solved.bread()
    design = survey.design
    if design.replicates is None:
        totals = told.scores[0] @ bread
        if design.calibration is not None:
            totals = design.calibration.residualise(
                totals, lambda group, n_codes, factor: told.scores[1 + group] @ bread
            )
    else:
        totals = design.replicates.deviations(fit.replicates(solved), solved.coef)
    vcov = covariance(design, totals)
    df = _degrees(survey, encoder, told) + 1 - solved.coef.size
    note = frozen({
        **survey.facts(), **model_facts(formula, parsed.outcome, family, encoding),
        "link": kind_of(family).link, "offset": None, "rows": told.n, "iterations": solved.passes, "df": df, "df_rule": df_rule(design),
        "level": level,
    })  # fmt: skip
    frame = coefficient_frame(survey.codebook, encoding, solved.coef, vcov, df, level, family)
    return StreamedModel(frame, vcov, family, formula, note, level, df, survey.codebook)


def _degrees(survey: StreamedSurvey, encoder: Encoder, told: Told) -> int:
    """PSUs minus strata among those with a fitted row; with replicates, theirs."""
    design, source = survey.design, survey.source
    if source.reader.replicates:
        known = tuple(f"not missing({name})" for name in sorted(encoder.variables.columns))
        read, persons = source.reading(base=(*survey.base, *known)), Asked("count", ())
        counted = read.run(MomentPass((persons,), ()), "Degrees of freedom", True)[0][0]
        return int(with_degrees(read, persons, (), counted).degrees[0])
    own = int(design.structure.degrees_of_freedom(told.unit_rows[:, None] > 0)[0])
    return own if design.replicates is None else min(own, design.replicates.number - 1)


def _refuse_learning(parsed: Parsed) -> None:
    if parsed.offset:
        raise ModelError(
            f"{parsed.text!r} has an offset; a file that is read in blocks is fitted without one.",
            remedy="Load the variables of the model into a Survey in memory.",
            ar="في الصيغة مقدار ثابت (offset)، ولا يُقدَّر معه نموذج لملف يُقرأ على دفعات؛ حمّل متغيرات النموذج في الذاكرة.",
        )
    if parsed.learns:
        raise ModelError(
            f"{parsed.text!r} uses center, scale, poly or a spline, which learn from the whole column "
            "before the first row can be coded; a file that is read in blocks cannot give it.",
            remedy="Write the centring by hand, for instance I(age - 40), or derive the column first.",
            ar="تستعمل الصيغة تحويلاً يحتاج إلى العمود كله قبل ترميز أول سجل، والملف يُقرأ على دفعات؛ اكتب "
            "التحويل صراحة مثل I(age - 40) أو اشتق العمود مسبقاً.",
        )


def _encode(
    survey: StreamedSurvey, source: Source, parsed: Parsed, reference: Mapping[str, Any],
    family: Family,
) -> tuple[Looked, Encoder, _Encoding]:  # fmt: skip
    categorical = tuple(name for name in parsed.names if _categorical(survey, source, name, parsed))
    numeric = tuple(name for name in parsed.names if name not in categorical)
    source.files.require(parsed.outcome)
    variables = Variables(parsed.outcome, numeric, categorical)
    thin = source.files.n_rows // _SAMPLE
    looked = source.run(Look(variables, thin if thin >= 5 else 0), "Levels")
    for name in (*parsed.names, parsed.outcome):
        refuse_infinite(name, looked.infinite.get(name, 0))
    missing = {name: looked.missing[name] for name in (*parsed.names, parsed.outcome)}
    check_complete(missing, looked.used > 0)
    check_reference(reference, categorical)
    levels = source.levels(categorical)
    chosen = {
        name: choose_levels(survey, name, levels[name].levels, looked.counts[name], reference.get(name))
        for name in categorical
    }
    check_outcome(parsed.outcome, family, looked.observed)
    encoder = Encoder(variables, parsed, chosen, None, family)
    values = {name: looked.first[name].to_numpy() for name in (*parsed.names, "_y")}
    data = encoder.frame(values)
    try:
        spec = learn(parsed, data)
    except (FormulaicError, ValueError) as error:
        raise unbuilt(parsed, error) from error
    encoder = Encoder(variables, parsed, chosen, spec, family)
    encoding = _Encoding(
        tuple(spec.column_names), {name: of.categories[0] for name, of in chosen.items()},
        {name: of.absent for name, of in chosen.items() if of.absent},
        {name: n for name, n in missing.items() if n}, looked.population - looked.used, data,
    )  # fmt: skip
    return looked, encoder, encoding


def _categorical(survey: StreamedSurvey, source: Source, name: str, parsed: Parsed) -> bool:
    """Whether a predictor is one of levels, by the rules of a survey in memory."""
    source.files.require(name)
    if name in parsed.in_c:
        return True
    if name in survey.codebook and survey.codebook[name].level in ("nominal", "text"):
        return not set(source.levels([name])[name].levels) <= {0, 1}
    return not _numbers(source, name)


def _numbers(source: Source, name: str) -> bool:
    """Whether a column holds numbers or truth values, by the files' own schemas."""
    for piece in {piece.path: piece for piece in source.files.pieces}.values():
        fixed = dict(piece.fixed)
        if name in fixed:
            return not isinstance(fixed[name], str)
        kind = pq.read_schema(piece.path).field(name).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not pa.types.is_null(kind):
            return (
                pa.types.is_integer(kind) or pa.types.is_floating(kind)
                or pa.types.is_decimal(kind) or pa.types.is_boolean(kind)
            )  # fmt: skip
    return True


def _start(encoder: Encoder, looked: Looked) -> np.ndarray | None:
    """Coefficients of the thinned sample."""
    rows = looked.sample
    if not len(rows):
        return None
    X = encoder.matrix(encoder.frame({name: rows[name].to_numpy() for name in rows}))
    finite = np.isfinite(X @ np.ones(X.shape[1]))
    y, w = rows["_y"].to_numpy(), rows["_w"].to_numpy()
    return sample_start(X, y, w, None, finite, encoder.family)


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Scoring over the passes of a file."""

    source: Source
    encoder: Encoder
    encoding: _Encoding
    design: Any

    def whole(self, start: np.ndarray | None) -> tuple[Solution, Told]:
        """The fit of the full sample, and what its last pass kept."""
        scoring = iterate(self.encoder.family, self.encoding.names, start=start)
        told, passed = None, 0
        answer = None
        while True:
            try:
                question = scoring.send(answer)
            except StopIteration as ended:
                solved = ended.value
                break
            passed += 1
            told = self._ask({None: question}, f"Model, pass {passed}")
            if passed == 1:
                check_rows(told.n, len(self.encoding.names), told.low, told.high,
                           self.encoder.family)
            answer = told.answers[None]
        if told.scores is None:
            told = self._ask({None: Evaluate(solved.coef, True)}, "Scores")
        return solved, told

    def replicates(self, solved: Solution) -> np.ndarray:
        """(R, p) coefficients of the replicates; each pass answers all that still ask."""
        names, number = self.encoding.names, self.design.replicates.number
        coef = np.empty((number, solved.coef.size))
        loops: dict[int, Scoring] = {}
        questions: dict[int | None, Question] = {}
        for r in range(number):
            loops[r] = iterate(self.encoder.family, names, start=solved.coef)
            questions[r] = next(loops[r])
        passed = 0
        while questions:
            passed += 1
            told = self._ask(questions, f"Replicates, pass {passed}")
            waiting: dict[int | None, Question] = {}
            for r, answer in told.answers.items():
                try:
                    waiting[r] = loops[r].send(answer)
                except StopIteration as ended:
                    coef[r] = ended.value.coef
                except ModelError as error:
                    raise in_replicate(r, error) from error
            questions = waiting
        return coef

    def _ask(self, questions: dict[int | None, Question], what: str) -> Told:
        replicated = any(key is not None for key in questions)
        given = bool(self.source.reader.replicates)
        made = self.design.replicates.weights if replicated and not given else None
        asked = Ask(self.encoder, questions, made)
        return self.source.run(asked, what, replicates=replicated and given)


def _one_sided(source: Source, encoder: Encoder, encoding: _Encoding) -> list[str]:
    """The groups with one outcome only, counted in a pass of their own."""
    if not encoder.variables.categorical:
        return []
    table = source.run(Crossing(encoder), "Groups")
    codes = {name: table[name].to_numpy() for name in encoder.variables.categorical}
    frame = pd.DataFrame({name: encoder.chosen[name].encode(of) for name, of in codes.items()})
    return one_sided(
        encoder.spec, encoding.references, frame, table["_y"].to_numpy(), table["_n"].to_numpy()
    )
