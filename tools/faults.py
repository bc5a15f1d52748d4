"""One-line faults in Python source: which there are, how to find one again, and the source with it.

A fault is named by what it changes and not by where that stands: the qualified name of its function
or class, the statement as ``ast.unparse`` writes it, and the expression before and after. So it can
be applied again when files have been moved, renamed or formatted; a statement whose names have
changed is found by its likeness.
"""

import ast
import copy
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher

LIKENESS = 0.75  # of two statements, below which they are two statements

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
PAIRS = (
    "min max",
    "amin amax",
    "argmin argmax",
    "minimum maximum",
    "floor ceil",
    "any all",
    "sum mean",
    "sin cos",
)
NAMES = {a: b for pair in PAIRS for a, b in (pair.split(), reversed(pair.split()))}
AXES = {"dim", "axis"}
# Left out, because no test can see them on a machine whose text is UTF-8, or they only guard what
# follows.
KEYWORDS_OF_NO_EFFECT = {"encoding", "errors", "strict", "stacklevel"}
# a number below it keeps a division from zero or says "converged": 20 % more changes nothing
TOLERANCE = 1e-4
TEXT = (ast.JoinedStr, ast.List, ast.Tuple)


@dataclass(frozen=True)
class Fault:
    """A change of one expression.

    It is named so that it can be found in another layout of the same code.
    """

    symbol: str  # qualified name of the function or class around it; "" at the module's level
    statement: str  # as ast.unparse writes it, of an `if` or a `for` the first line
    before: str
    after: str
    nth: int  # which of the equal expressions of the statement, from 0
    # the file it was drawn from, to choose between equal ones
    module: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        return self.symbol.rpartition(".")[2]


@dataclass(frozen=True)
class Place:
    """Where a fault is in one source text."""

    fault: Fault
    start: int  # bytes of the expression that is replaced
    end: int
    lines: range  # of the statement, from 1
    once: bool  # it runs once for many tests: on import, or in a function whose results are cached


# --- which changes an expression has --------------------------------------------------------------


def changes(node: ast.expr, keyword: str = "") -> Iterator[ast.expr]:
    """Yield faulty versions of one expression, whose parts stay as they are.

    Args:
        keyword: the argument that the expression stands for.
    """
    match node:
        case ast.BinOp() if type(node.op) in OPERATORS and not (
            is_text(node.left) or is_text(node.right)
        ):
            yield with_field(node, op=OPERATORS[type(node.op)]())
        case ast.BoolOp():
            yield with_field(node, op=OPERATORS[type(node.op)]())
        case ast.Compare(ops=[op]) if type(op) in OPERATORS:
            yield with_field(node, ops=[OPERATORS[type(op)]()])
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()) if keyword in AXES:
            yield ast.Constant(0)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.IfExp():
            yield with_field(node, body=node.orelse, orelse=node.body)
        case ast.Constant():
            yield from (ast.Constant(value) for value in other_values(node.value, keyword))
        case ast.Name() if node.id in NAMES:
            yield with_field(node, id=NAMES[node.id])
        case ast.Attribute() if node.attr in NAMES:
            yield with_field(node, attr=NAMES[node.attr])
        case ast.Call():
            for each in node.keywords:
                if each.arg and each.arg not in KEYWORDS_OF_NO_EFFECT:
                    yield with_field(
                        node, keywords=[other for other in node.keywords if other is not each]
                    )


def other_values(value: object, keyword: str) -> list:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [{0: 1, 1: 0}.get(value, value + 1) if keyword in AXES else value + 1]
    if isinstance(value, float) and math.isfinite(value) and not 0 < value < TOLERANCE:
        return [float(f"{value * 1.2:.6g}") if value else 1.0]
    return []


def with_field(node: ast.expr, **fields) -> ast.expr:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def is_text(node: ast.expr) -> bool:
    """Say whether an operand is text, a list or a tuple.

    Adding is joining there, and the fault a TypeError that any test sees.
    """
    return isinstance(node, TEXT) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


# --- all faults of a source text ------------------------------------------------------------------


def places(source: str, module: str = "") -> list[Place]:
    """List all faults of a module, in the order of its statements."""
    starts = line_starts(source)
    return [
        Place(
            Fault(symbol, head(statement), *change, module), start, end, head_lines(statement), once
        )
        for statement, symbol, once in statements(ast.parse(source).body)
        for change, start, end in changes_of(statement, starts)
    ]


