"""Conditions of an XLSForm (XPath) as expressions of this project, true of the same rows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from masar_research.errors import DataError
from masar_research.expressions import parse

_TOKEN = re.compile(
    r"""\s*(?:\$\{\s*(?P<ref>[^}]+?)\s*\}|(?P<text>'[^']*'|"[^"]*")|(?P<number>\d+(?:\.\d*)?|\.\d+)"""
    r"""|(?P<op><=|>=|!=|==|=|<|>|\+|-|\*|\(|\)|,)|(?P<path>/[\w./-]*\w)|(?P<word>[A-Za-z_][\w:.-]*))\s*"""
)
_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\ufeff": None})
# ``if`` writes its test twice: a few inside each other are more than anybody reads.
_DEEPEST, _BRANCHES = 60, 8
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_TURNED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_TEST = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the answer to a question stands.

    Attributes
    ----------
    column : str or None
        Its column; None where only the options of a multi-select have columns.
    kind : {"number", "text", "date", "multiple"}
    options : mapping
        Of a multi-select: option → its 0/1 column.
    codes : tuple of str
        Of a choice kept as text: the codes of its list.
    """

    column: str | None
    kind: str
    options: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """To whom a question was put: ``text`` is an expression, or None with the reason ``why``.

    Both are None where the question was put to everybody.
    """

    text: str | None
    why: str | None = None


class _Beyond(Exception):
    """A piece of a condition that expressions cannot say."""


def universe(conditions: Sequence[str], answers: Mapping[str, Answer]) -> Asked:
    """XLSForm conditions as one expression of this project.

    A form compares a blank answer as an empty text: ``${a} != 'x'`` and ``not(${a} = 'x')`` hold for a
    blank, ``${a} < 5`` does not. Here a blank is unknown, so the expression says it: ``missing(a) or
    a != 'x'``. It is true of exactly the rows for which the form asks.

    Parameters
    ----------
    conditions : sequence of str
        All of which must hold: those of the groups around a question, and its own.
    answers : mapping
        Question name in the form → `Answer`.

    Returns
    -------
    Asked

    Examples
    --------
    >>> universe(["${age} >= 15", "not(selected(${why}, 'ill'))"],
    ...          {"age": Answer("age", "number"), "why": Answer("why", "text")}).text
    "age >= 15 and (missing(why) or why != 'ill')"
    """
    parts: list[str | bool] = []
    try:
        for text in dict.fromkeys(conditions):
            parts.append(_condition(_tree(text), False, answers))
        whole = _joined(parts, "and")
    except _Beyond as beyond:
        return Asked(None, str(beyond))
    except RecursionError:
        return Asked(None, "it is nested too deeply")
    if whole is True:
        return Asked(None)
    if whole is False:
        return Asked(None, "it never holds")
    try:
        return Asked(parse(whole).text)
    except DataError:
        return Asked(None, "it cannot be written as an expression")


def references(condition: str) -> frozenset[str]:
    """The questions a condition names.

    Examples
    --------
    >>> sorted(references("selected(${a}, 'x') and ${b} > 1"))
    ['a', 'b']
    """
    return frozenset(name.strip() for name in re.findall(r"\$\{([^}]+)\}", condition))


def _tree(text: str) -> tuple:
    tokens = _tokens(text)
    if tokens.count(("word", "if")) > _BRANCHES:
        raise _Beyond("it branches too often")
    tree, at = _or(tokens, 0, 0)
    if at != len(tokens):
        raise _Beyond(f"it cannot be read after {tokens[at][1]!r}")
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    text, at, out = text.translate(_QUOTES).strip(), 0, []
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise _Beyond(f"it holds {text[at : at + 12]!r}")
        at = match.end()
        kind = match.lastgroup or ""
        value = match[kind]
        if kind == "text":
            value = value[1:-1]
        elif kind == "path":
            kind, value = "ref", value.rsplit("/", 1)[-1]
        elif kind == "word":
            value = value if value in ("and", "or", "div", "mod") else value.lower()
        elif kind == "op" and value == "=":
            value = "=="
        out.append((kind, value))
    return out


def _chain(tokens: list, at: int, depth: int, words: tuple, below) -> tuple[tuple, int]:
    left, at = below(tokens, at, depth)
    while at < len(tokens) and tokens[at][0] in ("op", "word") and tokens[at][1] in words:
        word = tokens[at][1]
        right, at = below(tokens, at + 1, depth)
        left = (word, left, right)
    return left, at


def _or(tokens: list, at: int, depth: int) -> tuple[tuple, int]:
    if depth > _DEEPEST:
        raise _Beyond("it is nested too deeply")
    return _chain(tokens, at, depth, ("or",), _and)


def _and(tokens: list, at: int, depth: int) -> tuple[tuple, int]:
    return _chain(tokens, at, depth, ("and",), _equal)


def _equal(tokens: list, at: int, depth: int) -> tuple[tuple, int]:
    return _chain(tokens, at, depth, ("==", "!="), _order)


def _order(tokens: list, at: int, depth: int) -> tuple[tuple, int]:
    return _chain(tokens, at, depth, ("<", "<=", ">", ">="), _sum)


def _sum(tokens: list, at: int, depth: int) -> tuple[tuple, int]:
    return _chain(tokens, at, depth, ("+", "-"), _product)


def _product(tokens: list, at: int, depth: int) -> tuple[tuple, int]:
    return _chain(tokens, at, depth, ("*", "div", "mod"), _piece)


def _piece(tokens: list, at: int, depth: int) -> tuple[tuple, int]:
    if at >= len(tokens):
        raise _Beyond("it breaks off")
    kind, value = tokens[at]
    if kind == "op" and value == "-":
        inner, at = _piece(tokens, at + 1, depth + 1) if depth < _DEEPEST else _or(tokens, at, depth + 1)
        return (("number", -inner[1]) if inner[0] == "number" else ("-", ("number", 0.0), inner)), at
    if kind == "op" and value == "(":
        inner, at = _or(tokens, at + 1, depth + 1)
        return inner, _close(tokens, at)
    if kind in ("ref", "text"):
        return (kind, value), at + 1
    if kind == "number":
        return ("number", float(value)), at + 1
    if kind == "word" and at + 1 < len(tokens) and tokens[at + 1] == ("op", "("):
        arguments, at = [], at + 2
        while at < len(tokens) and tokens[at] != ("op", ")"):
            argument, at = _or(tokens, at, depth + 1)
            arguments.append(argument)
            if at < len(tokens) and tokens[at] == ("op", ","):
                at += 1
        return ("call", value, arguments), _close(tokens, at)
    raise _Beyond(f"it holds {value!r}")


def _close(tokens: list, at: int) -> int:
    if at >= len(tokens) or tokens[at] != ("op", ")"):
        raise _Beyond("a parenthesis is not closed")
    return at + 1


def _joined(parts: list[str | bool], word: str) -> str | bool:
    decided = word == "or"
    if decided in parts:
        return decided
    texts = list(dict.fromkeys(part for part in parts if isinstance(part, str)))
    if not texts:
        return not decided
    if len(texts) == 1:
        return texts[0]
    other = " and " if word == "or" else " or "
    return f" {word} ".join(f"({text})" if other in text and not _whole(text) else text for text in texts)


def _whole(text: str) -> bool:
    """Whether a text is one pair of parentheses with everything inside."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth = 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and k < len(text) - 1:
            return False
    return True


