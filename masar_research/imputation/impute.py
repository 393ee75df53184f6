"""`survey.impute`: missing answers drawn many times, from models that know the design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research import expressions
from masar_research.errors import ModelError
from masar_research.imputation import passive
from masar_research.imputation import plan as plans
from masar_research.imputation.chain import Chain, Delta, walk
from masar_research.imputation.imputed import Imputed
from masar_research.imputation.watching import counted
from masar_research.models.matrix import names_in

if TYPE_CHECKING:
    from masar_research.survey import Survey


def impute(
    survey: Survey,
    variables: str | Sequence[str] | Mapping[str, str | None],
    *,
    rng: np.random.Generator,
    predictors: str | Sequence[str] = (),
    m: int = 20,
    iterations: int = 10,
    methods: Mapping[str, str] | None = None,
    donors: int = 5,
    design: Sequence[str] = plans.PARTS,
    weight_by: Sequence[str] = (),
    derived: Mapping[str, str] | None = None,
    among: str | None = None,
) -> Imputed:
    """Impute missing answers m times by chained equations that hold the design.

    Refusals, don't knows and blanks are drawn; "not asked" and "not applicable" never, unless the
    question was passed over because the answer that decides it is itself missing: within a chain a
    variable's universe is asked again of the answers imputed so far.

    Parameters
    ----------
    survey : Survey
        Whole; a subpopulation is taken of the result.
    variables : str, list of str, or mapping
        What to impute. A mapping gives a variable's predictors as the right-hand side of a formula:
        ``{"wage": "age + C(sex)*education", "education": None}``; None is the default: all other
        variables and `predictors`.
    rng : numpy.random.Generator
        The same state gives the same answers to the last bit, whatever the order of the rows.
    predictors : str or list of str
        Complete variables that help to predict.
    m, iterations : int
        Imputations; rounds over the variables in each.
    methods : mapping, optional
        Variable → ``"norm"`` (Bayesian linear), ``"pmm"`` (predictive mean matching), ``"logit"``,
        ``"ordered"`` (sequential logit, common slopes) or ``"multinomial"`` (sequential logit). By the
        codebook's level otherwise: two answers logit, nominal multinomial, ordinal up to seven answers
        ordered, the rest pmm.
    donors : int
        Nearest respondents among whom matching draws.
    design : list of {"strata", "weight", "psu"}
        What of the design enters every model: a constant per stratum, the log weight, a random
        intercept per primary sampling unit.
    weight_by : list of str
        Variables whose effects may differ with the log weight.
    derived : mapping, optional
        Variable → expression by which it follows from imputed ones, beside those the card derives.
    among : str, optional
        Condition: whose answers are imputed and imputed from.

    Returns
    -------
    Imputed

    Raises
    ------
    ModelError
        A subpopulation; nothing missing; fewer than ten answers; a predictor with gaps, or made from
        what it should predict; an unknown method, one that does not fit, or part of the design.

    Notes
    -----
    A missing y is drawn from p(y | x, strata, log w, PSU) with parameters drawn before: see
    docs/methods/imputation.md.

    References
    ----------
    van Buuren (2018), Flexible Imputation of Missing Data; Reiter, Raghunathan and Kinney (2006), Survey
    Methodology 32; Rubin (1987).

    Examples
    --------
    >>> import numpy as np, pandas as pd, masar_research as mr
    >>> draw = np.random.default_rng(1)
    >>> x = draw.normal(size=200)
    >>> frame = pd.DataFrame({"w": 1.0, "psu": np.arange(200) % 20, "x": x, "y": x + draw.normal(size=200)})
    >>> frame.loc[::4, "y"] = np.nan
    >>> survey = mr.Survey(frame, weights="w", psu="psu")
    >>> imputed = survey.impute("y", predictors="x", m=5, iterations=3, rng=np.random.default_rng(2))
    >>> imputed.m, imputed.mean("y").frame["fmi"].between(0, 1).all()
    (5, np.True_)
    """
    plan = make_plan(survey, variables, rng, (predictors,) if isinstance(predictors, str) else tuple(predictors),
                     m, iterations, dict(methods or {}), donors, tuple(design), tuple(weight_by), dict(derived or {}), among)
    return run(plan)


def run(plan: plans.Plan, delta: Delta | None = None, told: Mapping[str, str] | None = None) -> Imputed:
    """All chains of a plan."""
    with counted(len(plan.seeds) * plan.iterations) as progress:
        chains: list[Chain] = [walk(plan, seed, delta, progress) for seed in plan.seeds]
    return Imputed.of(plan, chains, told or {})


def make_plan(
    survey: Survey, variables: str | Sequence[str] | Mapping[str, str | None], rng: np.random.Generator,
    predictors: tuple[str, ...], m: int, iterations: int, methods: dict[str, str], donors: int,
    design: tuple[str, ...], weight_by: tuple[str, ...], derived: dict[str, str], among: str | None,
) -> plans.Plan:  # fmt: skip
    """The plan of an imputation, checked."""
    formulas = {k: v for k, v in variables.items() if v} if isinstance(variables, Mapping) else {}
    asked = (variables,) if isinstance(variables, str) else tuple(dict.fromkeys(variables))
    mentioned = {k: _mentioned(k, v) for k, v in formulas.items()}
    extra = {name for names in mentioned.values() for name in names if name in survey.frame.columns}
    helping = tuple(dict.fromkeys(n for n in (*predictors, *weight_by, *sorted(extra)) if n not in asked))
    _check(survey, asked, helping, methods, m, iterations, donors, design, rng)
    recipes, stale = passive.followers(survey, asked, derived)
    made_from = [n for n in helping if n in recipes or n in stale]
    if made_from:
        raise ModelError(
            f"{', '.join(made_from)} follow from what is imputed and cannot predict it.",
            remedy="Use the variables they are made from.",
            ar=f"«{'، '.join(made_from)}» مشتقة مما يُعوَّض فلا تصلح لتفسيره؛ استعمل المتغيرات التي اشتُقت منها.",
        )
    order, above = plans.ordered_targets(asked, survey, recipes)
    mask, passed = plans.taking_part(survey, (*asked, *(n for n in helping if _gaps(survey, n))), among)
    rows = plans.canonical(survey, mask)
    targets = tuple(plans.target(survey, n, rows, frozenset(asked), methods.get(n), recipes) for n in order)
    if not any(t.open.any() for t in targets):
        raise ModelError(
            f"Nothing is missing of {', '.join(asked)} that could be imputed.",
            remedy="Estimate from the survey itself. 'Not asked' and 'not applicable' are never imputed.",
            ar="لا توجد إجابات مفقودة قابلة للتعويض؛ استعمل المسح نفسه. ما لم يُسأل عنه وما لا ينطبق لا يُعوَّضان أبداً.",
        )
    fixed = {n: plans.fixed(survey, n, rows) for n in helping}
    below = {n: plans._parents(survey.codebook[n].universe if n in survey.codebook else None, frozenset(asked), recipes)
             for n in helping}
    used = {}
    for name in order:
        free = [n for n in order if n != name and name not in above[n]]
        free += [n for n in helping if name not in below[n]]
        chosen = [n for n in free if n in mentioned[name]] if name in formulas else free
        lost = (mentioned[name] & {*order, *helping}) - set(chosen) if name in formulas else set()
        if lost:
            raise ModelError(
                f"The formula of {name!r} names {', '.join(sorted(lost))}, whose universe depends on it.",
                remedy="Leave it out of the formula.",
                ar=f"صيغة «{name}» تذكر ما يتوقف مجاله عليه؛ احذفه من الصيغة.",
            )
        used[name] = tuple(chosen)
    strata, unit, weight, facts = _design(survey, rows, design)
    facts = {**facts, "no_interview": passed, "among": among, "taking_part": len(rows), "predictors": helping,
             "weight_by": weight_by, "m": m, "iterations": iterations, "donors": donors}
    if weight_by and weight is None:
        raise ModelError("weight_by needs the weight, which varies not or is left out of design.",
                         remedy="Leave weight_by out.", ar="لا معنى لـ weight_by بلا أوزان متفاوتة؛ احذفه.")
    seeds = tuple(int(s) for s in rng.integers(0, 2**63 - 1, size=m))
    return plans.Plan(survey, rows, targets, fixed, recipes, stale, formulas, used, strata, unit, weight,
                      weight_by, donors, iterations, seeds, facts)


def _mentioned(name: str, formula: str) -> set[str]:
    """Names of a formula's right-hand side."""
    try:
        return set(names_in(formula))
    except SyntaxError as error:
        raise ModelError(
            f"The formula {formula!r} of {name!r} cannot be read: {error}.",
            remedy="Write the right-hand side alone, for example 'age + C(sex)*education'.",
            ar=f"لا يمكن قراءة صيغة المتغيّر «{name}»؛ اكتب طرفها الأيمن فقط.",
        ) from error


