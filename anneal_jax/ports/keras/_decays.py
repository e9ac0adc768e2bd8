"""Decays, and tables."""

import math
from collections.abc import Sequence
from itertools import pairwise

from ... import _checks
from ..._numerics import MAX_STEP, Number
from ...schedules._open_ended import InverseTime
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._tables import PiecewiseConstant
from ...schedules._waves import CyclicPolynomial
from .. import optax
from .._arguments import countable, given_number, given_steps, whole_steps
from .._terms import between, cycles, signed
from ._parts import positive, span, stair_or_slope


def ExponentialDecay(
    initial_learning_rate: Number,
    decay_steps: Number,
    decay_rate: Number,
    staircase: bool = False,
    name: str | None = "ExponentialDecay",
) -> Schedule:
    """A factor `decay_rate` in every `decay_steps`, for ever; core `ExponentialDecay`.

    Args:
      initial_learning_rate: at step 0.
      decay_steps: above 0; whole in a staircase.
      decay_rate: at least 0.
      staircase: whether to fall in jumps.
      name: ignored.

    Example:
        >>> from anneal_jax.ports import keras
        >>> print(keras.ExponentialDecay(1.0, 2, 0.25)([0, 1, 2, 4]))
        [1.     0.5    0.25   0.0625]
    """
    del name
    owner = "ExponentialDecay"
    initial = given_number(owner, "initial_learning_rate", initial_learning_rate)
    steps = stair_or_slope(owner, decay_steps, staircase)
    rate = given_number(owner, "decay_rate", decay_rate, least=0)
    if _checks.known(rate) and rate == 0:  # 0 ** 0 is 1, so the first value is there
        first = steps if staircase else 1
        return signed(initial, lambda value: PiecewiseConstant([value, 0.0], [first]))
    return optax.exponential_decay(initial, steps, rate, 0, staircase)


def PiecewiseConstantDecay(
    boundaries: Sequence[Number],
    values: Sequence[Number],
    name: str | None = "PiecewiseConstant",
    *,
    exact: bool = True,
) -> Schedule:
    """Constants between boundaries; core `PiecewiseConstant`, whose boundaries are one later.

    Args:
      boundaries: at least one, non-decreasing. One that is not whole is cut, as in Keras.
      values: one more; of either sign.
      name: ignored.
      exact: whether, as in Keras, a value still holds at its boundary. False: the next one holds
        from its boundary on, as in Optax and torch.

    Example:
        >>> from anneal_jax.ports import keras
        >>> print(keras.PiecewiseConstantDecay([2], [1.0, 0.5])([1, 2, 3]))
        [1.  1.  0.5]
        >>> print(keras.PiecewiseConstantDecay([2], [1.0, 0.5], exact=False)([1, 2, 3]))
        [1.  0.5 0.5]
    """
    del name
    owner = "PiecewiseConstantDecay"
    bounds = _checks.items(owner, "boundaries", boundaries, "steps")
    bounds = [given_number(owner, "boundaries", b, most=MAX_STEP - 1) for b in bounds]
    given = [
        given_number(owner, "values", v) for v in _checks.items(owner, "values", values, "numbers")
    ]
    if not bounds or len(given) != len(bounds) + 1:
        rule = f"one more than the {len(bounds)} boundaries, of which there is at least one"
        _checks.fail(owner, "the number of values", rule, len(given), "pair them up")
    if any(later < earlier for earlier, later in pairwise(bounds)):
        _checks.fail(owner, "boundaries", "in order", list(boundaries), "sort them")
    table = {0: given[0]}
    for bound, value in zip(bounds, given[1:], strict=True):
        # Keras casts boundaries to the type of the step; of several at one step the last counts.
        table[max(int(bound) + 1 if exact else math.ceil(bound), 0)] = value
    low = min(0.0, *table.values())
    steps = PiecewiseConstant([value - low for value in table.values()], list(table)[1:])
    return steps if low == 0 else steps + low


