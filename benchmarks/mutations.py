"""The small changes that `benchmarks.mutants` makes to a file, found in its syntax tree.

Annotations, error messages and docstrings are left alone: no test is to notice those.
"""

import ast
import collections
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
COMPARISONS |= {"is not": "is", "is": "is not", "not in": "in", "in": "not in"}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "//", "**": "*"}
ARITHMETIC |= {"<<": ">>", ">>": "<<", "&": "|"}
NAMES = {"min": "max", "minimum": "maximum", "floor": "ceil", "any": "all", "sin": "cos"}
NAMES |= {other: name for name, other in NAMES.items()}
SYMBOLS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.And: "and",
    ast.Or: "or",
}  # fmt: skip
FAILURES = {"fail", "ValueError", "TypeError", "OverflowError", "KeyError"}

Change = tuple[int, int, str]  # from and to which byte, and what stands there instead


@dataclass(frozen=True)
class Mutant:
    """One change of a file's bytes from `start` to `end`."""

    path: Path
    line: int
    text: str  # of the line, stripped
    change: str
    occurrence: int  # among equal changes of equal lines
    function: str
    start: int
    end: int
    new: str

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.path.name, self.text, self.change, self.occurrence

    def apply(self, text: str) -> str:
        data = text.encode()
        return (data[: self.start] + self.new.encode() + data[self.end :]).decode()

    def overlaps(self, other: "Mutant") -> bool:
        return self.path == other.path and self.start < other.end and other.start < self.end


class _Source:
    """A file's bytes by the nodes of its syntax tree."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        lines = self.data.splitlines(keepends=True)
        self.lines = [0, *itertools.accumulate(map(len, lines))]

    def span(self, node: ast.expr) -> tuple[int, int]:
        begin = self.lines[node.lineno - 1] + node.col_offset
        return begin, self.lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)

    def of(self, node: ast.expr) -> str:
        begin, end = self.span(node)
        return self.data[begin:end].decode()

    def between(self, left: ast.expr, right: ast.expr, old: str, new: str) -> Iterator[Change]:
        """The operator `old` between two operands, replaced."""
        begin, end = self.span(left)[1], self.span(right)[0]
        gap = self.data[begin:end].decode()
        found = re.search(re.escape(old).replace(r"\ ", r"\s+"), gap)
        if found and "#" not in gap and gap.isascii():
            yield begin + found.start(), begin + found.end(), new

    def instead(self, node: ast.expr, part: ast.expr) -> Iterator[Change]:
        """Only a part of an expression, over as many lines."""
        missing = self.of(node).count("\n") - self.of(part).count("\n")
        yield *self.span(node), "(" + self.of(part) + "\n" * missing + ")"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _constants(node: ast.Constant) -> list[str]:
    x = node.value
    if isinstance(x, bool):
        return [repr(not x)]
    if isinstance(x, int):
        return [repr(x + 1), repr(x - 1)] if x else ["1"]
    if isinstance(x, float):
        return ["1.0"] if x == 0 else [repr(10 * x), "0.0" if x == 1 else repr(x / 10)]
    return []


def _changes(source: _Source, node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(left=first, ops=ops, comparators=others):
            for left, right, op in zip([first, *others], others, ops, strict=False):
                old = SYMBOLS[type(op)]
                yield from source.between(left, right, old, COMPARISONS[old])
        case ast.BoolOp(op=op, values=values):
            old = SYMBOLS[type(op)]
            for left, right in itertools.pairwise(values):
                yield from source.between(left, right, old, "or" if old == "and" else "and")
            for value in values:
                yield *source.span(value), repr(old == "and")  # left out
        case ast.BinOp(left=left, op=op, right=right) if SYMBOLS.get(type(op)) in ARITHMETIC:
            if not (_is_text(left) or _is_text(right)):
                old = SYMBOLS[type(op)]
                yield from source.between(left, right, old, ARITHMETIC[old])
                yield from source.instead(node, left)
        case ast.AugAssign(target=left, op=op, value=right) if type(op) in (ast.Add, ast.Sub):
            if not _is_text(right):
                old = SYMBOLS[type(op)]
                yield from source.between(left, right, f"{old}=", f"{ARITHMETIC[old]}=")
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield from source.instead(node, operand)
        case ast.If(test=test) | ast.IfExp(test=test):
            yield *source.span(test), f"not ({source.of(test)})"
        case ast.Constant():
            yield from ((*source.span(node), new) for new in _constants(node))
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in NAMES:
            end = source.span(node)[1]
            yield end - len(name), end, NAMES[name]


def _is_left_alone(parent: ast.AST, name: str) -> bool:
    if isinstance(parent, ast.Call):
        called = parent.func
        called_name = getattr(called, "attr", getattr(called, "id", ""))
        return called_name in FAILURES
    return isinstance(parent, ast.Raise | ast.JoinedStr) or name in {"annotation", "returns"}


def _walk(node: ast.AST, function: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Every node that may be changed, and the outermost function around it."""
    yield node, function
    for name, value in ast.iter_fields(node):
        if _is_left_alone(node, name):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                inside = function
                if isinstance(node, ast.FunctionDef) and name == "body" and not function:
                    inside = f"{node.name}:{node.lineno}"
                yield from _walk(child, inside)


def functions(text: str) -> dict[int, str]:
    """The outermost function of every line inside of one."""
    named: dict[int, str] = {}
    for node, function in _walk(ast.parse(text)):
        if function and isinstance(node, ast.stmt):
            named |= dict.fromkeys(range(node.lineno, (node.end_lineno or 0) + 1), function)
    return named


def mutants_of(path: Path, text: str) -> list[Mutant]:
    """Every mutant of a file that compiles."""
    source, lines, seen = _Source(text), text.splitlines(), collections.Counter()
    found = []
    for node, function in _walk(ast.parse(text)):
        for start, end, new in _changes(source, node):
            old = source.data[start:end].decode()
            change = " ".join(f"{old} → {new}".split())
            number = source.data.count(b"\n", 0, start)
            line = lines[number].strip()
            occurrence = seen[line, change]
            seen[line, change] += 1
            mutant = Mutant(path, number + 1, line, change, occurrence, function, start, end, new)
            try:
                compile(mutant.apply(text), str(path), "exec")
            except SyntaxError:
                continue
            found.append(mutant)
    return found
