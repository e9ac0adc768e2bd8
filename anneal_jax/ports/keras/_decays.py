"""Decays, and tables."""

import math
from collections.abc import Sequence
from itertools import pairwise

from ... import _checks
from ..._numerics import MAX_STEP
from ..._types import RealScalarLike
from ...schedules._join import join
from ...schedules._open_ended import InverseTime
from ...schedules._schedule import Schedule
from ...schedules._segments import Cosine, Linear
from ...schedules._waves import CyclicPolynomial
from .. import _arguments, _terms, optax


def ExponentialDecay(
    initial_learning_rate: RealScalarLike,
    decay_steps: RealScalarLike,
    decay_rate: RealScalarLike,
    staircase: bool = False,
    name: str | None = "ExponentialDecay",
) -> Schedule:
    """A factor `decay_rate` in every `decay_steps`, for ever; core `ExponentialDecay`.

    Args:
      initial_learning_rate: rate at step 0.
      decay_steps: steps per factor of `decay_rate`; above 0, whole in a staircase.
      decay_rate: factor, at least 0.
      staircase: whether the rate falls in jumps.
      name: ignored.

    Example:
        >>> from anneal_jax.ports import keras
        >>> print(keras.ExponentialDecay(1.0, 2, 0.25)([0, 1, 2, 4]))
        [1.     0.5    0.25   0.0625]
    """
    del name
    owner = "ExponentialDecay"
    initial = _arguments.number(owner, "initial_learning_rate", initial_learning_rate)
    steps = _arguments.stairs(owner, "decay_steps", decay_steps, staircase, above=0)
    rate = _arguments.number(owner, "decay_rate", decay_rate, least=0)
    if _arguments.is_zero(rate):  # there Optax does not decay
        return _terms.signed(initial, lambda value: _terms.decay(value, steps, 0, staircase))
    return optax.exponential_decay(initial, steps, rate, 0, staircase)


def PiecewiseConstantDecay(
    boundaries: Sequence[RealScalarLike],
    values: Sequence[RealScalarLike],
    name: str | None = "PiecewiseConstant",
    *,
    exact: bool = True,
) -> Schedule:
    """Constants between boundaries; core `PiecewiseConstant`, whose boundaries are one later.

    Args:
      boundaries: steps between two values, at least one, non-decreasing. One that is not whole is
        cut, as in Keras.
      values: one more than there are boundaries, of either sign.
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
    bounds = [_arguments.number(owner, "boundaries", b, most=MAX_STEP - 1) for b in bounds]
    given = [
        _arguments.number(owner, "values", v)
        for v in _checks.items(owner, "values", values, "numbers")
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
    return _terms.constants(list(table.values()), list(table)[1:])


def PolynomialDecay(
    initial_learning_rate: RealScalarLike,
    decay_steps: RealScalarLike,
    end_learning_rate: RealScalarLike = 0.0001,
    power: RealScalarLike = 1.0,
    cycle: bool = False,
    name: str | None = "PolynomialDecay",
) -> Schedule:
    """A power of the remaining fraction; core `Polynomial`, or with `cycle` `CyclicPolynomial`.

    Args:
      initial_learning_rate: rate at step 0.
      decay_steps: length of the fall; above 0, whole with `cycle`.
      end_learning_rate: rate from step `decay_steps` on. Its default is not 0.
      power: exponent of the remaining fraction, at least 0.
      cycle: whether the rate rises again, to less and less, instead of holding.
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
    initial = _arguments.number(owner, "initial_learning_rate", initial_learning_rate)
    end = _arguments.number(owner, "end_learning_rate", end_learning_rate)
    steps = _arguments.duration(owner, "decay_steps", decay_steps, above=0)
    power = _arguments.number(owner, "power", power, least=0)
    _checks.flag(owner, "cycle", cycle)
    if not cycle or _arguments.is_zero(power):
        return optax.polynomial_schedule(initial, end, power, steps)
    steps = _arguments.steps(owner, "decay_steps", steps)
    return _terms.between(lambda a, b: CyclicPolynomial(a, b, steps, power=power), initial, end)


def InverseTimeDecay(
    initial_learning_rate: RealScalarLike,
    decay_steps: RealScalarLike,
    decay_rate: RealScalarLike,
    staircase: bool = False,
    name: str | None = "InverseTimeDecay",
) -> Schedule:
    """`initial_learning_rate / (1 + decay_rate * t / decay_steps)`; core `InverseTime`.

    Args:
      initial_learning_rate: rate at step 0.
      decay_steps: steps in which the divisor grows by `decay_rate`; above 0, whole in a staircase.
      decay_rate: growth of the divisor in `decay_steps`, at least 0.
      staircase: whether the rate falls in jumps.
      name: ignored.

    Example:
        >>> from anneal_jax.ports import keras
        >>> print(keras.InverseTimeDecay(1.0, 10, 1.0)([0, 10, 30]))
        [1.   0.5  0.25]
    """
    del name
    owner = "InverseTimeDecay"
    initial = _arguments.number(owner, "initial_learning_rate", initial_learning_rate)
    steps = _arguments.stairs(owner, "decay_steps", decay_steps, staircase, above=0)
    rate = _arguments.number(owner, "decay_rate", decay_rate, least=0)
    if not _arguments.countable(steps):
        rate, steps = rate / steps, 1
    return _terms.signed(
        initial, lambda value: InverseTime(value, steps, decay_rate=rate, staircase=staircase)
    )


def CosineDecay(
    initial_learning_rate: RealScalarLike,
    decay_steps: RealScalarLike,
    alpha: RealScalarLike = 0.0,
    name: str | None = "CosineDecay",
    warmup_target: RealScalarLike | None = None,
    warmup_steps: RealScalarLike = 0,
    *,
    exact: bool = True,
) -> Schedule:
    """Perhaps a linear warmup, then cosine annealing to `alpha` times the peak, which holds.

    Core `Cosine`, or `warmup_cosine` with `total_steps = warmup_steps + decay_steps`.

    Args:
      initial_learning_rate: rate at step 0.
      decay_steps: length of the cosine, which follows the warmup; above 0.
      alpha: last rate as a part of the peak (of `warmup_target`, if there is one).
      name: ignored.
      warmup_target: rate after the warmup; None: no warmup.
      warmup_steps: length of the warmup, at least 0.
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
    initial = _arguments.number(owner, "initial_learning_rate", initial_learning_rate)
    steps = _arguments.duration(owner, "decay_steps", decay_steps, above=0)
    alpha = _arguments.number(owner, "alpha", alpha)
    warmup = _arguments.duration(owner, "warmup_steps", warmup_steps, least=0)
    if warmup_target is None and not exact and not _arguments.is_zero(warmup):
        initial, warmup_target = 0.0, initial
    if warmup_target is None:
        return optax.cosine_decay_schedule(initial, steps, alpha)
    peak = _arguments.number(owner, "warmup_target", warmup_target)
    rise = _terms.transition(Linear, initial, peak, warmup)
    if not isinstance(warmup, float):
        return join([rise, optax.cosine_decay_schedule(peak, steps, alpha)], [warmup])
    fall = _terms.transition(Cosine, peak, alpha * peak, steps, warmup)
    return _terms.cycles([rise, fall], [0, math.ceil(warmup)], restarts=False)
