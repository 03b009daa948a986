"""Whole numbers as manifests write them: `8 * (10582 // 16)`."""

import ast
import operator
from collections.abc import Callable, Mapping

_LONGEST = 200
_OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def whole_number(text: str) -> int:
    """The value of an expression of whole numbers with + - * // and parentheses.

    Raises ValueError for any other text, and where it is below zero.
    """
    wrong = f"expected whole numbers with + - * // and parentheses, found {text!r}"
    if len(text) > _LONGEST:
        raise ValueError(wrong)
    try:
        value = _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ArithmeticError, TypeError, RecursionError) as error:
        raise ValueError(wrong) from error
    if value < 0:
        raise ValueError(f"expected no number below zero, found {text!r}")
    return value


def _value(node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left), _value(right))
    raise TypeError(ast.dump(node))
