"""What several of Optax's schedules are made of: one transition, one cosine."""

from typing import Any

import jax.numpy as jnp

from ... import _checks
from ..._numerics import MAX_STEP
from ..._types import RealScalarLike
from ...schedules._constant import Constant
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine
from ...schedules._waves import CosineWave
from .. import _arguments, _terms


def begin_at(owner: str, begin: RealScalarLike) -> Any:
    """Where a transition begins: at 0 if it is told to begin before."""
    begin = _arguments.duration(owner, "transition_begin", begin, most=MAX_STEP)
    return max(begin, 0) if _checks.known(begin) else jnp.maximum(begin, 0)


def transition(
    owner: str,
    shape: _terms.Shape,
    init_value: RealScalarLike,
    end_value: RealScalarLike,
    transition_steps: RealScalarLike,
    transition_begin: RealScalarLike = 0,
    name: str = "transition_steps",
) -> Schedule:
    """A segment between two waits; without steps, the first for ever."""
    init_value = _arguments.number(owner, "init_value", init_value)
    end_value = _arguments.number(owner, "end_value", end_value)
    steps = _arguments.duration(owner, name, transition_steps, most=MAX_STEP)
    begin = begin_at(owner, transition_begin)
    if _checks.known(steps) and steps <= 0:
        return Constant(init_value)
    return _terms.transition(shape, init_value, end_value, steps, begin)


def cosine(
    owner: str,
    init_value: RealScalarLike,
    end_value: RealScalarLike,
    decay_steps: RealScalarLike,
    exponent: RealScalarLike,
) -> Schedule:
    """A cosine between values of either sign, in steps of any size."""
    exponent = _arguments.number(owner, "exponent", exponent, least=0)
    steps = _arguments.duration(owner, "decay_steps", decay_steps, above=0)
    if _arguments.is_zero(exponent):
        return Constant(init_value)
    if _checks.known(steps) and steps > MAX_STEP:  # a part of it is all that can be reached
        wave = CosineWave(1.0, 0.0, MAX_STEP, halves=MAX_STEP / steps).until(MAX_STEP)
        return wave**exponent * (init_value - end_value) + end_value

    def shape(a: Any, b: Any, n: Any) -> Cosine:
        return Cosine(a, b, n, exponent=exponent)

    return _terms.transition(shape, init_value, end_value, steps)
