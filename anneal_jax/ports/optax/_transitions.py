"""One transition: a value, a line, a power, a cosine, an exponential."""

from typing import Any

from ... import _checks
from ..._types import RealScalarLike
from ...schedules._constant import Constant
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Linear, Polynomial
from .. import _arguments, _terms
from ._parts import begin_at, cosine, transition


def constant_schedule(value: RealScalarLike) -> Schedule:
    """The same value for ever, as a float (Optax returns what it is given).

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.constant_schedule(0.5)(7))
        0.5
    """
    return Constant(_arguments.number("constant_schedule", "value", value))


def polynomial_schedule(
    init_value: RealScalarLike,
    end_value: RealScalarLike,
    power: RealScalarLike,
    transition_steps: RealScalarLike,
    transition_begin: RealScalarLike = 0,
) -> Schedule:
    """A power of the remaining fraction, between two waits; core `Polynomial(...).shift(...)`.

    Args are Optax's; `power` is at least 0.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.polynomial_schedule(1.0, 0.0, 2, 4, transition_begin=2)([0, 2, 4, 6]))
        [1.   1.   0.25 0.  ]
    """
    owner = "polynomial_schedule"
    power = _arguments.number(owner, "power", power, least=0)
    if _arguments.is_zero(power):
        end_value = init_value  # 0 ** 0 is 1, so it never falls
        power = 1.0
    straight = _checks.known(power) and power == 1

    def shape(a: Any, b: Any, steps: Any) -> Segment:
        return Linear(a, b, steps) if straight else Polynomial(a, b, steps, power=power)

    return transition(owner, shape, init_value, end_value, transition_steps, transition_begin)


def linear_schedule(
    init_value: RealScalarLike,
    end_value: RealScalarLike,
    transition_steps: RealScalarLike,
    transition_begin: RealScalarLike = 0,
) -> Schedule:
    """A straight line between two waits; core `Linear(...).shift(...)`.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.linear_schedule(1.0, 0.0, 4)([0, 1, 4, 9]))
        [1.   0.75 0.   0.  ]
    """
    times = transition_steps, transition_begin
    return transition("linear_schedule", Linear, init_value, end_value, *times)


def exponential_decay(
    init_value: RealScalarLike,
    transition_steps: RealScalarLike,
    decay_rate: RealScalarLike,
    transition_begin: RealScalarLike = 0,
    staircase: bool = False,
    end_value: RealScalarLike | None = None,
) -> Schedule:
    """A factor in every `transition_steps`, smoothly or in jumps; core `ExponentialDecay`.

    Args:
      init_value: first value, of either sign.
      transition_steps: steps per factor of `decay_rate`; 0 or less: `init_value` for ever.
      decay_rate: factor, not negative; 0: `init_value` for ever.
      transition_begin: steps for which `init_value` waits; whole.
      staircase: whether the value jumps; `transition_steps` is then whole.
      end_value: a lower bound if `decay_rate` is below 1, else an upper one, at every step.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.exponential_decay(1.0, 2, 0.25, end_value=0.1)([0, 1, 2, 4]))
        [1.   0.5  0.25 0.1 ]
    """
    rest = transition_begin, staircase, end_value
    return exponential("exponential_decay", init_value, transition_steps, decay_rate, *rest)


def exponential(
    owner: str,
    init_value: RealScalarLike,
    transition_steps: RealScalarLike,
    decay_rate: RealScalarLike,
    transition_begin: RealScalarLike,
    staircase: bool,
    end_value: RealScalarLike | None,
) -> Schedule:
    """`exponential_decay`, also as a part of another schedule."""
    _checks.flag(owner, "staircase", staircase)
    init_value = _arguments.number(owner, "init_value", init_value)
    decay_rate = _arguments.number(owner, "decay_rate", decay_rate, least=0)
    steps = _arguments.duration(owner, "transition_steps", transition_steps)
    begin = _arguments.steps(owner, "transition_begin", begin_at(owner, transition_begin))
    if end_value is not None:
        end_value = _arguments.number(owner, "end_value", end_value)
    if (_checks.known(steps) and steps <= 0) or _arguments.is_zero(decay_rate):
        return Constant(init_value)
    steps = _arguments.stairs(owner, "transition_steps", steps, staircase)
    if not _arguments.countable(steps):
        decay_rate, steps = decay_rate ** (1 / steps), 1
    schedule = _terms.signed(
        init_value, lambda value: _terms.decay(value, steps, decay_rate, staircase)
    )
    schedule = schedule if _arguments.is_zero(begin) else schedule.shift(begin)
    if end_value is None:
        return schedule
    falls = bool(decay_rate < 1)
    return schedule.clip(lower=end_value) if falls else schedule.clip(upper=end_value)


def cosine_decay_schedule(
    init_value: RealScalarLike,
    decay_steps: RealScalarLike,
    alpha: RealScalarLike = 0.0,
    exponent: RealScalarLike = 1.0,
) -> Schedule:
    """Cosine annealing to `alpha * init_value`, which then holds; core `Cosine`.

    Args:
      init_value: first value, of either sign.
      decay_steps: length of the fall; above 0.
      alpha: last value as a part of the first, of either sign.
      exponent: power of the cosine's weight, at least 0.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.cosine_decay_schedule(1.0, 4)([0, 2, 4, 9]).round(3))
        [1.  0.5 0.  0. ]
    """
    owner = "cosine_decay_schedule"
    init_value = _arguments.number(owner, "init_value", init_value)
    end_value = init_value * _arguments.number(owner, "alpha", alpha)
    return cosine(owner, init_value, end_value, decay_steps, exponent)
