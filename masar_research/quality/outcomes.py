"""AAPOR's outcome rates from the final dispositions of a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from masar_research.codebook import Text
from masar_research.errors import ParameterError
from masar_research.quality.findings import Checked, Desk, skipped

if TYPE_CHECKING:
    from masar_research.quality.material import Material

DISPOSITIONS = ("I", "P", "R", "NC", "O", "UH", "UO", "NE")
RESPONSE = ("RR1", "RR2", "RR3", "RR4", "RR5", "RR6")
RATES = (
    *RESPONSE, "COOP1", "COOP2", "COOP3", "COOP4", "REF1", "REF2", "REF3", "CON1", "CON2", "CON3",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How the codes of a disposition variable are to be read, and which rate the study quotes.

    Attributes
    ----------
    variable : str
        Column of dispositions.
    codes : mapping
        Code → ``"I"`` complete, ``"P"`` partial, ``"R"`` refusal or break-off, ``"NC"`` non-contact, ``"O"``
        other eligible non-interview, ``"UH"`` unknown if a household, ``"UO"`` unknown other, ``"NE"`` not
        eligible.
    rate : {"RR1", …, "RR6"}
        The response rate that is quoted; a bare "response rate" says nothing.
    substitution : bool
        Whether units that gave no interview could be replaced by others.
    e : float or None
        Share of the unknown cases that are eligible, 0 to 1; None estimates it (see `outcome_rates`).
    e_basis : Text or None
        How a given `e` was found.

    Raises
    ------
    ParameterError
        If a disposition or the rate is not one of AAPOR's, or a given `e` has no basis.
    """

    variable: str
    codes: Mapping[float | str, str]
    rate: str
    substitution: bool
    e: float | None = None
    e_basis: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.codes.values()) - set(DISPOSITIONS))
        if unknown:
            raise ParameterError(
                f"{', '.join(unknown)} is no disposition of AAPOR.", remedy=f"Use {', '.join(DISPOSITIONS)}."
            )
        if self.rate not in RESPONSE:
            raise ParameterError(
                f"The response rate needs its code, found {self.rate!r}.", remedy=f"Use {', '.join(RESPONSE)}."
            )
        if not isinstance(self.substitution, bool):
            raise ParameterError(
                "Whether substitution was allowed must be said.", remedy="Give substitution: true or false."
            )
        if self.e is not None and self.e_basis is None:
            raise ParameterError(
                f"e = {self.e} was given without saying how it was found.",
                remedy="Give e_basis in English and Arabic, or leave e out: it is then estimated from the known cases.",
            )
        codes = {code if isinstance(code, str) else float(code): value for code, value in self.codes.items()}
        object.__setattr__(self, "codes", codes)


@dataclass(frozen=True, slots=True)
class Rates:
    """Outcome rates of one sample.

    Attributes
    ----------
    counts : dict
        Disposition → cases (or their weights).
    e : float
        Share of unknown cases taken as eligible.
    e_method : {"given", "proportional", "not needed"}
    values : dict
        ``"RR1"`` … ``"CON3"`` → rate; NaN where nothing stands below the line.
    """

    counts: dict[str, float]
    e: float
    e_method: str
    values: dict[str, float]


def outcome_rates(counts: Mapping[str, float], e: float | None = None) -> Rates:
    r"""AAPOR's response, cooperation, refusal and contact rates.

    With :math:`N=I+P+R+NC+O` the known eligible and :math:`U=UH+UO` the unknown cases:
    RR1 = I/(N+U), RR3 = I/(N+eU), RR5 = I/N; RR2, RR4, RR6 with I+P above the line;
    COOP1 = I/(I+P+R+O), COOP3 = I/(I+P+R), COOP2 and COOP4 with I+P; REF1–3 = R and CON1–3 = I+P+R+O over
    the three denominators of RR1, RR3, RR5.

    Parameters
    ----------
    counts : mapping
        ``"I" "P" "R" "NC" "O" "UH" "UO" "NE"`` → cases, or sums of base weights; absent ones are 0.
    e : float, optional
        Share of the unknown cases that are eligible. Without it the proportional (CASRO) estimate
        N/(N+NE), NE the known ineligible.

    Returns
    -------
    Rates

    Raises
    ------
    ParameterError
        If a count is negative, unknown or not finite, or `e` lies outside 0 to 1.

    References
    ----------
    AAPOR, Standard Definitions, 10th edition (2023).

    Examples
    --------
    >>> rates = outcome_rates(dict(I=1000, P=50, R=300, NC=150, O=20, UH=100, UO=50), e=0.8)
    >>> round(rates.values["RR1"], 4), round(rates.values["RR4"], 4), round(rates.values["COOP3"], 4)
    (0.5988, 0.6402, 0.7407)
    """
    strange = sorted(set(counts) - set(DISPOSITIONS))
    if strange:
        raise ParameterError(
            f"{', '.join(map(str, strange))} is no disposition of AAPOR.", remedy=f"Use {', '.join(DISPOSITIONS)}."
        )
    whole = {name: float(counts.get(name, 0)) for name in DISPOSITIONS}
    wrong = [name for name, count in whole.items() if not math.isfinite(count) or count < 0]
    if wrong:
        raise ParameterError(f"The count of {', '.join(wrong)} is no number of cases.", remedy="Give counts of 0 or more.")
    if e is not None and not 0 <= e <= 1:
        raise ParameterError(f"e is a share between 0 and 1, found {e}.", remedy="Give the eligible share of the unknown cases.")
    i, p, r, nc, o, uh, uo, ne = whole.values()
    known, unknown = i + p + r + nc + o, uh + uo
    method = "given" if e is not None else "proportional" if unknown else "not needed"
    share = e if e is not None else known / (known + ne) if known + ne else 1.0
    below = (known + unknown, known + share * unknown, known)
    values = {}
    for k, base in enumerate(below):
        values[f"RR{2 * k + 1}"], values[f"RR{2 * k + 2}"] = _over(i, base), _over(i + p, base)
    for k, base in enumerate((i + p + r + o, i + p + r)):
        values[f"COOP{2 * k + 1}"], values[f"COOP{2 * k + 2}"] = _over(i, base), _over(i + p, base)
    for k, base in enumerate(below):
        values[f"REF{k + 1}"], values[f"CON{k + 1}"] = _over(r, base), _over(i + p + r + o, base)
    return Rates(whole, float(share), method, {name: values[name] for name in RATES})


