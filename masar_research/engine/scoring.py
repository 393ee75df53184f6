"""Fisher scoring of a weighted GLM as questions to the data and answers that add.

The loop never sees a row: it asks for sums at given coefficients and is told them. Whoever holds
the rows answers, at once from memory or by a pass over blocks of them; the answers of two blocks
merge by addition (and maxima), so that the same loop fits data of any size, and several loops
(one per replicate) can be answered by one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from masar_research.engine.families import IDENTITY, LOGIT, Family, Kind, kind_of
from masar_research.errors import ModelError

FAMILIES: tuple[Family, ...] = ("binomial", "probit", "cloglog", "poisson", "gaussian", "gamma")
_ONE_THREAD = 250_000
_ALIASED = 1e-10
_SEPARATED_STEP = 0.3
_EXTREME = 12.0
_LITTLE = 1e-3


class SeparationError(ModelError):
    """The outcome is predicted without error for some rows: no finite estimate exists."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluate:
    """Asks for `Sums` at coefficients ``coef`` (p,); ``last`` when the loop means to end there."""

    coef: np.ndarray
    last: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """Asks for `Sums` of the linked, shrunken outcome: X'WX and X'W·target.

    With ``flat`` the target is 1 and ``log_likelihood`` the weighted sum of the outcome, so that a
    constant linear predictor can be started from.
    """

    flat: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """Asks for the `Reach` of a step (p,) of the coefficients."""

    step: np.ndarray


Question = Evaluate | Linked | Move


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums over the fitted rows at one set of coefficients.

    Attributes
    ----------
    information : (p, p) float array
        Σ w X'WX, W the expected −∂²ℓ/∂η².
    score : (p,) float array
        Σ w x ∂ℓ/∂η.
    log_likelihood : float
    reach : float
        Largest |η|.
    mass : float
        Σ of w × W.
    """

    information: np.ndarray
    score: np.ndarray
    log_likelihood: float
    reach: float
    mass: float

    def merge(self, other: Sums) -> Sums:
        """The sums over both parts of the data."""
        return Sums(
            self.information + other.information, self.score + other.score,
            self.log_likelihood + other.log_likelihood, max(self.reach, other.reach),
            self.mass + other.mass,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """How far a step moves the linear predictor.

    Attributes
    ----------
    whole : float
        Largest |x'step| over the rows.
    columns : (p,) float array
        Largest |x_j step_j| by column.
    """

    whole: float
    columns: np.ndarray

    def merge(self, other: Reach) -> Reach:
        """The reach over both parts of the data."""
        return Reach(max(self.whole, other.whole), np.maximum(self.columns, other.columns))


Answer = Sums | Reach


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Where scoring ended: coefficients (p,), the sums there, and the passes it took."""

    coef: np.ndarray
    sums: Sums
    passes: int

    def bread(self) -> np.ndarray:
        """(p, p) inverse of the information, symmetric to the last digit."""
        scale = np.sqrt(np.diag(self.sums.information))
        bread = np.linalg.inv(self.sums.information / np.outer(scale, scale))
        bread /= np.outer(scale, scale)
        return (bread + bread.T) / 2


Scoring = Generator[Question, Answer, Solution]


