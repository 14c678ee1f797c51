"""`--where EXPR`: a small language that chooses connections, read with `ast` and nothing more.

    outcome == "refused" and status in [401, 403]
    client_bytes + server_bytes > 1e6 or "chat" in subprotocols_offered
    "/socket.io/" in target and requested >= "2026-01-02T03:00" and subprotocol is None

Names are columns of `connections`. There are numbers, texts, `True`, `False`, `None` (NA), lists of
them; comparisons, `in` (a part of a text, an element of a list), `and`, `or`, `not`, `+ - * /`.
There are no calls, no attributes, no indices: the expression can do nothing but choose. A
comparison with NA is unknown, and what is unknown is not chosen.
"""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wsanalyze.errors import UsageError
from wsanalyze.tables.declaration import Kind
from wsanalyze.tables.rows import Row
from wsanalyze.tables.schema import CONNECTIONS

# Characters of an expression: far more than people type, far less than Python's parser bears.
LONGEST = 4000
# Each level is a few of Python's calls for every row; people write five.
DEEPEST = 50

NUMBER, TEXT, TRUTH, TIME, LIST, NOTHING = "number", "text", "yes or no", "time", "list", "NA"
_TYPES = {
    Kind.STRING: TEXT,
    Kind.CATEGORY: TEXT,
    Kind.BOOL: TRUTH,
    Kind.BOOLEAN: TRUTH,
    Kind.TIME: TIME,
    Kind.LIST: LIST,
}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_WORDS = {"true": True, "false": False, "null": None, "NA": None}
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d)?"
)

Value = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class _Node:
    """A part of the expression: what it gives, and how to get it; `constant` where it is one."""

    type: str
    value: Value
    constant: object = ...


