"""What JAX's operations that move numbers about in arrays are in JavaScript, where arrays lie flat.

Shapes are known, so most of them are a list of places; an array of one number is that number.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jax import lax

from .program import Op


def move(op: Op, names: list[str]) -> str | None:
    """The JavaScript of an operation on what has these names; None: of a kind that is not known."""
    rule = _RULES.get(op.primitive)
    return None if rule is None else rule(op, names)


def _place(op: Op, of: int = 0) -> np.ndarray:
    """Where each number of an input lies."""
    shape = op.params["shapes"][of]
    return np.arange(int(np.prod(shape))).reshape(shape)


def _picked(name: str, places: np.ndarray, shift: str = "") -> str:
    """The numbers at some places of an array, counted from a place known at run time."""
    flat = places.ravel().tolist()
    if len(flat) == 1:
        return f"{name}[{shift or flat[0]}]"
    if not shift and flat == list(range(flat[0], flat[0] + len(flat))):
        return f"{name}.slice({flat[0]},{flat[-1] + 1})"
    return f"PICK({name},{flat}{',' if shift else ''}{shift})".replace(" ", "")


def _slice(op: Op, names: list[str]) -> str:
    place, params = _place(op), op.params
    ends = params["start_indices"], params["limit_indices"], params["strides"] or [1] * place.ndim
    return _picked(names[0], place[tuple(map(slice, *ends))])


def _rev(op: Op, names: list[str]) -> str:
    return _picked(names[0], np.flip(_place(op), op.params["dimensions"]))


def _broadcast(op: Op, names: list[str]) -> str:
    place = _place(op)
    if place.size == 1:
        return f"Array({op.size}).fill({names[0]})"
    aligned = np.ones(len(op.shape), int)
    for size, at in zip(place.shape, op.params["broadcast_dimensions"], strict=True):
        aligned[at] = size
    return _picked(names[0], np.broadcast_to(place.reshape(aligned), op.shape))


def _pad(op: Op, names: list[str]) -> str:
    place = _place(op)
    config = [(low, high) for low, high, _ in op.params["padding_config"]]
    inside = names[0] if place.size == 1 else f"...{names[0]}"
    joined = f"[{inside},{names[1]}]"
    return _picked(joined, np.pad(place, config, constant_values=place.size))


def _iota(op: Op, names: list[str]) -> str:
    counted = np.indices(op.shape)[op.params["dimension"]]
    return str(counted.ravel().tolist()).replace(" ", "")


def _together(op: Op, names: list[str]) -> str:
    """Arrays one after another, and then in the order that their axis asks for."""
    ends = np.cumsum([int(np.prod(s)) for s in op.params["shapes"]])
    places = [_place(op, k) for k in range(len(names))]
    shifted = [p + (end - p.size) for p, end in zip(places, ends, strict=True)]
    stacked = op.primitive == "stack"
    join: Any = np.stack if stacked else np.concatenate
    order = join(shifted, op.params["axis" if stacked else "dimension"])
    pairs = [(name, p) for name, p in zip(names, places, strict=True) if p.size]
    flat = [name if p.size == 1 else f"...{name}" for name, p in pairs]
    if op.size == 1:
        return flat[0]
    joined = f"[{','.join(flat)}]"
    return joined if np.array_equal(order.ravel(), np.arange(op.size)) else _picked(joined, order)


def _cumsum(op: Op, names: list[str]) -> str | None:
    place, axis = _place(op), op.params["axis"]
    if place.size == 1:
        return names[0]
    along_rows = axis == place.ndim - 1 and not op.params["reverse"]
    return f"CUMSUM({names[0]},{place.shape[axis]})" if along_rows else None


def _sum(op: Op, names: list[str]) -> str | None:
    start = names[1] if op.primitive == "reduce" else "0"
    if op.size > 1 or op.params.get("computation", lax.add) is not lax.add:
        return None
    return f"SUM({names[0]},{start})" if _place(op).size > 1 else f"{names[0]}+{start}"


def _window(op: Op, names: list[str]) -> str:
    """Part of an array from a place on that is known at run time, moved so that all is inside."""
    place, sizes, offsets = _place(op), op.params["slice_sizes"], []
    if place.size == 1:
        return names[0]
    for axis, (size, start) in enumerate(zip(sizes, names[1:], strict=True)):
        most, stride = place.shape[axis] - size, int(np.prod(place.shape[axis + 1 :]))
        if most:
            offsets.append(f"Math.min({start},{most})" + (f"*{stride}" if stride > 1 else ""))
    return _picked(names[0], place[tuple(map(slice, sizes))], "+".join(offsets))


def _gather(op: Op, names: list[str]) -> str | None:
    place = _place(op)
    if place.ndim > 1 or op.size > 1:
        return None
    return f"AT({names[0]},{names[1]})" if place.size > 1 else names[0]


def _scatter(op: Op, names: list[str]) -> str | None:
    place = _place(op)
    if place.ndim > 1 or _place(op, 2).size > 1 or op.params["update_jaxpr"] is not None:
        return None
    return f"PUT({names[0]},{names[1]},{names[2]})" if place.size > 1 else names[2]


def _bits(op: Op, names: list[str]) -> str | None:
    one = op.params["bit_width"] == 32 and not op.params["shape"]
    return f"BITS32({names[0]})" if one else None


_RULES: dict[str, Callable[[Op, list[str]], str | None]] = {
    "broadcast_in_dim": _broadcast,
    "concatenate": _together,
    "cumsum": _cumsum,
    "dynamic_slice": _window,
    "gather": _gather,
    "iota": _iota,
    "pad": _pad,
    "random_bits": _bits,
    "random_fold_in": lambda op, names: f"THREEFRY({names[0]},[0,{names[1]}])",
    "random_wrap": lambda op, names: names[0],
    "reduce": _sum,
    "reduce_sum": _sum,
    "rev": _rev,
    "scatter": _scatter,
    "slice": _slice,
    "stack": _together,
}
