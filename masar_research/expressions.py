"""One small language for conditions and rules: in cards, in the registry and in calls.

An expression is parsed with :mod:`ast` and only a whitelist of pieces is accepted; nothing from a file
is ever evaluated as Python. Missing values follow Kleene's three-valued logic: a value that is NaN,
empty, or a code the codebook declares missing is *unknown*; ``unknown and False`` is false,
``unknown or True`` is true, everything else that touches an unknown is unknown.

The language: names, numbers, quoted strings, ``== != < <= > >=``, ``in [..]``, ``not in [..]``,
``and or not``, ``+ - * /``, parentheses, ``missing(x)``, ``missing(x, "refused")``,
``between(x, low, high)`` (both ends included). Dates compare with quoted ISO dates.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from masar_research.errors import DataError

KINDS = ("refused", "dont_know", "not_applicable", "not_asked", "missing")
LONGEST = 10_000

_COMPARE = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}
_ALLOWED = (
    "names, numbers, quoted strings, == != < <= > >=, in [..], not in [..], and or not, + - * /, "
    'parentheses, missing(x), missing(x, "refused"), between(x, low, high)'
)

Columns = Callable[[str], np.ndarray] | Mapping[str, np.ndarray]
Missing = Callable[[str], "frozenset | Mapping"]


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression.

    Attributes
    ----------
    text : str
        What was written.
    names : frozenset of str
        The variables it reads.
    """

    text: str
    names: frozenset[str]
    _tree: ast.expr

    def __reduce__(self):
        return parse, (self.text,)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of an expression.

    Attributes
    ----------
    value : ndarray, shape (n,)
        bool for conditions, float64 for arithmetic, object for text. What stands where ``known`` is
        False carries no meaning.
    known : ndarray of bool, shape (n,)
        False where the answer depends on a missing value.
    """

    value: np.ndarray
    known: np.ndarray


def parse(text: str) -> Expression:
    """Read an expression and refuse everything outside the language.

    Parameters
    ----------
    text : str
        For example ``"age >= 15 and governorate in [11, 13]"``.

    Returns
    -------
    Expression

    Raises
    ------
    DataError
        If the text is not an expression of this language; the message names the piece and the remedy.

    Examples
    --------
    >>> sorted(parse("sex == 2 and not missing(age)").names)
    ['age', 'sex']
    """
    if not isinstance(text, str) or not text.strip():
        raise DataError(
            f"An expression was expected, found {text!r}.",
            remedy='Write a condition in quotes, for example "age >= 15".',
        )
    if len(text) > LONGEST:
        raise DataError(
            f"The expression is {len(text)} characters long; at most {LONGEST} are read.",
            remedy="Derive part of it as a variable of its own in the survey card.",
        )
    try:
        tree = ast.parse(text.strip().replace("\n", " "), mode="eval").body
        names: set[str] = set()
        _check(tree, text, names)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        at = getattr(error, "offset", None)
        place = f" near character {at} ({text.strip()[max(0, at - 1) : at + 11]!r})" if at else ""
        hint = " One = was written where == is meant?" if _single_equals(text) else ""
        raise DataError(
            f"The expression {_short(text)} cannot be read{place}.{hint}", remedy=f"Use only {_ALLOWED}."
        ) from None
    if not names:
        raise DataError(
            f"The expression {_short(text)} names no variable.",
            remedy='Name at least one variable, for example "age >= 15".',
        )
    return Expression(text.strip(), frozenset(names), tree)


def evaluate(expr: Expression | str, columns: Columns, missing: Missing | None = None) -> Outcome:
    """Compute an expression over columns.

    Parameters
    ----------
    expr : Expression or str
    columns : callable or mapping
        Name to array, shape (n,): float codes or numbers, object text, or datetime64. Scalars broadcast.
    missing : callable, optional
        Name to the codes that mean "no answer": a frozenset of codes, or a mapping code → kind, which
        ``missing(x, "refused")`` needs. ``Codebook.missing_kinds`` is such a callable.

    Returns
    -------
    Outcome

    Raises
    ------
    DataError
        If a name is unknown, or text meets numbers in one comparison.

    Examples
    --------
    >>> import numpy as np
    >>> out = evaluate("age >= 15 or sex == 2", {"age": np.array([9., np.nan, np.nan]),
    ...                                          "sex": np.array([1., 2., 1.])})
    >>> out.value[out.known].tolist(), out.known.tolist()
    ([False, True], [True, True, False])
    """
    expr = parse(expr) if isinstance(expr, str) else expr
    return _Reader(expr, columns, missing).read(expr._tree)


def truth(expr: Expression | str, columns: Columns, missing: Missing | None = None) -> np.ndarray:
    """Where a condition is known to be true; unknown counts as false.

    Parameters
    ----------
    expr, columns, missing
        As for :func:`evaluate`.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    DataError
        If the expression is a number rather than a condition.

    Examples
    --------
    >>> import numpy as np
    >>> truth("age < 18", {"age": np.array([17.0, 18.0, np.nan])}).tolist()
    [True, False, False]
    """
    expr = parse(expr) if isinstance(expr, str) else expr
    out = evaluate(expr, columns, missing)
    if out.value.dtype != bool:
        raise DataError(
            f"The expression {_short(expr.text)} gives a number or text, not yes or no.",
            remedy='Compare it with something, for example "employed == 1".',
        )
    return out.value & out.known


def is_missing(values: np.ndarray) -> np.ndarray:
    """Where an array of numbers, text or dates holds no value: NaN, NaT, None.

    Examples
    --------
    >>> import numpy as np
    >>> is_missing(np.array(["a", None], dtype=object)).tolist()
    [False, True]
    """
    values = np.asarray(values)
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "O":
        return np.fromiter((v is None or v != v for v in values.ravel()), bool, values.size).reshape(
            values.shape
        )
    return np.zeros(values.shape, bool)


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 120 else text[:117] + "...")


def _single_equals(text: str) -> bool:
    return "=" in text.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", "")


def _refuse(piece: str, text: str) -> DataError:
    return DataError(
        f"The expression {_short(text)} contains {piece}, which is not part of the language.",
        remedy=f"Use only {_ALLOWED}.",
    )


def _check(node: ast.AST, text: str, names: set[str]) -> None:
    match node:
        case ast.BoolOp(values=values):
            for value in values:
                _check(value, text, names)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            _check(operand, text, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            _check(left, text, names)
            _check(right, text, names)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            _check(left, text, names)
            for op, other in zip(ops, comparators):
                if isinstance(op, ast.In | ast.NotIn):
                    if len(ops) > 1:
                        raise _refuse("'in' chained with another comparison", text)
                    _check_list(other, text)
                elif type(op) in _COMPARE:
                    _check(other, text, names)
                else:
                    raise _refuse(repr(ast.unparse(node)), text)
        case ast.Call(func=ast.Name(id="missing"), args=[ast.Name(id=name), *rest], keywords=[]) if (
            len(rest) <= 1
        ):
            names.add(name)
            if rest and (not isinstance(rest[0], ast.Constant) or rest[0].value not in KINDS):
                raise DataError(
                    f"{ast.unparse(rest[0])} in {_short(text)} is not a kind of missing value.",
                    remedy="Kinds: " + ", ".join(f'"{kind}"' for kind in KINDS) + ".",
                )
        case ast.Call(func=ast.Name(id="between"), args=[value, low, high], keywords=[]):
            for piece in (value, low, high):
                _check(piece, text, names)
        case ast.Name(id=name):
            names.add(name)
        case ast.Constant(value=value) if type(value) in (int, float, str):
            pass
        case _:
            raise _refuse(repr(ast.unparse(node)), text)


def _check_list(node: ast.AST, text: str) -> None:
    if not isinstance(node, ast.List) or not node.elts:
        raise _refuse(f"{ast.unparse(node)!r} after 'in' (a list such as [1, 2] is expected)", text)
    kinds = {isinstance(_constant(item, text), str) for item in node.elts}
    if len(kinds) > 1:
        raise _refuse("a list that mixes numbers and quoted text", text)


def _constant(node: ast.AST, text: str) -> float | str:
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.Constant(value=value) if type(value) in (int, float):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)) if type(value) in (int, float):
            return -float(value)
    raise _refuse(repr(ast.unparse(node)), text)


class _Reader:
    """Evaluates one whitelisted tree; holds nothing that outlives the call."""

    __slots__ = ("columns", "expr", "missing", "seen")

    def __init__(self, expr: Expression, columns: Columns, missing: Missing | None) -> None:
        self.expr, self.columns, self.missing = expr, columns, missing
        self.seen: dict[str, Outcome] = {}

    def error(self, what: str, remedy: str) -> DataError:
        return DataError(f"In the expression {_short(self.expr.text)}: {what}", remedy=remedy)

    def column(self, name: str) -> np.ndarray:
        try:
            values = self.columns[name] if isinstance(self.columns, Mapping) else self.columns(name)
        except (KeyError, IndexError):
            offer = (
                f" Known names: {', '.join(sorted(map(str, self.columns))[:40])}."
                if isinstance(self.columns, Mapping)
                else ""
            )
            raise self.error(f"there is no variable {name!r}.", f"Check the spelling.{offer}") from None
        values = np.asarray(values)
        if values.dtype.kind in "iub":
            values = values.astype(float)
        elif values.dtype.kind in "UT":
            values = values.astype(object)
        return values

    def codes(self, name: str) -> frozenset | Mapping:
        return self.missing(name) if self.missing is not None else frozenset()

    def name(self, name: str) -> Outcome:
        if name not in self.seen:
            values = self.column(name)
            self.seen[name] = Outcome(values, ~(is_missing(values) | _among(values, self.codes(name))))
        return self.seen[name]

    def read(self, node: ast.AST) -> Outcome:
        match node:
            case ast.Name(id=name):
                return self.name(name)
            case ast.Constant(value=value):
                value = np.asarray(value, dtype=object if isinstance(value, str) else float)
                return Outcome(value, np.asarray(True))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                out = self.number(operand)
                return Outcome(-out.value, out.known)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                out = self.condition(operand)
                return Outcome(~out.value, out.known)
            case ast.BinOp(left=left, op=op, right=right):
                a, b = self.number(left), self.number(right)
                with np.errstate(all="ignore"):
                    value = _ARITHMETIC[type(op)](a.value, b.value)
                return Outcome(value, a.known & b.known & np.isfinite(value))
            case ast.BoolOp(op=op, values=values):
                return self.connect(isinstance(op, ast.Or), values)
            case ast.Compare(left=left, ops=[op], comparators=[ast.List(elts=elts)]):
                return self.member(
                    left, [_constant(e, self.expr.text) for e in elts], isinstance(op, ast.NotIn)
                )
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [left, *comparators]
                parts = [self.compare(type(op), a, b) for op, a, b in zip(ops, sides, sides[1:])]
                return _all(parts)
            case ast.Call(func=ast.Name(id="between"), args=[value, low, high]):
                return _all([self.compare(ast.GtE, value, low), self.compare(ast.LtE, value, high)])
            case ast.Call(args=[ast.Name(id=name), *rest]):
                return self.absent(name, rest[0].value if rest else None)
        raise _refuse(repr(ast.unparse(node)), self.expr.text)

    def number(self, node: ast.AST) -> Outcome:
        out = self.read(node)
        if out.value.dtype.kind not in "fb":
            raise self.error(
                f"{ast.unparse(node)!r} is not a number.", "Use arithmetic on numeric variables only."
            )
        return Outcome(np.asarray(out.value, float), out.known)

    def condition(self, node: ast.AST) -> Outcome:
        out = self.read(node)
        if out.value.dtype != bool:
            raise self.error(
                f"{ast.unparse(node)!r} stands where a condition is expected.",
                f"Compare it, for example {ast.unparse(node)} == 1.",
            )
        return out

    def connect(self, either: bool, nodes: list[ast.expr]) -> Outcome:
        parts = [self.condition(node) for node in nodes]
        return _any(parts) if either else _all(parts)

    def compare(self, op: type, left: ast.AST, right: ast.AST) -> Outcome:
        a, b = self.read(left), self.read(right)
        x, y = self.alike(left, a.value, right, b.value)
        known = np.broadcast_to(a.known & b.known, np.broadcast_shapes(x.shape, y.shape))
        if x.dtype.kind == "O":
            # None and NaN cannot be ordered; they are unknown anyway
            x = np.where(a.known, x, "").astype(str)
            y = np.where(b.known, y, "").astype(str)
        return Outcome(np.asarray(_COMPARE[op](x, y), bool), known)

    def alike(
        self, left: ast.AST, x: np.ndarray, right: ast.AST, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        x, y = (v.astype(float) if v.dtype == bool else v for v in (x, y))
        if x.dtype.kind == "M" and y.dtype.kind == "O":
            return x, self.date(y)
        if y.dtype.kind == "M" and x.dtype.kind == "O":
            return self.date(x), y
        if x.dtype.kind != y.dtype.kind:
            number, text = (left, right) if x.dtype.kind == "f" else (right, left)
            raise self.error(
                f"{ast.unparse(number)!r} holds numbers and {ast.unparse(text)!r} is text; they never match.",
                "Write number codes without quotes and text codes in quotes.",
            )
        return x, y

    def date(self, text: np.ndarray) -> np.ndarray:
        try:
            return text.astype("datetime64[us]")
        except (ValueError, TypeError):
            raise self.error(f"{text!r} is not a date.", 'Write dates as "2026-03-31".') from None

    def member(self, node: ast.AST, items: list, outside: bool) -> Outcome:
        out = self.read(node)
        value = out.value.astype(float) if out.value.dtype == bool else out.value
        if (value.dtype.kind == "O") != isinstance(items[0], str):
            raise self.error(
                f"{ast.unparse(node)!r} and the list {items} are not of one kind.",
                "Write number codes without quotes and text codes in quotes.",
            )
        found = _among(value, frozenset(items))
        return Outcome(~found if outside else found, out.known)

    def absent(self, name: str, kind: str | None) -> Outcome:
        values, codes = self.column(name), self.codes(name)
        blank = is_missing(values)
        if kind is None:
            found = blank | _among(values, codes)
        else:
            if codes and not isinstance(codes, Mapping):
                raise self.error(
                    f"the kinds of missing values of {name!r} are not known here.",
                    "Pass a mapping from code to kind, such as Codebook.missing_kinds.",
                )
            wanted = frozenset(code for code in codes if codes[code] == kind)
            found = _among(values, wanted) | (blank if kind == "missing" else False)
        return Outcome(found, np.ones(values.shape, bool))


def _among(values: np.ndarray, codes: frozenset | Mapping) -> np.ndarray:
    found = np.zeros(values.shape, bool)
    text = values.dtype.kind == "O"
    for code in codes:
        if isinstance(code, str) == text and values.dtype.kind in "fO":
            found |= np.asarray(values == code, bool)
    return found


def _all(parts: list[Outcome]) -> Outcome:
    value, known = parts[0].value, parts[0].known
    for part in parts[1:]:
        false = (known & ~value) | (part.known & ~part.value)
        value, known = value & part.value, (known & part.known) | false
        value = value & ~false
    return Outcome(value, known)


def _any(parts: list[Outcome]) -> Outcome:
    out = _all([Outcome(~part.value, part.known) for part in parts])
    return Outcome(~out.value, out.known)