def PolynomialDecay(
    initial_learning_rate: Number,
    decay_steps: Number,
    end_learning_rate: Number = 0.0001,
    power: Number = 1.0,
    cycle: bool = False,
    name: str | None = "PolynomialDecay",
) -> Schedule:
    """A power of the remaining fraction; core `Polynomial`, or with `cycle` `CyclicPolynomial`.

    Args:
      initial_learning_rate: at step 0.
      decay_steps: above 0; whole with `cycle`.
      end_learning_rate: from step `decay_steps` on. Mind that its default is not 0.
      power: at least 0.
      cycle: whether to rise again, to less and less, instead of holding.
      name: ignored.

    Example:
        >>> from anneal_jax.ports import keras
        >>> print(keras.PolynomialDecay(1.0, 4, 0.0, power=2.0)([0, 2, 4, 9]))
        [1.   0.25 0.   0.  ]
        >>> print(keras.PolynomialDecay(1.0, 4, 0.0, cycle=True)([0, 2, 4, 5, 6, 8]))
        [1.    0.5   0.    0.375 0.25  0.   ]
    """
    del name
    owner = "PolynomialDecay"
    initial = given_number(owner, "initial_learning_rate", initial_learning_rate)
    end = given_number(owner, "end_learning_rate", end_learning_rate)
    steps = positive(owner, "decay_steps", decay_steps)
    power = given_number(owner, "power", power, least=0)
    _checks.flag("PolynomialDecay", "cycle", cycle)
    if not cycle or (_checks.known(power) and power == 0):
        return optax.polynomial_schedule(initial, end, power, steps)
    whole_steps(owner, "decay_steps", steps)

    return between(lambda a, b: CyclicPolynomial(a, b, steps, power), initial, end)


def InverseTimeDecay(
    initial_learning_rate: Number,
    decay_steps: Number,
    decay_rate: Number,
    staircase: bool = False,
    name: str | None = "InverseTimeDecay",
) -> Schedule:
    """`initial_learning_rate / (1 + decay_rate * t / decay_steps)`; core `InverseTime`.

    Args:
      initial_learning_rate: at step 0.
      decay_steps: above 0; whole in a staircase.
      decay_rate: at least 0.
      staircase: whether to fall in jumps.
      name: ignored.

    Example:
        >>> from anneal_jax.ports import keras
        >>> print(keras.InverseTimeDecay(1.0, 10, 1.0)([0, 10, 30]))
        [1.   0.5  0.25]
    """
    del name
    owner = "InverseTimeDecay"
    initial = given_number(owner, "initial_learning_rate", initial_learning_rate)
    steps = stair_or_slope(owner, decay_steps, staircase)
    rate = given_number(owner, "decay_rate", decay_rate, least=0)
    if not countable(steps):
        rate, steps = rate / steps, 1
    return signed(initial, lambda value: InverseTime(value, steps, rate, staircase))


def CosineDecay(
    initial_learning_rate: Number,
    decay_steps: Number,
    alpha: Number = 0.0,
    name: str | None = "CosineDecay",
    warmup_target: Number | None = None,
    warmup_steps: Number = 0,
    *,
    exact: bool = True,
) -> Schedule:
    """Perhaps a linear warmup, then cosine annealing to `alpha` times the peak, which holds.

    Core `Cosine`, or `warmup_cosine` with `total_steps = warmup_steps + decay_steps`.

    Args:
      initial_learning_rate: at step 0.
      decay_steps: of the cosine, which is after the warmup; above 0.
      alpha: the end, as a part of the peak (of `warmup_target`, if there is one).
      name: ignored.
      warmup_target: the peak after a warmup. None: no warmup.
      warmup_steps: its length, at least 0.
      exact: whether, as in Keras, `warmup_steps` are ignored without a `warmup_target`. False:
        the warmup then rises from 0 to `initial_learning_rate`.

    Example:
        >>> from anneal_jax.ports import keras
        >>> schedule = keras.CosineDecay(0.0, 4, warmup_target=1.0, warmup_steps=2)
        >>> print(schedule([0, 1, 2, 4, 6]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    del name
    owner = "CosineDecay"
    initial = given_number(owner, "initial_learning_rate", initial_learning_rate)
    steps = positive(owner, "decay_steps", decay_steps)
    alpha = given_number(owner, "alpha", alpha)
    _checks.number(owner, "warmup_steps", warmup_steps, least=0)
    warmup = given_steps(owner, "warmup_steps", warmup_steps)
    if warmup_target is None and not exact and not (_checks.known(warmup) and warmup == 0):
        initial, warmup_target = 0.0, initial
    if warmup_target is None:
        return optax.cosine_decay_schedule(initial, steps, alpha)
    peak = given_number(owner, "warmup_target", warmup_target)
    if not isinstance(warmup, float):
        rise = between(lambda a, b: Linear(a, b, warmup), initial, peak)
        return optax.join_schedules(
            [rise, optax.cosine_decay_schedule(peak, steps, alpha)], [warmup]
        )
    rise = span(Linear, initial, peak, 0, warmup)
    fall = span(Cosine, peak, alpha * peak, warmup, warmup + steps)
    return cycles([rise, fall], [0, math.ceil(warmup)], restarts=False)
