"""Programs of JAX run by NumPy, so that none is compiled: for tests of hundreds of structures.

A program is traced (once for all that have its structure) and its operations are done one by one,
by the function of NumPy that each is. What has none here is done by JAX, as its own program.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np


def evaluate(function: Any, *args: Any) -> Any:
    """`function(*args)` of a jitted function, its results in the same dtypes."""
    traced = function.trace(*args)
    with np.errstate(all="ignore"):  # as XLA: infinities and wrapped integers are no errors
        results = _run(traced.jaxpr, [np.asarray(leaf) for leaf in jax.tree.leaves(args)])
    return jax.tree.unflatten(jax.tree.structure(traced.out_info), results)


def _run(closed: Any, args: Sequence[Any]) -> list[Any]:
    jaxpr = closed.jaxpr
    known = dict(zip(jaxpr.constvars, map(np.asarray, closed.consts), strict=True))
    known |= dict(zip(jaxpr.invars, args, strict=True))
    for eqn in jaxpr.eqns:
        inputs = [np.asarray(v.val, v.aval.dtype) if _literal(v) else known[v] for v in eqn.invars]
        outputs = _step(eqn, inputs)
        known |= dict(zip(eqn.outvars, outputs, strict=True))
    return [np.asarray(v.val, v.aval.dtype) if _literal(v) else known[v] for v in jaxpr.outvars]


def _literal(variable: Any) -> bool:
    return hasattr(variable, "val")


def _step(eqn: Any, inputs: list[Any]) -> list[Any]:
    """The results of one operation, in the dtypes that it says."""
    if eqn.primitive.name == "jit":
        return _run(eqn.params["jaxpr"], inputs)
    if eqn.primitive.name == "custom_jvp_call":  # its derivative is in the program already
        return _run(eqn.params["call_jaxpr"], inputs)
    known = all(isinstance(x, np.ndarray | np.generic) for x in inputs)  # random keys are not
    rule = _RULES.get(eqn.primitive.name) if known else None
    result = None if rule is None else rule(*inputs, **eqn.params)
    if result is None:
        result = eqn.primitive.bind(*inputs, **eqn.params)
    results = result if eqn.primitive.multiple_results else [result]
    return [_typed(r, v.aval.dtype) for r, v in zip(results, eqn.outvars, strict=True)]


def _typed(x: Any, dtype: Any) -> Any:
    """An array of NumPy; a random key, of which NumPy knows nothing, as it is."""
    return x if jax.dtypes.issubdtype(dtype, jax.dtypes.extended) else np.asarray(x, dtype)


# --- Operations: a rule may answer None, where it does not know this kind of its operation ------


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Element by element, whatever the parameters (of dtypes and shardings) are."""
    return lambda *inputs, **_: function(*inputs)


def _convert(x: Any, *, new_dtype: Any, **_: Any) -> Any:
    return x.astype(new_dtype)


def _bitcast(x: Any, *, new_dtype: Any, **_: Any) -> Any:
    return x.view(new_dtype) if x.itemsize == np.dtype(new_dtype).itemsize else None


def _broadcast(x: Any, *more: Any, shape: Any, broadcast_dimensions: Any, **_: Any) -> Any:
    if more:
        return None
    aligned = [1] * len(shape)
    for size, at in zip(x.shape, broadcast_dimensions, strict=True):
        aligned[at] = size
    return np.broadcast_to(x.reshape(aligned), shape)


def _divide(x: Any, y: Any, **_: Any) -> Any:
    return x / y if np.issubdtype(x.dtype, np.floating) else None


def _round(x: Any, *, rounding_method: Any, **_: Any) -> Any:
    return np.rint(x) if rounding_method == jax.lax.RoundingMethod.TO_NEAREST_EVEN else None