def iterate(
    family: Family, names: Sequence[str], *, start: np.ndarray | None = None, max_iter: int = 40,
    tol: float = 1e-5,
) -> Scoring:  # fmt: skip
    """Solve Σ w x ∂ℓ/∂η = 0: a generator that yields questions and is sent their answers.

    Parameters
    ----------
    family : Family
    names : sequence of str
        Of the p columns, for messages.
    start : (p,) float array, optional
        Otherwise one least-squares step on the linked outcome, as R's glm starts.
    max_iter, tol
        As for :func:`masar_research.engine.glm.fit`.

    Raises
    ------
    ModelError, SeparationError
        As for :func:`masar_research.engine.glm.fit`.
    """
    kind = kind_of(family)
    if start is None:
        linked = yield Linked()
        if np.isfinite(linked.score).all():
            coef = np.linalg.lstsq(linked.information, linked.score, rcond=1e-12)[0]
        else:
            coef = yield from _flat(kind)
    else:
        coef = np.array(start, dtype=float)
    passes, now = 0, None
    scale, last, moved = None, False, np.inf
    enough = tol if kind.canonical else tol * 1e-5
    while True:
        trial = yield Evaluate(coef, last or (kind.linear and passes > 0))
        passes += 1
        if now is None and not _possible(trial):
            coef = yield from _flat(kind)
            trial = yield Evaluate(coef)
            if not _possible(trial):
                _refuse_impossible(kind)
        if now is not None and not trial.log_likelihood >= now.log_likelihood - abs(
            now.log_likelihood
        ) * 1e-10:
            if passes >= max_iter:
                yield from _refuse_unconverged(family, names, step, passes)
            step = step / 2
            coef = before + step
            continue
        gained = np.inf if now is None else trial.log_likelihood - now.log_likelihood
        now = trial
        if scale is None:
            first = now.log_likelihood
            scale = np.sqrt(np.diag(now.information) / now.mass)
            if kind.link in ("inverse", "identity", "sqrt"):
                # The linear predictor then has the units of the outcome, or of its inverse or root.
                scale = scale / max(now.reach, 1e-300)
            refuse_aliased(now.information, names)
        step = yield from _step(family, names, now)
        size = float(np.max(np.abs(step) * scale, initial=0.0))
        if last or size == 0.0 or (kind.linear and passes > 1):
            return Solution(coef, now, passes)
        last = size < enough
        if passes >= max_iter:
            yield from _refuse_unconverged(family, names, step, passes)
        if kind.name == "binomial" and now.reach > _EXTREME:
            # Separated rows run on by about the same step for ever and gain next to nothing; rows
            # that are extreme because a predictor is move ever less.
            moved, earlier = (yield Move(step)).whole, moved
            if min(moved, moved * 2 - earlier) > _SEPARATED_STEP and _idle(now.log_likelihood, gained, first):
                yield from _refuse_unconverged(family, names, step, passes)
        before, coef = coef, coef + step


def _flat(kind: Kind) -> Generator[Question, Answer, np.ndarray]:
    """Coefficients whose linear predictor is as near as can be to the link of the mean outcome."""
    told = yield Linked(flat=True)
    level = kind.linked(np.array(told.log_likelihood / told.mass))
    return np.linalg.lstsq(told.information, told.score * level, rcond=1e-12)[0]


def _possible(sums: Sums) -> bool:
    """Whether a linear predictor gives means that the family allows."""
    return bool(np.isfinite(sums.log_likelihood) and np.isfinite(sums.information).all()
                and np.isfinite(sums.score).all())


def _refuse_impossible(kind: Kind) -> None:
    raise ModelError(
        f"No linear predictor to start from gives means that a {kind.label} model allows.",
        remedy="Keep the constant in the formula, or use the log link, whose means are always positive.",
        ar="تعذّر إيجاد بداية يقبلها النموذج؛ أبقِ الثابت في الصيغة أو استعمل دالة الربط اللوغاريتمية.",
    )


def _idle(now: float, gained: float, first: float) -> bool:
    """Whether the last step gained next to nothing, or hardly any of the first is left to gain."""
    return gained < _LITTLE * abs(now) or abs(now) < _LITTLE * abs(first)


def drive(scoring: Scoring, answer: Callable[[Question], Answer]) -> Solution:
    """Run a loop to its end, one question after another."""
    told: Answer | None = None
    while True:
        try:
            question = scoring.send(told)
        except StopIteration as ended:
            return ended.value
        told = answer(question)


def of_block(
    question: Question, X: np.ndarray, y: np.ndarray, w: np.ndarray,
    offset: np.ndarray | None, family: Family,
) -> Answer:  # fmt: skip
    """The answer of a block of fitted rows, in pieces of `block_rows`.

    Parameters
    ----------
    question : Question
    X : (n, p) float array
    y, w : (n,) float arrays
    offset : (n,) float array or None
    family : Family
    """
    p = X.shape[1]
    if isinstance(question, Move):
        if not y.size:
            return Reach(0.0, np.zeros(p))
        step = question.step
        return Reach(float(np.abs(X @ step).max()), np.abs(X * step).max(axis=0))
    if isinstance(question, Linked) and question.flat:
        gram = X.T @ (X * w[:, None])
        return Sums(gram, X.T @ w, float(w @ y), 0.0, float(w.sum()))
    if isinstance(question, Linked):
        target = kind_of(family).begin(y)
        if offset is not None:
            target = target - offset
        gram, cross = X.T @ (X * w[:, None]), X.T @ (w * target)
        return Sums(gram, cross, 0.0, 0.0, float(w.sum()))
    sums, total = np.zeros((p, p + 1)), 0.0
    reach = mass = 0.0
    size = block_rows(p)
    room = np.empty((min(size, y.size), p + 1))
    for first in range(0, y.size, size):
        rows = slice(first, first + size)
        part = X[rows]
        eta = linear_predictor(part, question.coef, None if offset is None else offset[rows])
        factor, curvature, likelihood = pieces(eta, y[rows], w[rows], family)
        both = room[: eta.size]
        np.multiply(part, curvature[:, None], out=both[:, :p])
        both[:, p] = factor
        sums += part.T @ both
        total += likelihood
        reach = max(reach, float(eta.max()), -float(eta.min()))
        mass += float(curvature.sum())
    return Sums(sums[:, :p], sums[:, p], total, reach, mass)


