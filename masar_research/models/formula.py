"""From a formula and a survey to an outcome and a design matrix.

Formulas go through formulaic; every factor is checked first against a short list of functions,
because formulaic would evaluate it as Python.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec, model_matrix
from formulaic.errors import FormulaicError

from masar_research.errors import DataError, ModelError
from masar_research.models.matrix import Matrix, filled, offset_values

if TYPE_CHECKING:
    from masar_research.codebook import Codebook
    from masar_research.survey import Survey

FUNCTIONS = ("C", "I", "center", "scale", "poly", "bs", "cr", "cc", "log", "log10", "exp", "sqrt")
_LEARNING = ("center", "scale", "poly", "bs", "cr", "cc")
_NODES = (
    ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call, ast.keyword, ast.BinOp,
    ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd, ast.Compare,
    ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq,
)  # fmt: skip


class HasCodebook(Protocol):
    """What matching a code or label needs of a survey."""

    @property
    def codebook(self) -> Codebook:
        """The codebook."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A formula that has been read.

    Attributes
    ----------
    text : str
    outcome : str
    right : formulaic.Formula
        Right-hand side.
    names : tuple of str
        Variables of the right-hand side.
    in_c : frozenset of str
        Variables that stand inside ``C(...)``.
    learns : bool
        Whether a transformation takes something from the data (a mean, knots).
    offset : tuple of str
        What stands inside ``offset(...)``; added to the linear predictor.
    """

    text: str
    outcome: str
    right: Any
    names: tuple[str, ...]
    in_c: frozenset[str]
    learns: bool
    offset: tuple[str, ...] = ()


def parse(text: str) -> Parsed:
    """Read a formula ``outcome ~ predictors`` and refuse anything but names and known functions.

    Parameters
    ----------
    text : str

    Raises
    ------
    ModelError
        No single outcome variable, an unknown function, or text that is no formula.
    """
    try:
        formula = Formula(text)
    except (FormulaicError, SyntaxError, ValueError, TypeError) as error:
        raise ModelError(f"{text!r} cannot be read as a formula: {_first_line(error)}",
                         remedy="Write for instance 'employed ~ C(sex) * C(education) + age'."
                         ) from error
    left = getattr(formula, "lhs", None)
    right = getattr(formula, "rhs", None)
    if isinstance(left, tuple) or isinstance(right, tuple):
        raise ModelError(f"{text!r} has parts divided by | or several ~.",
                         remedy="Write one outcome, one ~ and one sum of predictors.",
                         ar="صيغة النموذج مقسومة إلى أجزاء؛ اكتب متغيراً تابعاً واحداً وعلامة ~ واحدة ومجموعاً واحداً "
                         "من المتغيرات المفسرة.")
    factors = [] if left is None else [f.expr for term in left for f in term.factors]
    if len(factors) != 1 or not factors[0].isidentifier():
        raise ModelError(
            f"{text!r} needs one variable on its left side; found {factors or 'none'}.",
            remedy="Write 'outcome ~ …' with a variable of the survey; derive it first if needed.",
        )
    right, offset = _without_offsets(right)
    in_c: set[str] = set()
    names: dict[str, None] = {}
    for term in right:
        for factor in term.factors:
            _check(factor.expr, text, names, in_c)
    for expr in offset:
        _check(expr, text, names, in_c)
        if any(f"{function}(" in expr for function in (*_LEARNING, "C")):
            raise ModelError(f"offset({expr}) in {text!r}: an offset is a number known for each row.",
                             remedy="Write for instance offset(log(years)).",
                             ar="المقدار الثابت offset رقم معلوم لكل سجل، مثل offset(log(years)).")
    if factors[0] in names:
        raise ModelError(f"{factors[0]} stands on both sides of {text!r}.",
                         remedy="Leave it out of the predictors.")
    learns = any(f"{function}(" in factor.expr for function in _LEARNING
                 for term in right for factor in term.factors)
    return Parsed(text, factors[0], right, tuple(names), frozenset(in_c), learns, offset)


def _without_offsets(right: Any) -> tuple[Any, tuple[str, ...]]:
    """Right-hand side less its offset terms, and what these hold."""
    offsets = tuple(
        term.factors[0].expr[len("offset("):-1] for term in right
        if len(term.factors) == 1 and term.factors[0].expr.startswith("offset(")
    )  # fmt: skip
    if not offsets:
        return right, ()
    return Formula([term for term in right if not str(term).startswith("offset(")]), offsets


def _check(expr: str, text: str, names: dict[str, None], in_c: set[str]) -> None:
    if expr.isdigit():
        return
    try:
        tree = ast.parse(expr.strip("`"), mode="eval")
    except SyntaxError as error:
        raise ModelError(f"{expr!r} in {text!r} cannot be read.",
                         remedy="Use names of variables and simple functions.") from error
    for node in ast.walk(tree):
        if not isinstance(node, _NODES) or (
            isinstance(node, ast.Call)
            and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS)
        ):
            raise ModelError(
                f"{ast.unparse(node)!r} is not allowed in a formula ({text!r}).",
                remedy=f"Use variables, + - * / **, and {', '.join(FUNCTIONS)}; choose the "
                "reference with reference={...}.",
            )
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    for name in found:
        if name not in called:
            names[name] = None
    if isinstance(tree.body, ast.Call) and tree.body.func.id == "C":
        first = tree.body.args[0] if len(tree.body.args) == 1 else None
        if not isinstance(first, ast.Name) or tree.body.keywords:
            raise ModelError(f"{expr!r} in {text!r}: C() takes one variable.",
                             remedy="Write C(education) and choose the reference with "
                             "reference={'education': …}.")
        in_c.add(first.id)


def build(survey: Survey, parsed: Parsed, reference: Mapping[str, Any]) -> Matrix:
    """Take the variables from the survey and make the design matrix.

    Parameters
    ----------
    survey : Survey
    parsed : Parsed
    reference : mapping
        Categorical variable → code or label of its reference; the first level otherwise.

    Raises
    ------
    ModelError
        No rows left, or a reference that is not among the fitted levels.
    """
    columns, known = {}, {}
    for name in parsed.names:
        if _categorical(survey, name, parsed):
            columns[name] = survey.coded(name)
            known[name] = columns[name].codes >= 0
        else:
            columns[name] = survey.values(name)
            known[name] = np.isfinite(columns[name])
    y = survey.values(parsed.outcome)
    for name, column in {**columns, parsed.outcome: y}.items():
        refuse_infinite(name, 0 if hasattr(column, "levels") else int(np.isinf(column).sum()))
    known[parsed.outcome] = np.isfinite(y)
    population = survey.design.weights > 0
    if survey.mask is not None:
        population = population & survey.mask
    used = population.copy()
    for rows in known.values():
        used &= rows
    missing = {name: int((population & ~rows).sum()) for name, rows in known.items()}
    check_complete(missing, bool(used.any()))
    check_reference(reference, {n for n in parsed.names if hasattr(columns[n], "levels")})
    data, references, absent = {}, {}, {}
    everyone = bool(used.all())
    for name, column in columns.items():
        if not hasattr(column, "levels"):
            data[name] = column if everyone else column[used]
            continue
        codes = column.codes[used]
        counts = np.bincount(codes, minlength=len(column.levels))
        chosen = choose_levels(survey, name, column.levels, counts, reference.get(name))
        data[name] = chosen.encode(codes)
        references[name], absent[name] = chosen.categories[0], chosen.absent
    # Not copied: at a million rows a dozen columns are a hundred megabytes, and nothing writes to them.
    frame = pd.DataFrame(data, index=pd.RangeIndex(int(used.sum())), copy=False)
    try:
        spec = learn(parsed, frame if parsed.learns else frame.iloc[:2])
        X = filled(spec, frame, used)
    except (FormulaicError, ValueError) as error:
        raise unbuilt(parsed, error) from error
    offset = offset_values(parsed.offset, frame, used)
    lost = int(population.sum() - used.sum())
    return Matrix(X, np.where(used, y, 0.0), used, frame, spec, lost,
                  {k: v for k, v in missing.items() if v}, references,
                  {k: v for k, v in absent.items() if v}, offset, parsed.offset)


def learn(parsed: Parsed, data: pd.DataFrame) -> ModelSpec:
    """The columns of the design matrix, from rows whose categoricals know all their levels."""
    return model_matrix(parsed.right, data, output="numpy", na_action="raise",
                        context={}).model_spec


def unbuilt(parsed: Parsed, error: Exception) -> ModelError:
    """What to say when formulaic cannot make the matrix."""
    return ModelError(
        f"The predictors of {parsed.text!r} could not be built: {_first_line(error)}",
        remedy="Check transformations such as log() of zero.",
    )


def check_complete(missing: Mapping[str, int], any_row: bool) -> None:
    """Refuse a model without a complete row; ``missing`` counts rows by variable."""
    if not any_row:
        raise ModelError(
            f"No row has a weight and all of {', '.join(missing)}.",
            remedy="Check whom these questions were asked of: "
            + ", ".join(f"{k} is missing on {v}" for k, v in missing.items() if v) + ".",
            ar="لا يوجد سجل مكتمل لكل متغيرات النموذج.",
        )


def check_reference(reference: Mapping[str, Any], categorical: Collection[str]) -> None:
    """Refuse a reference for anything but a categorical predictor."""
    unknown = sorted(set(reference) - set(categorical))
    if unknown:
        raise ModelError(f"reference names {unknown}, not categorical predictors of the model.",
                         remedy="Write C(variable) in the formula, or drop the reference.")


def refuse_infinite(name: str, count: int) -> None:
    """Refuse a variable that holds infinite values."""
    if count:
        raise ModelError(f"{name} holds {count} infinite values.",
                         remedy="Correct the source, or make them missing if they are unknown.",
                         ar=f"في المتغيّر {name} قيم لا نهائية؛ صحّحها في المصدر أو اجعلها مفقودة.")


def _categorical(survey: Survey, name: str, parsed: Parsed) -> bool:
    if name in parsed.in_c:
        return True
    if name in survey.codebook and survey.codebook[name].level in ("nominal", "text"):
        return not set(survey.coded(name).levels) <= {0, 1}
    try:
        survey.values(name)
    except DataError:
        if name not in survey.frame.columns:
            raise
        return True
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The levels of a categorical predictor as the model takes them.

    Attributes
    ----------
    categories : tuple
        Codes with a fitted row, reference first.
    absent : tuple
        Codes without one.
    lookup : (k,) int array
        Place among the categories of each of the variable's k levels, −1 where absent.
    """

    categories: tuple[Any, ...]
    absent: tuple[Any, ...]
    lookup: np.ndarray

    def encode(self, codes: np.ndarray) -> pd.Categorical:
        """Codes (n,) of the variable's levels as a categorical of the fitted ones."""
        return pd.Categorical.from_codes(self.lookup[codes], categories=list(self.categories))