def _condition(node: tuple, negated: bool, answers: Mapping[str, Answer]) -> str | bool:
    match node:
        case ("or" | "and" as word, left, right):
            word = {"or": "and", "and": "or"}[word] if negated else word
            return _joined([_condition(side, negated, answers) for side in (left, right)], word)
        case ("call", "not", [inner]):
            return _condition(inner, not negated, answers)
        case ("call", "boolean", [inner]) if inner[0] not in ("ref", "text", "number"):
            return _condition(inner, negated, answers)
        case ("call", "true" | "false" as word, []):
            return (word == "true") != negated
        case ("call", "selected", [("ref", name), ("text", option)]):
            return _selected(_answer(name, answers), option.strip(), negated)
        case ("call", "if", [test, yes, no]):
            return _branches(test, _condition(yes, negated, answers), _condition(no, negated, answers), answers)
        case ("==" | "!=" | "<" | "<=" | ">" | ">=" as op, left, right):
            return _comparison(op, left, right, negated, answers)
        case ("call", name, _):
            raise _Beyond(f"the function {name}() has no counterpart")
    raise _Beyond("it holds a value where a condition is expected")


def _branches(test: tuple, yes: str | bool, no: str | bool, answers: Mapping[str, Answer]) -> str | bool:
    first = _joined([_condition(test, False, answers), yes], "and")
    second = _joined([_condition(test, True, answers), no], "and")
    return _joined([first, second], "or")