def block_rows(p: int) -> int:
    """Rows per block: small enough for BLAS to keep a product in one thread.

    Sums then do not depend on the number of threads, and a busy machine does not wait for them.
    """
    return int(np.clip(_ONE_THREAD // (p * p), 64, 4096))


def linear_predictor(X: np.ndarray, coef: np.ndarray, offset: np.ndarray | None) -> np.ndarray:
    """(n,) X coef + offset; a second, empty column keeps BLAS from splitting the product."""
    eta = np.ascontiguousarray((X @ np.stack([coef, np.zeros_like(coef)], axis=1))[:, 0])
    return eta if offset is None else eta + offset


def pieces(
    eta: np.ndarray, y: np.ndarray, w: np.ndarray, family: Family
) -> tuple[np.ndarray, np.ndarray, float]:
    """weight × ∂ℓ/∂η, weight × expected −∂²ℓ/∂η², log-likelihood of a block."""
    kind = kind_of(family)
    if kind == LOGIT:
        small = np.exp(-np.abs(eta))
        whole = 1.0 + small
        mu = np.where(eta >= 0.0, 1.0, small) / whole
        likelihood = float(w @ (y * eta - np.maximum(eta, 0.0) - np.log(whole)))
        return w * (y - mu), w * small / (whole * whole), likelihood
    if kind == IDENTITY:
        return w * (y - eta), w, -0.5 * float(w @ (y - eta) ** 2)
    with np.errstate(all="ignore"):
        mu = kind.mean(eta)
        residual, curvature = _working(eta, mu, y, kind)
        likelihood = -0.5 * float(np.sum(w * kind.deviance(y, mu)))
        return w * residual, w * curvature, likelihood


def working(eta: np.ndarray, y: np.ndarray, family: Family) -> tuple[np.ndarray, np.ndarray]:
    """∂ℓ/∂η and expected −∂²ℓ/∂η² per unit of weight, of any shape that ``y`` broadcasts to."""
    kind = kind_of(family)
    with np.errstate(all="ignore"):
        if kind == LOGIT:
            mu = np.exp(-eta)
            mu += 1.0
            np.reciprocal(mu, out=mu)
            return y - mu, mu * (1.0 - mu)
        return _working(eta, kind.mean(eta), y, kind)


def _working(eta: np.ndarray, mu: np.ndarray, y: np.ndarray, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    slope, variance = kind.slope(eta, mu), kind.variance(mu)
    factor = np.where(variance > 0, slope / variance, 0.0)
    return (y - mu) * factor, slope * factor


def response(eta: np.ndarray, family: Family) -> np.ndarray:
    """Inverse link: the mean at a linear predictor."""
    kind = kind_of(family)
    return expit(eta) if kind == LOGIT else kind.mean(eta)


def response_slope(eta: np.ndarray, mu: np.ndarray, family: Family) -> np.ndarray:
    """dμ/dη at a linear predictor."""
    return kind_of(family).slope(eta, mu)


def _step(
    family: Family, names: Sequence[str], now: Sums
) -> Generator[Question, Answer, np.ndarray]:
    scale = np.sqrt(np.maximum(np.diag(now.information), 1e-300))
    try:
        step = np.linalg.solve(now.information / np.outer(scale, scale), now.score / scale) / scale
    except np.linalg.LinAlgError:
        step = np.full(now.score.size, np.nan)
    if not np.isfinite(step).all():
        yield from _refuse_unconverged(family, names, np.nan_to_num(step, nan=1e6), 0)
    return step


def aliased(information: np.ndarray, names: Sequence[str]) -> dict[int, str]:
    """Columns that are a combination of earlier ones, with what they duplicate, in words.

    Parameters
    ----------
    information : (p, p) float array
        Weighted cross-products of the columns.
    names : sequence of str
    """
    diagonal = np.diag(information)
    kept: list[int] = []
    found: dict[int, str] = {}
    for j in range(information.shape[0]):
        if not diagonal[j] > 0:
            found[j] = f"{names[j]} is zero on every fitted row"
            continue
        if kept:
            scale = np.sqrt(diagonal[kept])
            gram = information[np.ix_(kept, kept)] / np.outer(scale, scale)
            slope = np.linalg.solve(gram, information[kept, j] / scale)
            left = diagonal[j] - slope @ (information[kept, j] / scale)
            if left <= _ALIASED * diagonal[j]:
                share = np.abs(slope) / np.sqrt(diagonal[j])
                others = [names[k] for k, s in zip(kept, share, strict=True) if s > 1e-6]
                found[j] = f"{names[j]} duplicates {' and '.join(others)}"
                continue
        kept.append(j)
    return found


def refuse_aliased(information: np.ndarray, names: Sequence[str]) -> None:
    """Raise on columns that are a combination of earlier ones, from the weighted cross-products."""
    found = aliased(information, names)
    if found:
        raise ModelError(
            "The predictors are collinear: " + "; ".join(found.values()) + ".",
            remedy="Leave these terms out of the formula or merge their categories.",
            ar="بعض المتغيرات المفسرة مكررة خطيًا؛ احذفها من الصيغة.",
        )


def _refuse_unconverged(
    family: Family, names: Sequence[str], step: np.ndarray, passes: int
) -> Generator[Question, Answer, None]:
    reach = (yield Move(step)).columns
    moving = [names[j] for j in np.flatnonzero(reach > _SEPARATED_STEP)]
    if moving and kind_of(family).name in ("binomial", "poisson", "negative_binomial"):
        raise SeparationError(
            "Separation: the outcome is predicted without error for some rows, so no finite "
            f"estimate exists. Terms that run away: {', '.join(moving)}.",
            remedy="Merge the categories that hold only one outcome, or leave the term out.",
            ar="فصل تام: بعض الفئات لا تحوي إلا نتيجة واحدة؛ ادمجها أو احذف المتغير.",
        )
    raise ModelError(
        f"The model did not converge in {passes} passes.",
        remedy="Rescale the predictors (age in decades, income in thousands) or simplify it.",
    )


def check_rows(count: int, p: int, low: float, high: float, family: Family) -> None:
    """Refuse too few fitted rows, or an outcome outside its range or without variation.

    Parameters
    ----------
    count, p : int
        Fitted rows and coefficients.
    low, high : float
        Least and largest outcome among the fitted rows.
    family : Family
    """
    if count <= p:
        raise ModelError(
            f"{count} rows with a weight and no missing value are left for {p} "
            "coefficients.",
            remedy="Check the missing values and the subpopulation, or use fewer terms.",
        )
    name = kind_of(family).name
    if name == "binomial" and (low < 0 or high > 1):
        raise ModelError(
            f"The outcome runs from {low:g} to {high:g}; a binomial model "
            "needs 0 and 1.",
            remedy="Recode the outcome to 1 (yes) and 0 (no).",
        )
    if name in ("poisson", "negative_binomial") and low < 0:
        raise ModelError(f"The outcome has negative values; a {name.replace('_', ' ')} model needs counts.",
                         remedy="Use family='gaussian' or recode.")
    if name == "gamma" and low <= 0:
        raise ModelError(f"The smallest outcome is {low:g}; a gamma model needs values above zero.",
                         remedy="Fit the positive values with .where('outcome > 0'), or use family='gaussian'.",
                         ar="يحتاج نموذج غاما إلى قيم أكبر من صفر؛ اقتصر على القيم الموجبة أو استعمل family='gaussian'.")
    if name != "gaussian" and low == high:
        raise ModelError(
            f"The outcome is {low:g} on all {count} fitted rows.",
            remedy="Choose an outcome that varies in this subpopulation.",
            ar="لا يتغير المتغير التابع في هذه الفئة.",
        )
