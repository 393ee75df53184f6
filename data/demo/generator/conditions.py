"""One condition, three readers: population mask, XLSForm ``relevant``, survey-card universe.

Conditions are written in the language of the survey cards (names, numbers, ``==`` and its kin,
``in [..]``, ``and or not``, parentheses).
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable

import numpy as np

_COMPARE = {ast.Eq: (operator.eq, "="), ast.NotEq: (operator.ne, "!="), ast.Lt: (operator.lt, "<"),
            ast.LtE: (operator.le, "<="), ast.Gt: (operator.gt, ">"), ast.GtE: (operator.ge, ">=")}


def _tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def mask(text: str, column: Callable[[str], np.ndarray]) -> np.ndarray:
    """Where the condition holds; a blank answer makes a comparison false."""

    def read(node: ast.expr) -> np.ndarray:
        match node:
            case ast.BoolOp(ast.And(), values):
                return np.logical_and.reduce([read(v) for v in values])
            case ast.BoolOp(ast.Or(), values):
                return np.logical_or.reduce([read(v) for v in values])
            case ast.UnaryOp(ast.Not(), operand):
                return ~read(operand)
            case ast.Compare(ast.Name(name), [ast.In()], [ast.List(items)]):
                return np.isin(column(name), [i.value for i in items])
            case ast.Compare(ast.Name(name), [op], [ast.Constant(value)]):
                return _COMPARE[type(op)][0](column(name), value)
        raise ValueError(f"the condition {text!r} uses {ast.dump(node)}, which is not in the language")

    return read(_tree(text))


def xlsform(text: str) -> str:
    """The condition as an XLSForm expression."""

    def read(node: ast.expr) -> str:
        match node:
            case ast.BoolOp(op, values):
                return "(" + (" and " if isinstance(op, ast.And) else " or ").join(read(v) for v in values) + ")"
            case ast.UnaryOp(ast.Not(), operand):
                return f"not({read(operand)})"
            case ast.Compare(ast.Name(name), [ast.In()], [ast.List(items)]):
                return "(" + " or ".join(f"${{{name}}} = {i.value}" for i in items) + ")"
            case ast.Compare(ast.Name(name), [op], [ast.Constant(value)]):
                return f"${{{name}}} {_COMPARE[type(op)][1]} {value}"
        raise ValueError(f"the condition {text!r} uses {ast.dump(node)}, which is not in the language")

    out = read(_tree(text))
    return out[1:-1] if out.startswith("(") and out.endswith(")") and _wraps(out) else out


def _wraps(text: str) -> bool:
    depth = 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and k < len(text) - 1:
            return False
    return True


def rename(text: str, names: dict[str, str]) -> str:
    """The same condition with other names."""
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    return ast.unparse(tree)