def _gather(table: Any, index: Any, *, dimension_numbers: Any, slice_sizes: Any, **params: Any):
    """Rows of a table, each by its index, clipped into it: what `vmap` makes of `dynamic_slice`."""
    numbers, axes = dimension_numbers, tuple(range(table.ndim))
    rows = (
        params["mode"] == jax.lax.GatherScatterMode.CLIP
        and index.ndim == 2
        and numbers.start_index_map == axes
        and numbers.offset_dims == tuple(axis + 1 for axis in axes)
        and numbers.collapsed_slice_dims == numbers.operand_batching_dims == ()
    )
    if not rows:
        return None
    last = np.array(table.shape) - slice_sizes
    starts = np.minimum(index, last.astype(index.dtype)).astype(np.int64)
    inside = np.meshgrid(*map(np.arange, slice_sizes), indexing="ij")
    one = (slice(None), *[None] * table.ndim)
    return table[tuple(starts[:, axis][one] + inside[axis] for axis in axes)]


def _pad(x: Any, value: Any, *, padding_config: Any) -> Any:
    if any(low < 0 or high < 0 or inner for low, high, inner in padding_config):
        return None
    return np.pad(x, [(low, high) for low, high, _ in padding_config], constant_values=value)


def _slice(x: Any, *, start_indices: Any, limit_indices: Any, strides: Any, **_: Any) -> Any:
    steps = strides or [None] * x.ndim
    return x[tuple(map(slice, start_indices, limit_indices, steps))]


def _reduce(x: Any, start: Any, *, computation: Any, dimensions: Any, **_: Any) -> Any:
    if computation is not jax.lax.add:
        return None
    return [start + x.sum(axis=tuple(dimensions), dtype=x.dtype)]


def _scan(*inputs: Any, jaxpr: Any, length: int, num_consts: int, num_carry: int, **params: Any):
    """Step by step, forwards."""
    if params["reverse"] or not length:
        return None
    fixed, carry = inputs[:num_consts], list(inputs[num_consts : num_consts + num_carry])
    rows = []
    for at in range(length):
        results = _run(jaxpr, [*fixed, *carry, *(x[at] for x in inputs[num_consts + num_carry :])])
        carry, row = results[:num_carry], results[num_carry:]
        rows.append(row)
    return [*carry, *map(np.stack, zip(*rows, strict=True))]


_RULES: dict[str, Callable[..., Any]] = {
    "bitcast_convert_type": _bitcast,
    "broadcast_in_dim": _broadcast,
    "clamp": lambda low, x, high: np.minimum(np.maximum(x, low), high),
    "concatenate": lambda *parts, dimension: np.concatenate(parts, dimension),
    "convert_element_type": _convert,
    "div": _divide,
    "exp2": _plain(np.exp2),
    "gather": _gather,
    "integer_pow": lambda x, *, y: x**y,
    "pad": _pad,
    "reduce": _reduce,
    "reshape": lambda x, *_, new_sizes, **__: x.reshape(new_sizes),
    "round": _round,
    "scan": _scan,
    "select_n": lambda which, no, yes: np.where(which, yes, no),
    "slice": _slice,
    "square": _plain(np.square),
    "squeeze": lambda x, *, dimensions: np.squeeze(x, tuple(dimensions)),
    "stop_gradient": _plain(lambda x: x),
    **{
        name: _plain(function)
        for name, function in {
            "abs": np.abs, "add": np.add, "and": np.bitwise_and, "cos": np.cos, "cosh": np.cosh,
            "eq": np.equal, "exp": np.exp, "expm1": np.expm1, "floor": np.floor,
            "ge": np.greater_equal, "gt": np.greater, "le": np.less_equal, "log": np.log,
            "log1p": np.log1p, "lt": np.less, "max": np.maximum, "min": np.minimum,
            "mul": np.multiply, "ne": np.not_equal, "neg": np.negative, "not": np.invert,
            "or": np.bitwise_or, "pow": np.power, "rem": np.fmod, "rsqrt": lambda x: 1 / np.sqrt(x),
            "shift_left": np.left_shift, "sin": np.sin, "sinh": np.sinh, "sqrt": np.sqrt,
            "sub": np.subtract, "tanh": np.tanh,
        }.items()
    },
}  # fmt: skip