def choose_levels(
    survey: HasCodebook, name: str, levels: tuple[Any, ...], counts: np.ndarray, wanted: Any
) -> Levels:
    """Levels that enter a model, from the fitted rows that each holds.

    Parameters
    ----------
    survey : has a ``codebook``
    name : str
    levels : tuple
        Of the variable, k codes.
    counts : (k,) int array
    wanted : code, label or None
        The reference; None for the first level.
    """
    present = [k for k in range(len(levels)) if counts[k]]
    if len(present) == 1:
        raise ModelError(
            f"{name} is {levels[present[0]]!r} on every fitted row: it explains nothing.",
            remedy="Leave it out of the formula, or fit a population in which it varies.",
            ar=f"للمتغيّر {name} قيمة واحدة في جميع السجلات؛ احذفه من الصيغة.",
        )
    if wanted is not None:
        place = level_place(survey, name, wanted, levels)
        if place not in present:
            raise ModelError(
                f"The reference {wanted!r} of {name} has no fitted row.",
                remedy=f"Choose one of {[levels[k] for k in present]}.",
            )
        present.remove(place)
        present.insert(0, place)
    lookup = np.full(len(levels), -1)
    lookup[present] = np.arange(len(present))
    absent = tuple(level for k, level in enumerate(levels) if not counts[k])
    return Levels(tuple(levels[k] for k in present), absent, lookup)