def _over(above: float, below: float) -> float:
    return above / below if below else math.nan


def counted(values: np.ndarray, codes: Mapping[float | str, str], weights: np.ndarray | None = None) -> dict[str, float]:
    """Cases per disposition.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Codes of the disposition variable.
    codes : mapping
        Code → disposition.
    weights : ndarray, shape (n,), optional
        Base weights: the rates then speak of the population of the frame.
    """
    weights = np.ones(len(values)) if weights is None else np.nan_to_num(weights)
    return {
        name: float(sum(weights[values == code].sum() for code, each in codes.items() if each == name))
        for name in DISPOSITIONS
    }


def check_outcomes(material: Material) -> Checked:
    """Outcome rates of the sample; the quoted rate with its code and whether substitution was allowed."""
    given = material.outcomes
    if given is None:
        return skipped(
            "outcomes",
            "No mapping of dispositions was given (outcomes: in the survey card): response rates cannot be computed.",
            "لم تُحدَّد دلالة رموز نتيجة الزيارة (outcomes: في بطاقة المسح)، فلا يمكن حساب معدلات الاستجابة.",
        )
    desk = Desk("outcomes", material.rows)
    values = material.frame[given.variable].to_numpy()
    unmapped = ~np.isin(values, list(given.codes))
    if unmapped.any():
        desk.find(
            "unmapped_disposition", "error",
            Text(en=f"{int(unmapped.sum()):,} rows have a disposition outside the mapping; the rates leave them out.",
                 ar=f"نتيجة الزيارة في سجلات عددها {int(unmapped.sum()):,} خارج الرموز المحددة، وقد استُبعدت من المعدلات."),
            Text(en="Give every code its disposition, blanks too.", ar="حدّد دلالة كل رمز، بما في ذلك الخانات الفارغة."),
            at=unmapped, variable=given.variable,
        )  # fmt: skip
    rates = outcome_rates(counted(values, given.codes), given.e)
    desk.figures |= {"counts": rates.counts, "e": rates.e, "e_method": rates.e_method, "rates": rates.values,
                     "quoted": given.rate, "substitution": given.substitution}  # fmt: skip
    quoted = rates.values[given.rate]
    allowed = ("allowed", "كان مسموحاً") if given.substitution else ("not allowed", "لم يكن مسموحاً")
    desk.say(
        f"Response rate {given.rate} = {quoted:.1%}; substitution was {allowed[0]}.",
        f"معدل الاستجابة {given.rate} يساوي {quoted:.1%}؛ واستبدال الوحدات {allowed[1]}.",
    )
    if given.substitution:
        desk.find(
            "substitution", "warning",
            Text(en="Substitution was allowed: a rate that leaves replaced units out is too high.",
                 ar="كان استبدال الوحدات مسموحاً: أي معدل لا يحتسب الوحدات المستبدلة أعلى من الواقع."),
            Text(en="Count every unit drawn first, the replaced ones as what they were (R, NC, O).",
                 ar="احتسب كل وحدة سُحبت أولاً، والمستبدلة منها بحسب نتيجتها (رفض، عدم اتصال، أخرى)."),
            variable=given.variable, count=0,
        )  # fmt: skip
    _say_e(desk, rates, given)
    weight = material.role("weight")
    if weight is not None and weight.dtype.kind == "f":
        weighted = outcome_rates(counted(values, given.codes, weight), given.e)
        desk.figures["rates_weighted"] = weighted.values
        desk.say(
            f"With base weights {given.rate} = {weighted.values[given.rate]:.1%}.",
            f"بأوزان التصميم {given.rate} يساوي {weighted.values[given.rate]:.1%}.",
        )
    _by_area(desk, material, values, given)
    return desk.done()


def _say_e(desk: Desk, rates: Rates, given: Outcomes) -> None:
    if rates.e_method == "not needed":
        desk.say("No case is of unknown eligibility; e is not needed.", "لا توجد حالات مجهولة الأهلية، فلا حاجة إلى e.")
    elif rates.e_method == "given":
        basis = given.e_basis or {}
        desk.say(f"e = {rates.e:.3f}, given: {basis.get('en', '')}", f"e = {rates.e:.3f}، قيمة معطاة: {basis.get('ar', '')}")
    else:
        desk.say(
            f"e = {rates.e:.3f}, estimated from the known cases (proportional allocation, CASRO).",
            f"e = {rates.e:.3f}، مقدّرة من الحالات المعروفة (التوزيع النسبي، CASRO).",
        )


def _by_area(desk: Desk, material: Material, values: np.ndarray, given: Outcomes) -> None:
    groups = material.groups("area")
    if groups is None:
        return
    codes, areas = groups
    table: list[dict[str, Any]] = []
    for k, area in enumerate(areas):
        here = counted(values[codes == k], given.codes)
        table.append({"area": area, "n": int((codes == k).sum()), "rate": outcome_rates(here, given.e).values[given.rate]})
    desk.figures["by_area"] = table