def statements(
    body: list[ast.stmt], scope: tuple[str, ...] = (), once: bool = True
) -> Iterator[tuple]:
    """Yield every statement with the qualified name of what it stands in.

    A third value says whether it runs ``once``.
    """
    for node in body:
        yield node, ".".join(scope), once
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        inner = (*scope, node.name) if is_function or isinstance(node, ast.ClassDef) else scope
        parts = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
        parts += [each.body for name in ("handlers", "cases") for each in getattr(node, name, [])]
        for part in parts:
            yield from statements(part, inner, is_cached(node) if is_function else once)


def is_cached(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("cache" in ast.unparse(decorator) for decorator in function.decorator_list)


def changes_of(
    statement: ast.stmt, starts: list[int]
) -> Iterator[tuple[tuple[str, str, int], int, int]]:
    """Yield every fault of one statement.

    Each is ((before, after, which of these), first byte, byte behind the last).
    """
    seen = Counter()
    for node, keyword in expressions(statement):
        start, end = (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )
        for changed in changes(node, keyword):
            change = ast.unparse(node), ast.unparse(changed)
            yield (*change, seen[change]), start, end
            seen[change] += 1


def expressions(statement: ast.stmt) -> Iterator[tuple[ast.expr, str]]:
    """Yield a statement's own expressions with the keyword they are given for.

    Expressions of the statements within it are left out.
    """
    if isinstance(statement, ast.Raise | ast.Assert | ast.ClassDef):
        return
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from walk(
            statement.args.defaults + [each for each in statement.args.kw_defaults if each]
        )
        return
    fields = [value for name, value in ast.iter_fields(statement) if name != "annotation"]
    parts = [part for value in fields for part in (value if isinstance(value, list) else [value])]
    yield from walk([part for part in parts if isinstance(part, ast.expr | ast.withitem)])


def walk(nodes: list[ast.AST], keyword: str = "") -> Iterator[tuple[ast.expr, str]]:
    """Yield all expressions below `nodes`.

    An f-string's have no true position before Python 3.12.
    """
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            continue
        if isinstance(node, ast.expr):
            yield node, keyword
        yield from walk(list(ast.iter_child_nodes(node)), getattr(node, "arg", None) or "")


def head(statement: ast.stmt) -> str:
    """Give the statement in one line: of a compound one, up to its colon."""
    lines = ast.unparse(statement).splitlines()
    return next((line for line in lines if not line.startswith("@")), "")


def head_lines(statement: ast.stmt) -> range:
    """Give the line numbers of a statement; of a compound one, up to its first inner statement."""
    body = getattr(statement, "body", None)
    behind = body[0].lineno if body else statement.end_lineno + 1
    return range(statement.lineno, max(behind, statement.lineno + 1))


def line_starts(source: str) -> list[int]:
    """Give the byte offsets of the lines."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


# --- finding and applying -------------------------------------------------------------------------


def apply(source: str, place: Place) -> str:
    """Put the fault into the source."""
    text = source.encode()
    return (text[: place.start] + f"({place.fault.after})".encode() + text[place.end :]).decode()


def find(fault: Fault, files: dict[str, list[Place]]) -> tuple[str, Place] | None:
    """Find the file and place of a fault.

    Without an equal one, the likeliest with its function's name or its statement.
    """
    found = [
        (likeness(place.fault, fault), alike(name, fault.module), name, place)
        for name, all_places in files.items()
        for place in all_places
        if place.fault.name == fault.name or place.fault.statement == fault.statement
    ]
    best = max(found, key=lambda each: each[:2], default=(0.0,))
    return best[2:] if best[0] >= LIKENESS else None


def likeness(one: Fault, other: Fault) -> float:
    """Measure how alike two faults are: 1 for equal ones.

    For others it is the least of how alike their functions, statements and expressions are.
    """
    if one == other:
        return 1.0
    if one.nth != other.nth:
        return 0.0
    pairs = [(one.statement, other.statement), (one.before, other.before), (one.after, other.after)]
    return min(
        *(alike(*pair) for pair in pairs),
        1 if one.name == other.name else alike(one.symbol, other.symbol),
    )


def alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