def level_place(survey: HasCodebook, name: str, wanted: Any, levels: tuple[Any, ...]) -> int:
    """Place of a code or label among the levels of a variable."""
    for place, level in enumerate(levels):
        if level == wanted and isinstance(level, str) == isinstance(wanted, str):
            return place
    if isinstance(wanted, str) and name in survey.codebook:
        for category in survey.codebook[name].categories:
            if wanted in category.label.values() and category.code in levels:
                return list(levels).index(category.code)
    raise ModelError(f"{wanted!r} is not a code or label of {name}.",
                     remedy=f"Its codes are {list(levels)}.")


def one_sided(
    spec: ModelSpec, references: Collection[str], data: pd.DataFrame, y: np.ndarray,
    count: np.ndarray | None = None, limit: int = 6,
) -> list[str]:  # fmt: skip
    """Cells of the categorical terms in which every fitted row has the same outcome, in words.

    Parameters
    ----------
    spec : formulaic.ModelSpec
    references : collection of str
        The categorical predictors.
    data : pandas.DataFrame, n rows
    y : (n,) float array
    count : (n,) int array, optional
        Fitted rows that each row stands for.
    limit : int
        Most cells named.
    """
    rows = pd.Series(np.ones(y.size, np.intp) if count is None else count)
    found: dict[str, None] = {}
    for term in spec.formula:
        names = [n for n in data.columns
                 if any(n in (f.expr, f.expr[2:-1]) for f in term.factors)]
        if not names or any(name not in references for name in names):
            continue
        groups = pd.Series(y).groupby([data[name] for name in names], observed=True)
        for key, part in groups:
            if part.nunique() == 1:
                codes = key if isinstance(key, tuple) else (key,)
                words = " × ".join(
                    f"{name} {code}" for name, code in zip(names, codes, strict=True))
                found[f"{words} ({rows[part.index].sum()} rows, all {part.iloc[0]:g})"] = None
    return list(found)[:limit]


def _first_line(error: Exception) -> str:
    """The message without the coloured excerpt that may follow it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
