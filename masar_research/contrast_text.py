"""The little language of contrasts: ``"11 - 22"``, ``"'Women' - 'Men'"``, ``"(11 + 12) / 2 - 22"``."""

from __future__ import annotations

import ast

from masar_research.errors import EstimationError

Term = float | int | str


def parse(expression: str) -> dict[Term, float]:
    """Coefficient of each code or label.

    Examples
    --------
    >>> parse("(11 + 12) / 2 - 'Irbid'")
    {11: 0.5, 12: 0.5, 'Irbid': -1.0}
    """
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError as error:
        raise _unreadable(expression) from error
    found: dict[Term, float] = {}
    for term, coefficient in _terms(tree, 1.0, expression):
        found[term] = found.get(term, 0.0) + coefficient
    return found


def _terms(node: ast.expr, scale: float, text: str) -> list[tuple[Term, float]]:
    match node:
        case ast.Constant(value=value) if isinstance(value, int | float | str) and not isinstance(value, bool):
            return [(value, scale)]
        case ast.Name(id=name):
            return [(name, scale)]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _terms(operand, -scale, text)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _terms(left, scale, text) + _terms(right, scale, text)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _terms(left, scale, text) + _terms(right, -scale, text)
        case ast.BinOp(left=ast.Constant(value=number), op=ast.Mult(), right=right) if isinstance(number, int | float):
            return _terms(right, scale * number, text)
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=number)) if isinstance(number, int | float) and number:
            return _terms(left, scale / number, text)
    raise _unreadable(text)


def _unreadable(text: str) -> EstimationError:
    return EstimationError(
        f"The contrast {text!r} cannot be read.",
        remedy="Join codes or quoted labels with + and -, e.g. \"11 - 22\" or \"'Women' - 'Men'\".",
    )
