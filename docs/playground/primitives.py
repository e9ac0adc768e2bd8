"""What each operation of JAX is in JavaScript: formulas of single numbers, and moves in arrays.

Floats and integers of 64 bits are JavaScript's numbers (integers are exact up to 2**53; bit
patterns beyond are BigInts, which only the functions in capitals meet); those of 32 bits are wrapped
or rounded at each operation. The functions in capitals stand in `runtime.js`.
"""

from typing import Any

import numpy as np
from jax import lax

from .program import Op

# By kind of the result: "f8" and "i8" plain, "f4" rounded, "i4" and "u4" wrapped, "b1" truth values.
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
    **{name: f"Math.{name}({{0}})" for name in ("sin", "cos", "exp", "expm1", "log", "log1p", "sqrt")},
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
    """The formula of one number of an operation that goes number by number, with `{0}` and so on."""
    name, of = op.primitive, kinds[0] if kinds else ""
    if name in _COMPARED and of != "b1":
        return f"{{0}}{_COMPARED[name]}{{1}}"
    match name:
        case "select_n":
            return "{0}?{2}:{1}"
        case "convert_element_type":
            return _convert(of, kind(op.dtype))
        case "bitcast_convert_type":
            return {"f8": "BITS({0},%d)" % (kind(op.dtype) == "u8")}.get(of, "FLOAT({0})")
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
    return {"f4": "F4({0})", "i4": "{0}|0", "u4": "{0}>>>0"}.get(to, "Number({0})" if of == "u8" else "{0}")


def move(op: Op, names: list[str]) -> str | None:
    """The JavaScript of an operation that moves whole numbers about in arrays, which lie flat."""
    shapes, params = op.params["shapes"], op.params
    place = np.arange(int(np.prod(shapes[0]))).reshape(shapes[0]) if shapes else np.zeros(0)
    match op.primitive:
        case "slice":
            parts = zip(params["start_indices"], params["limit_indices"], params["strides"] or [1] * place.ndim)
            return _picked(names[0], place[tuple(slice(*part) for part in parts)])
        case "rev":
            return _picked(names[0], np.flip(place, params["dimensions"]))
        case "broadcast_in_dim":
            aligned = np.ones(len(op.shape), int)
            for size, at in zip(shapes[0], params["broadcast_dimensions"], strict=True):
                aligned[at] = size
            return _picked(names[0], np.broadcast_to(place.reshape(aligned), op.shape))
        case "pad":
            config = [(low, high) for low, high, _ in params["padding_config"]]
            at = np.pad(place, config, constant_values=-1)
            return f"[{','.join(names[1] if i < 0 else _at(names[0], i, place.size) for i in at.flat)}]"
        case "iota":
            return f"[{','.join(map(str, np.indices(op.shape)[params['dimension']].flat))}]"
        case "stack" | "concatenate":
            return _together(op, names)
        case "cumsum":
            if place.size == 1:
                return names[0]
            return f"CUMSUM({names[0]},{place.shape[params['axis']]})" if params["axis"] == place.ndim - 1 else None
        case "reduce" if params["computation"] is lax.add and len(shapes[0]) == 1:
            return f"SUM({names[0]},{names[1]})" if place.size > 1 else f"{names[0]}+{names[1]}"
        case "reduce_sum" if len(shapes[0]) == 1:
            return f"SUM({names[0]},0)" if place.size > 1 else names[0]
        case "dynamic_slice":
            return _window(params["slice_sizes"], place, names)
        case "gather" if place.ndim == 1 and op.size == 1:
            return f"AT({names[0]},{names[1]})" if place.size > 1 else names[0]
        case "scatter" if place.ndim == 1 and int(np.prod(shapes[2])) == 1:
            return f"PUT({names[0]},{names[1]},{names[2]})" if place.size > 1 else names[2]
    return _random(op, names)


def _together(op: Op, names: list[str]) -> str:
    """Arrays one after another, and then in the order that their axis asks for."""
    shapes, ends = op.params["shapes"], np.cumsum([int(np.prod(s)) for s in op.params["shapes"]])
    parts = [np.arange(end - np.prod(s), end).reshape(s) for s, end in zip(shapes, ends, strict=True)]
    stacked = op.primitive == "stack"
    order = np.stack(parts, op.params["axis"]) if stacked else np.concatenate(parts, op.params["dimension"])
    flat = [name if part.size == 1 else f"...{name}" for name, part in zip(names, parts, strict=True) if part.size]
    if op.size == 1:
        return flat[0]
    joined = f"[{','.join(flat)}]"
    return joined if np.array_equal(order.ravel(), np.arange(op.size)) else _picked(joined, order)


def _random(op: Op, names: list[str]) -> str | None:
    match op.primitive:
        case "random_wrap":
            return names[0]
        case "random_fold_in":
            return f"THREEFRY({names[0]},[0,{names[1]}])"
        case "random_bits" if op.params["bit_width"] == 32 and not op.params["shape"]:
            return f"BITS32({names[0]})"
    return None


def _at(name: str, i: int, size: int) -> str:
    return name if size == 1 else f"{name}[{i}]"


def _picked(name: str, places: np.ndarray) -> str:
    """The numbers at some places of an array, of which it may be the only one."""
    many = places.size > 1
    if many and np.all(places == places.flat[0]) and places.flat[0] == 0:
        return f"Array({places.size}).fill({name})"
    if not many:
        return f"{name}[{places.flat[0]}]" if places.size else "[]"
    first = int(places.flat[0])
    if np.array_equal(places.ravel(), np.arange(first, first + places.size)):
        return f"{name}.slice({first},{first + places.size})"
    return f"PICK({name},{places.ravel().tolist()})".replace(" ", "")


def _window(sizes: tuple[int, ...], place: np.ndarray, names: list[str]) -> str:
    """Some of an array from a place on that is only known at run time, moved so that all is inside."""
    if place.size == 1:
        return names[0]
    offsets = []
    for axis, (size, start) in enumerate(zip(sizes, names[1:], strict=True)):
        most, stride = place.shape[axis] - size, int(np.prod(place.shape[axis + 1 :]))
        if most:
            offsets.append(f"Math.min({start},{most})" + (f"*{stride}" if stride > 1 else ""))
    within = place[tuple(map(slice, sizes))]
    shift = "+".join(offsets) or "0"
    if within.size == 1:
        return f"{names[0]}[{shift}]"
    return f"PICK({names[0]},{within.ravel().tolist()},{shift})".replace(" ", "")
