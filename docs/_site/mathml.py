"""The formulas of docstrings, which are Python expressions, as MathML, which browsers draw.

So a formula stands once, in the docstring, and no script is needed to show it.
"""

import ast
import re
from html import escape

GREEK = {"pi": "π", "gamma": "γ"}
FUNCTIONS = {"cos", "sin", "tanh", "log", "max", "min", "round"}
SIGNS = {ast.Lt: "&lt;", ast.LtE: "≤", ast.Add: "+", ast.Sub: "−", ast.Mult: "·"}
RANK = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.Div: 5, ast.Pow: 4}


def formula(code: str) -> str | None:
    """MathML of `left = right`, of a comparison or of an expression; None if it is none."""
    if not re.search(r" = | \*\* |\*\*| / | <=? | \* | \+ | - ", code):
        return None  # a name or a call: better shown as code
    try:
        sides = [_read(ast.parse(" ".join(side.split()), mode="eval").body) for side in
                 code.split(" = ")]  # fmt: skip
    except (SyntaxError, KeyError, NotImplementedError):
        return None
    return f'<span class="formula"><math>{_sign("=").join(sides)}</math></span>'


def _sign(sign: str) -> str:
    return f"<mo>{sign}</mo>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _name(name: str) -> str:
    if name in GREEK:
        return f"<mi>{GREEK[name]}</mi>"
    if match := re.fullmatch(r"([a-z]+)_(i|k)", name):
        return f"<msub>{_name(match[1])}<mi>{match[2]}</mi></msub>"
    return f"<mi>{escape(name)}</mi>"


def _fenced(inner: str, left: str = "(", right: str = ")") -> str:
    tall = any(tag in inner for tag in ("<mfrac", "<msqrt", "<msup"))
    kind = "" if tall else ' stretchy="false"'
    return _row(f"<mo{kind}>{left}</mo>", inner, f"<mo{kind}>{right}</mo>")


def _within(node: ast.expr, rank: int) -> str:
    """In brackets, where it binds less than what is around it."""
    text = _read(node)
    loose = isinstance(node, ast.BinOp) and RANK[type(node.op)] < rank
    return _fenced(text) if loose or (rank > 2 and isinstance(node, ast.UnaryOp)) else text


def _operation(node: ast.BinOp) -> str:
    left, right, kind = node.left, node.right, type(node.op)
    if kind is ast.Div:
        return f"<mfrac>{_row(_read(left))}{_row(_read(right))}</mfrac>"
    if kind is ast.Pow:
        base = _fenced(_read(left)) if isinstance(left, ast.BinOp) else _read(left)
        return f"<msup>{_row(base)}{_row(_read(right))}</msup>"
    rank = RANK[kind]
    inner = _within(right, rank + 1 if kind is ast.Sub else rank)
    return _row(_within(left, rank), _sign(SIGNS[kind]), inner)


def _call(node: ast.Call) -> str:
    inside = _sign(",").join(_read(one) for one in node.args)
    match node.func:
        case ast.Name("sqrt"):
            return f"<msqrt>{_row(inside)}</msqrt>"
        case ast.Name("floor"):
            return _fenced(inside, "⌊", "⌋")
        case ast.Name("ceil"):
            return _fenced(inside, "⌈", "⌉")
        case ast.Name(name) if name in FUNCTIONS:
            return _row(f"<mi>{name}</mi>", _sign("&#8289;"), _fenced(inside))
    return _row(_read(node.func), _fenced(inside))


def _read(node: ast.expr) -> str:
    match node:
        case ast.Name(name):
            return _name(name)
        case ast.Constant(value):
            return f"<mn>{value}</mn>"
        case ast.UnaryOp(ast.USub(), inner):
            return _row(_sign("−"), _within(inner, 2))
        case ast.BinOp():
            return _operation(node)
        case ast.Subscript(value, index):
            return f"<msub>{_row(_read(value))}{_row(_read(index))}</msub>"
        case ast.Compare(left, signs, others):
            rest = [_sign(SIGNS[type(s)]) + _read(o) for s, o in zip(signs, others, strict=True)]
            return _row(_read(left), *rest)
        case ast.Call():
            return _call(node)
    raise NotImplementedError


def with_formulas(text: str) -> str:
    """Markdown whose code spans that hold mathematics are MathML; blocks of code stay."""
    parts = re.split(r"(```.*?```|^>>> .*)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if k % 2 else _spans(part) for k, part in enumerate(parts))


def _spans(text: str) -> str:
    def shown(match: re.Match[str]) -> str:
        return formula(match[1]) or match[0]

    return re.sub(r"`([^`]+)`", shown, text)
