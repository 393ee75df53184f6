"""Values as displayed text, one way for each spec."""

from __future__ import annotations

from masar_research.briefs.document import Lang
from masar_research.briefs.gate import Cell
from masar_research.briefs.words import read_spec
from masar_research.errors import BriefError
from masar_research.present import numbers
from masar_research.present.magnitude import magnitude
from masar_research.present.pieces import flat

USUAL = {"share": "percent", "points": "points", "number": "number"}
INTERVAL_UNITS = {"share": "percent", "points": "points", "number": "number"}


def way(spec: str, unit: str) -> str:
    """The full name of a way of showing, as the ledger keys it."""
    name, digits, case = read_spec(spec) if spec else (USUAL[unit], None, None)
    name = USUAL[unit] if name == "value" else name
    return name + ("" if digits is None else f".{digits}") + (f",{case}" if case else "")


def cell(found: Cell, spec: str, lang: Lang) -> str:
    """A cell that may be shown, as text without directional controls."""
    row, unit = found.row, found.block.unit
    name, digits, case = read_spec(spec or USUAL[unit])
    name = USUAL[unit] if name == "value" else name
    value = _known(row.estimate, found, name)
    match name:
        case "percent":
            return numbers.percent(value, lang, 1 if digits is None else digits)
        case "points" | "size":
            return numbers.points(
                abs(value) if name == "size" else value,
                lang,
                1 if digits is None else digits,
                case=case or "nominative",
            )
        case "number":
            return numbers.number(value, lang, _digits(value, digits))
        case "n":
            return numbers.number(_known(row.n, found, name), lang)
        case "low" | "high":
            end = _known(row.conf_low if name == "low" else row.conf_high, found, name)
            return _one(end, unit, lang, digits)
        case "ci" | "range":
            low, high = _known(row.conf_low, found, name), _known(row.conf_high, found, name)
            return _interval(low, high, unit, lang, digits, short=name == "range")
        case "magnitude":
            low, high = _known(row.conf_low, found, name), _known(row.conf_high, found, name)
            words = magnitude(value, low, high, lang)
            return flat(words) if words else numbers.percent(value, lang, 1)
    raise BriefError(
        f"{found.address} cannot be shown as {name!r}.",
        remedy="Use percent, points, size, number, ci, range, low, high, n or magnitude.",
    )


def plain(value: int | float, spec: str, lang: Lang) -> tuple[str, str]:
    """A parameter or fact: its way of showing and its text."""
    name, digits, _ = read_spec(spec)
    match name:
        case "year":
            return "year", str(int(value))
        case "percent":
            default = 0 if float(value * 100).is_integer() else 1
            return "percent", numbers.percent(value, lang, default if digits is None else digits)
        case "number" | "n" | "value":
            return "number", numbers.number(value, lang, _digits(value, digits))
    raise BriefError(
        f"The value {value!r} cannot be shown as {name!r}.", remedy="Use number, percent or year."
    )


def _digits(value: float, asked: int | None) -> int:
    if asked is not None:
        return asked
    return 0 if float(value).is_integer() or abs(value) >= 1000 else 1 if abs(value) >= 10 else 2


def _one(value: float, unit: str, lang: Lang, digits: int | None) -> str:
    if unit == "number":
        return numbers.number(value, lang, _digits(value, digits))
    if unit == "points":
        return numbers.points(value, lang, 1 if digits is None else digits)
    return numbers.percent(value, lang, 1 if digits is None else digits)


def _interval(low: float, high: float, unit: str, lang: Lang, digits: int | None, short: bool) -> str:
    places = max(_digits(low, digits), _digits(high, digits)) if unit == "number" else 1
    places = places if digits is None else digits
    if not short:
        return numbers.interval(low, high, lang, INTERVAL_UNITS[unit], digits=places)
    first, second, _ = numbers.interval_parts(low, high, lang, INTERVAL_UNITS[unit], digits=places)
    if low >= 0 and high >= 0:
        return f"{first.removesuffix('%')}–{second}"
    return f"من {first} إلى {second}" if lang == "ar" else f"{first} to {second}"


def _known(value: float | None, found: Cell, name: str) -> float:
    if value is None:
        raise BriefError(
            f"{found.address} has no value to be shown as {name!r}.",
            remedy="Show another statistic of it, or leave the row out.",
        )
    return value
