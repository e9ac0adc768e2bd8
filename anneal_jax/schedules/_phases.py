"""The durations of a schedule in each of many cycles, in rows that a step gathers from."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._numerics import MAX_STEP, Number, on_host
from ._periods import Lengths, shifts_for
from ._schedule import Schedule
from ._time_scale import TimeScale, durations, longest

_MOST = 31  # halvings of what a stretch does move


def laid_out(
    both: tuple[Schedule, Schedule | None], length: Number, lengths: Any, cycles: Number | None
) -> tuple[Lengths, Any]:
    """The lengths of the cycles, and the durations in `both` in rows, in units in which all fit."""
    counted = Lengths.of(lengths, cycles is None)
    phases = _phases(both, length, counted.counts)
    if on_host(lengths) and cycles is None:  # what is longer than its cycle may not fit yet
        more: Any = 0
        while np.any(over := shifts_for(longest(phases, lengths.ndim))) and np.max(more) < _MOST:
            more = more + over
            counted = Lengths.of(lengths, True, more)
            phases = _phases(both, length, counted.counts)
    elif not on_host(cycles):  # who knows how many of the cycles are asked for
        counted, phases = jax.tree.map(_cut, (counted, phases))
    return counted, phases


def _phases(both: tuple[Schedule, Schedule | None], length: Number, lengths: Any) -> Any:
    """The durations among the leaves of `both`, stretched to each cycle's length, one row each."""
    axis = lengths.ndim - 1  # of the cycles, behind those of a batch

    scale = TimeScale(lengths, opened(length, axis))
    both = jax.tree.map(lambda x: opened(x, axis), both)
    rows = tuple(s and s.stretched(scale) for s in both)
    for one, other in zip(both, rows, strict=True):
        _check_marks(one, other)

    def filled(leaf: Any) -> Any:
        shape = lengths.shape + np.shape(leaf)[axis + 1 :]
        known = on_host(leaf)
        return np.array(np.broadcast_to(leaf, shape)) if known else jnp.broadcast_to(leaf, shape)

    return jax.tree.map(filled, eqx.filter(rows, durations(rows)))


def _check_marks(schedule: Schedule | None, stretched: Any) -> None:
    """Refuse a class whose `stretched` moves what no mark tells: the rows would not hold it."""
    rests = (eqx.filter(s, durations(s), inverse=True) for s in (schedule, stretched) if s)
    pairs = zip(*map(jax.tree.leaves, rests), strict=True)
    if any(x is not y and on_host(x, y) and not np.array_equal(x, y) for x, y in pairs):
        raise NotImplementedError(
            f"{type(schedule).__name__}: `stretched` moves a field that is not marked; mark it by "
            "eqx.field(metadata=anneal_jax.schedules.REAL), or WHOLE if it is a whole number."
        )


def _cut(leaf: Any) -> Any:
    """Known lengths and places, kept from wrapping where they are counted."""
    whole = on_host(leaf) and np.issubdtype(leaf.dtype, np.signedinteger)
    return np.minimum(leaf, MAX_STEP) if whole else leaf


def opened(leaf: Any, axis: int) -> Any:
    """An array with a new axis, for the cycles, at position `axis`; a scalar stays one."""
    if np.ndim(leaf) == 0:
        return leaf
    return (np if on_host(leaf) else jnp).expand_dims(leaf, axis)