def _answer(name: str, answers: Mapping[str, Answer]) -> Answer:
    if name not in answers:
        raise _Beyond(f"the answer to {name} is not in this table")
    return answers[name]


def _selected(answer: Answer, option: str, negated: bool) -> str | bool:
    if answer.kind != "multiple":
        return _against(answer, "==", option, negated)
    if option not in answer.options:
        raise _Beyond(f"the option {option!r} is not in the list")
    column = answer.options[option]
    return f"(missing({column}) or {column} != 1)" if negated else f"{column} == 1"


def _comparison(op: str, left: tuple, right: tuple, negated: bool, answers: Mapping) -> str | bool:
    for first, second, sign in ((left, right, op), (right, left, _TURNED[op])):
        if first[:2] == ("call", "if") and len(first[2]) == 3 and second[0] in ("text", "number"):
            test, yes, no = first[2]
            sides = (_comparison(sign, side, second, negated, answers) for side in (yes, no))
            return _branches(test, *sides, answers)
    left, right = _plain(left), _plain(right)
    constants = ("text", "number")
    if left[0] in constants and right[0] in constants:
        return _holds(op, left, right) != negated
    if left[0] in constants:
        left, right, op = right, left, _TURNED[op]
    match left, right:
        case ("call", "string-length", [("ref", name)]), ("number", number):
            return _length(_answer(name, answers), op, number, negated)
        case ("call", "count-selected", [("ref", name)]), ("number", number):
            return _counted(_answer(name, answers), op, number, negated)
    if left[0] == "ref" and right[0] in constants:
        value = right[1]
        return _against(_answer(left[1], answers), op, value, negated)
    if left[0] == "ref" and right[0] == "ref" and op in ("==", "!="):
        return _alike(_answer(left[1], answers), _answer(right[1], answers), (op == "==") != negated)
    used: list[str] = []
    one, two = _number(left, answers, used), _number(right, answers, used)
    return _numeric(one, op, two, used, negated)


def _plain(node: tuple) -> tuple:
    """A value without the functions that change nothing of it here."""
    while node[0] == "call" and node[1] in ("number", "string", "date", "int") and len(node[2]) == 1:
        if node[1] == "int" and node[2][0][0] != "number":
            break
        node = node[2][0]
    return node


def _holds(op: str, left: tuple, right: tuple) -> bool:
    if left[0] == right[0] == "text" and op in ("==", "!="):
        return _TEST[op](left[1], right[1])
    one, two = (float(value) if _is_number(value) else math.nan for value in (left[1], right[1]))
    return bool(_TEST[op](one, two))


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return True
    return bool(re.fullmatch(r"\s*-?(?:\d+(?:\.\d*)?|\.\d+)\s*", str(value)))