def _gaps(survey: Survey, name: str) -> bool:
    return bool(expressions.is_missing(survey.frame[name].to_numpy()).any())


def _check(
    survey: Survey, asked: tuple[str, ...], helping: tuple[str, ...], methods: Mapping[str, str], m: int,
    iterations: int, donors: int, design: tuple[str, ...], rng: object,
) -> None:  # fmt: skip
    if survey.mask is not None:
        raise ModelError(
            f"Only a whole survey is imputed, not the subpopulation {' and '.join(survey.base)!r}.",
            remedy="Impute first, then take imputed.where(...); or restrict the rows by among=.",
            ar="يُعوَّض المسح كله لا فئة منه؛ عوّض أولاً ثم استعمل where على النتيجة.",
        )
    if not isinstance(rng, np.random.Generator):
        raise ModelError("rng must be a numpy.random.Generator.", remedy="Give rng=numpy.random.default_rng(2026).",
                         ar="يجب أن يكون rng مولّد أعداد عشوائية من numpy؛ مثلاً numpy.random.default_rng(2026).")
    if not asked:
        raise ModelError("No variable was named to impute.", remedy="Name at least one.",
                         ar="لم يُذكر متغيّر للتعويض؛ اذكر واحداً على الأقل.")
    for name in (*asked, *helping):
        survey.coded(name)
    roles = {survey.roles["weights"], survey.roles["strata"], *survey.roles["psu"]}
    if roles & set(asked):
        raise ModelError(f"{', '.join(sorted(roles & set(asked)))}: the design is not imputed.",
                         remedy="Correct it in the source.", ar="متغيرات التصميم لا تُعوَّض؛ صحّحها في المصدر.")
    for name, value, least in (("m", m, 2), ("iterations", iterations, 1), ("donors", donors, 1)):
        if not isinstance(value, int) or value < least:
            raise ModelError(f"{name}={value!r}: a whole number from {least} on is needed.",
                             remedy=f"Give {name}={max(least, 5)}.", ar=f"يلزم عدد صحيح لا يقل عن {least} في {name}.")
    odd = [n for n in methods if n not in asked]
    if odd:
        raise ModelError(f"methods names {', '.join(odd)}, which is not imputed.", remedy="Name it among variables.",
                         ar="تذكر methods متغيّراً لا يُعوَّض؛ أضِفه إلى المتغيرات.")
    wrong = [part for part in design if part not in plans.PARTS]
    if wrong:
        raise ModelError(f"design={wrong[0]!r} is no part of a design.", remedy=f"Use {', '.join(plans.PARTS)}.",
                         ar="جزء التصميم غير معروف؛ استعمل strata أو weight أو psu.")