def compiled(expression: str) -> Callable[[Row], bool]:
    """Return a function that says whether a row of `connections` is chosen.

    Rows are those of `rows.connection_row`. Raises UsageError, with what is wrong and where, for
    an expression that is not in the language.
    """
    if len(expression) > LONGEST:
        raise UsageError(f"--where: longer than {LONGEST} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        if _deeper(tree, DEEPEST):
            raise UsageError(f"--where: nested more than {DEEPEST} deep: {expression[:80]}…")
        truth = _truth(_node(tree.body), tree.body).value
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" at character {error.offset}" if isinstance(error, SyntaxError) else ""
        raise UsageError(f"--where: not an expression{where}: {expression[:200]}") from error

    def chosen(row: Row) -> bool:
        return truth(row) is True

    return chosen


def _deeper(tree: ast.AST, levels: int) -> bool:
    """Say whether the syntax tree is more than so many levels deep."""
    children = ast.iter_child_nodes(tree)
    return levels == 0 or any(_deeper(child, levels - 1) for child in children)


def _node(tree: ast.expr) -> _Node:
    """Translate one part of the syntax tree."""
    translate = _TRANSLATE.get(type(tree))
    if translate is None:
        raise _refused(tree, f"{type(tree).__name__.lower()} is not possible here")
    return translate(tree)


def _name(tree: ast.Name) -> _Node:
    if tree.id in _WORDS:
        return _literal(_WORDS[tree.id], tree)
    if tree.id not in CONNECTIONS.names:
        near = difflib.get_close_matches(tree.id, CONNECTIONS.names, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"--where: connections has no column {tree.id}{hint}")
    kind = CONNECTIONS.column(tree.id).kind
    return _Node(_TYPES.get(kind, NUMBER), operator.itemgetter(tree.id))


def _constant(tree: ast.Constant) -> _Node:
    return _literal(tree.value, tree)


def _literal(value: object, tree: ast.expr) -> _Node:
    if value is None:
        return _Node(NOTHING, lambda _: None, None)
    # bool before int: True is an int, too.
    for types, name in (((bool,), TRUTH), ((int, float), NUMBER), ((str,), TEXT)):
        if isinstance(value, types):
            return _Node(name, lambda _: value, value)
    raise _refused(tree, "only numbers, texts, True, False and None can be written")


def _list(tree: ast.List | ast.Tuple | ast.Set) -> _Node:
    items = [_node(item) for item in tree.elts]
    if any(item.constant is ... for item in items):
        raise _refused(tree, "a list holds numbers and texts only")
    values = [item.constant for item in items]
    return _Node(LIST, lambda _: values, values)


def _unary(tree: ast.UnaryOp) -> _Node:
    inner = _node(tree.operand)
    if isinstance(tree.op, ast.Not | ast.Invert):
        truth = _truth(inner, tree.operand).value
        return _Node(TRUTH, lambda row: _not(truth(row)))
    if inner.type != NUMBER:
        raise _refused(tree, f"a sign needs a number, not {inner.type}")
    sign = -1 if isinstance(tree.op, ast.USub) else 1
    constant = inner.constant
    signed = ... if constant is ... else sign * constant  # type: ignore[operator]
    return _Node(NUMBER, lambda row: _times(sign, inner.value(row)), signed)


def _logic(tree: ast.BoolOp) -> _Node:
    parts = [_truth(_node(part), part).value for part in tree.values]
    # Kleene: one False decides an `and`, one True an `or`, whatever is unknown.
    decisive = isinstance(tree.op, ast.Or)

    def decide(row: Row) -> bool | None:
        unknown = False
        for part in parts:
            value = part(row)
            if value is decisive:
                return bool(decisive)
            unknown = unknown or value is None
        return None if unknown else not decisive

    return _Node(TRUTH, decide)


def _arithmetic(tree: ast.BinOp) -> _Node:
    if isinstance(tree.op, ast.BitAnd | ast.BitOr):
        joined: ast.boolop = ast.And() if isinstance(tree.op, ast.BitAnd) else ast.Or()
        return _logic(ast.BoolOp(joined, [tree.left, tree.right]))
    calculate = _ARITHMETIC.get(type(tree.op))
    left, right = _node(tree.left), _node(tree.right)
    if calculate is None:
        raise _refused(tree, "only + - * / can be calculated")
    if left.type != NUMBER or right.type != NUMBER:
        raise _refused(tree, f"cannot calculate with {left.type} and {right.type}")

    def calculated(row: Row) -> Any:
        one, other = left.value(row), right.value(row)
        if one is None or other is None:
            return None
        try:
            return calculate(one, other)
        except (ZeroDivisionError, OverflowError):
            return None

    return _Node(NUMBER, calculated)


def _comparison(tree: ast.Compare) -> _Node:
    ends = [tree.left, *tree.comparators]
    nodes = [_node(end) for end in ends]
    tests = [
        _test(how, left, right, tree)
        for how, left, right in zip(tree.ops, nodes, nodes[1:], strict=False)
    ]
    if len(tests) == 1:
        return _Node(TRUTH, tests[0])

    def all_hold(row: Row) -> bool | None:
        results = [test(row) for test in tests]
        return False if False in results else None if None in results else True

    return _Node(TRUTH, all_hold)


def _test(how: ast.cmpop, left: _Node, right: _Node, tree: ast.expr) -> Value:
    """Return one comparison; None where a side is NA."""
    if right.type == NOTHING or left.type == NOTHING:
        return _na_test(how, left if right.type == NOTHING else right, tree)
    if isinstance(how, ast.In | ast.NotIn):
        return _membership(isinstance(how, ast.In), left, right, tree)
    compare = _ORDER.get(type(how))
    if compare is None:
        raise _refused(tree, "`is` goes with None only")
    left, right = _as_time(left, right, tree), _as_time(right, left, tree)
    if left.type != right.type:
        raise _refused(tree, f"cannot compare {left.type} with {right.type}")
    if left.type in (LIST, TRUTH) and not isinstance(how, ast.Eq | ast.NotEq):
        raise _refused(tree, f"{left.type} has no order")

    def test(row: Row) -> bool | None:
        one, other = left.value(row), right.value(row)
        return None if one is None or other is None else bool(compare(one, other))

    return test


def _na_test(how: ast.cmpop, node: _Node, tree: ast.expr) -> Value:
    if isinstance(how, ast.Is | ast.Eq):
        return lambda row: node.value(row) is None
    if isinstance(how, ast.IsNot | ast.NotEq):
        return lambda row: node.value(row) is not None
    raise _refused(tree, "NA has no order")


def _membership(wanted: bool, left: _Node, right: _Node, tree: ast.expr) -> Value:
    if right.type not in (LIST, TEXT) or (right.type == TEXT and left.type != TEXT):
        raise _refused(tree, f"cannot look for {left.type} in {right.type}")
    if left.type == TIME:
        raise _refused(tree, "compare times with < and >")

    def test(row: Row) -> bool | None:
        item, container = left.value(row), right.value(row)
        return None if item is None or container is None else (item in container) is wanted

    return test


def _as_time(node: _Node, other: _Node, tree: ast.expr) -> _Node:
    """Return a text that stands beside a time as that time, in integer ns."""
    if other.type != TIME or node.type != TEXT or not isinstance(node.constant, str):
        return node
    moment = _nanoseconds(node.constant)
    if moment is None:
        raise _refused(tree, f"{node.constant!r} is no time such as 2026-01-02T03:04:05.678Z")
    return _Node(TIME, lambda _: moment)


def _nanoseconds(text: str) -> int | None:
    """Return an ISO 8601 time as integer ns; UTC where it names no zone."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    base, fraction, zone = match.groups()
    if len(base) == 10:
        base += "T00:00"
    try:
        moment = datetime.fromisoformat(base + (zone or "Z"))
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def _truth(node: _Node, tree: ast.expr) -> _Node:
    if node.type != TRUTH:
        raise _refused(tree, f"{node.type} is neither true nor false: compare it with something")
    return node


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _times(sign: int, value: Any) -> Any:
    return None if value is None else sign * value


def _refused(tree: ast.expr, why: str) -> UsageError:
    return UsageError(f"--where: {ast.unparse(tree)}: {why}")


_TRANSLATE: dict[type[ast.expr], Callable[[Any], _Node]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.List: _list,
    ast.Tuple: _list,
    ast.Set: _list,
    ast.UnaryOp: _unary,
    ast.BoolOp: _logic,
    ast.BinOp: _arithmetic,
    ast.Compare: _comparison,
}
