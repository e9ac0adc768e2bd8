"""What each operation of JAX is in JavaScript: formulas of single numbers.

Floats and integers of 64 bits are JavaScript's numbers (integers are exact up to 2**53; bit
patterns beyond are BigInts, which only the functions in capitals meet); those of 32 bits are
wrapped or rounded at each operation. The functions in capitals stand in `runtime.js`.
"""

from typing import Any

import numpy as np
from jax import lax

from .program import Op

# By kind of number: "f8" and "i8" plain, "f4" rounded, "i4" and "u4" wrapped, "b1" truth values.
_ARITHMETIC = {"add": "{0}+{1}", "sub": "{0}-{1}", "mul": "{0}*{1}", "neg": "-{0}"}
_WRAPPED = {"f4": "F4({})", "i4": "({})|0", "u4": "({})>>>0"}
_COMPARED = {"eq": "===", "ne": "!==", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_FLOATS = {
    "div": "{0}/{1}",
    "rem": "{0}%{1}",
    "floor": "Math.floor({0})",
    "pow": "POW({0},{1})",
    "exp2": "2**{0}",
    "square": "{0}*{0}",
    "erf": "ERF({0})",
    "erf_inv": "ERFINV({0})",
    **{
        name: f"Math.{name}({{0}})"
        for name in ("sin", "cos", "exp", "expm1", "log", "log1p", "sqrt")
    },
}
_INTEGERS = {
    "div": "DIV({0},{1})",
    "rem": "REM({0},{1})",
    "and": "AND({0},{1})",
    "or": "OR({0},{1})",
    "shift_left": "SHL({0},{1})",
    "shift_right_logical": "SHR({0},{1})",
    "shift_right_arithmetic": "SAR({0},{1})",
}
_WORDS = {  # of 32 bits, without a sign
    "div": "DIV({0},{1})",
    "rem": "REM({0},{1})",
    "mul": "MUL4({0},{1})",
    "and": "({0}&{1})>>>0",
    "or": "({0}|{1})>>>0",
    "xor": "({0}^{1})>>>0",
    "shift_left": "SHL4({0},{1})",
    "shift_right_logical": "SHR4({0},{1})",
    "clz": "Math.clz32({0})",
}
_FLAGS = {"and": "{0}&&{1}", "or": "{0}||{1}", "not": "!{0}", "ne": "{0}!=={1}", "eq": "{0}==={1}"}
_EVERY = {"max": "Math.max({0},{1})", "min": "Math.min({0},{1})", "abs": "Math.abs({0})"}


def kind(dtype: Any) -> str:
    dtype = np.dtype(dtype)
    return f"{dtype.kind}{dtype.itemsize}"


def formula(op: Op, kinds: list[str]) -> str | None:
    """The formula of one number, with `{0}` for the first input; None: not number by number."""
    name, of = op.primitive, kinds[0] if kinds else ""
    if name in _COMPARED and of != "b1":
        return f"{{0}}{_COMPARED[name]}{{1}}"
    match name:
        case "select_n":
            return "{0}?{2}:{1}"
        case "convert_element_type":
            return _convert(of, kind(op.dtype))
        case "bitcast_convert_type":
            return {"f8": f"BITS({{0}},{int(kind(op.dtype) == 'u8')})"}.get(of, "FLOAT({0})")
        case "integer_pow":
            return f"{{0}}**{op.params['y']}"
        case "round":
            even = op.params["rounding_method"] == lax.RoundingMethod.TO_NEAREST_EVEN
            return "EVEN({0})" if even else "AWAY({0})"
    if of == "b1":
        return _FLAGS.get(name)
    tables = {"f": _FLOATS, "i": _INTEGERS, "u": _INTEGERS if of == "u8" else _WORDS}
    found = _EVERY.get(name) or (tables[of[0]].get(name) if of else None)
    if found is None and name in _ARITHMETIC:
        found = _WRAPPED.get(of, "{}").format(_ARITHMETIC[name])
    elif found is not None and of == "f4" and name not in _EVERY:
        found = f"F4({found})"
    return found


def _convert(of: str, to: str) -> str:
    if of == "b1":
        return "+{0}"
    if of[0] == "f" and to[0] in "iu":
        low, high = {"i8": ("-TOP", "TOP"), "i4": (-(2**31), 2**31 - 1), "u4": (0, 2**32 - 1)}[to]
        return f"WHOLE({{0}},{low},{high})"
    return {"f4": "F4({0})", "i4": "{0}|0", "u4": "{0}>>>0"}.get(
        to, "Number({0})" if of == "u8" else "{0}"
    )