def _design(survey: Survey, rows: np.ndarray, parts: tuple[str, ...]):
    """Strata, units and log weight as the models see them, and what was done, in words."""
    strata = unit = weight = None
    facts: dict[str, object] = {}
    frame = survey.frame
    stratum = survey.roles["strata"]
    psu = survey.roles["psu"][0] if survey.roles["psu"] else None
    if "strata" in parts and stratum is not None:
        codes, labels = pd.factorize(frame[stratum].to_numpy()[rows])
        few = len(labels) <= plans.MOST_STRATA
        strata = codes if few and len(labels) > 1 else None
        facts["strata"] = f"{len(labels)} constants" if few else f"{len(labels)} are too many for constants: left out"
    if "psu" in parts and psu is not None:
        within = [frame[name].to_numpy()[rows] for name in (stratum, psu) if name is not None]
        key = pd.factorize(pd.MultiIndex.from_arrays(within))[0] if len(within) > 1 else pd.factorize(within[0])[0]
        count = int(key.max()) + 1
        usable = 5 <= count < len(rows)
        unit = key.astype(np.int64) if usable else None
        facts["psu"] = f"random intercepts of {count} units" if usable else f"{count} units: no intercepts of their own"
    if "weight" in parts:
        log = np.log(survey.design.weights[rows])
        weight = log - log.mean() if np.ptp(log) > 1e-12 else None
        facts["weight"] = "log weight" if weight is not None else "equal weights"
    left = [part for part in plans.PARTS if part not in facts]
    facts["left_out"] = tuple(left)
    return strata, unit, weight, facts