def _against(answer: Answer, op: str, value: str | float, negated: bool) -> str | bool:
    """An answer compared with a constant."""
    column = answer.column
    if column is None:
        raise _Beyond("a multi-select is compared as a whole")
    if value == "" and op in ("==", "!="):
        return f"missing({column})" if (op == "==") != negated else f"not missing({column})"
    if value == "":
        return negated
    if answer.kind == "number":
        if not _is_number(value):
            return (op == "!=") != negated
        return _numeric(column, op, f"{float(value):.15g}", [column], negated)
    if answer.kind == "date":
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise _Beyond("a date is compared with something else")
        return _numeric(column, op, repr(value), [column], negated)
    if isinstance(value, str) and op in ("==", "!="):
        return _numeric(column, op, repr(value), [column], negated)
    if answer.kind == "multiple" or not answer.codes:
        raise _Beyond(f"{column} holds text and is compared as a number")
    wanted = float(value) if _is_number(value) else math.nan
    codes = [c for c in answer.codes if _TEST[op](float(c) if _is_number(c) else math.nan, wanted)]
    if op == "!=":
        rest = [code for code in answer.codes if code not in codes]
        return _listed(column, rest, not negated)
    return _listed(column, codes, negated)


def _listed(column: str, codes: list[str], negated: bool) -> str | bool:
    if not codes:
        return negated
    text = f"{column} == {codes[0]!r}" if len(codes) == 1 else f"{column} in {codes!r}"
    if not negated:
        return text
    text = f"{column} != {codes[0]!r}" if len(codes) == 1 else f"{column} not in {codes!r}"
    return f"(missing({column}) or {text})"


def _numeric(one: str, op: str, two: str, used: list[str], negated: bool) -> str:
    """A comparison that is false for a blank, as written; ``!=`` and negations hold for a blank."""
    sign = _OPPOSITE[op] if negated else op
    text = f"{one} {sign} {two}"
    blank = op == "!=" if not negated else op != "!="
    if not blank:
        return text
    gone = " or ".join(f"missing({name})" for name in dict.fromkeys(used))
    return f"({gone} or {text})" if gone else text


def _alike(one: Answer, two: Answer, same: bool) -> str:
    a, b = one.column, two.column
    if a is None or b is None or one.kind != two.kind:
        raise _Beyond("answers of different kinds are compared")
    if same:
        return f"({a} == {b} or (missing({a}) and missing({b})))"
    return f"({a} != {b} or (missing({a}) and not missing({b})) or (not missing({a}) and missing({b})))"


def _length(answer: Answer, op: str, value: float, negated: bool) -> str:
    given = {(">", 0.0): True, (">=", 1.0): True, ("!=", 0.0): True, ("==", 0.0): False, ("<", 1.0): False}
    if (op, value) not in given or answer.column is None:
        raise _Beyond("the length of a text is measured")
    return f"not missing({answer.column})" if given[op, value] != negated else f"missing({answer.column})"


def _counted(answer: Answer, op: str, value: float, negated: bool) -> str:
    """``count-selected``: the sum of the options' columns; none at all where the answer is blank."""
    columns = list(answer.options.values())
    if not columns:
        raise _Beyond("the options counted are not in this table")
    sign = _OPPOSITE[op] if negated else op
    text = f"{' + '.join(columns)} {sign} {value:.15g}"
    return f"(missing({columns[0]}) or {text})" if _TEST[sign](0.0, value) else text


def _number(node: tuple, answers: Mapping[str, Answer], used: list[str]) -> str:
    node = _plain(node)
    match node:
        case ("number", value):
            return f"{value:.15g}"
        case ("text", value) if _is_number(value):
            return f"{float(value):.15g}"
        case ("ref", name):
            answer = _answer(name, answers)
            if answer.kind not in ("number", "date") or answer.column is None:
                raise _Beyond(f"{name} is used as a number and holds text")
            used.append(answer.column)
            return answer.column
        case ("+" | "-" | "*" as op, left, right):
            return f"({_number(left, answers, used)} {op} {_number(right, answers, used)})"
        case ("div", left, ("number", value)) if value != 0:
            return f"({_number(left, answers, used)} / {value:.15g})"
        case ("call", name, _):
            raise _Beyond(f"the function {name}() has no counterpart")
    raise _Beyond("it computes something that has no counterpart")
