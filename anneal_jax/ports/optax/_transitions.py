"""One transition: a value, a line, a power, a cosine, an exponential."""

from ... import _checks
from ..._numerics import Number
from ...schedules._constant import Constant
from ...schedules._open_ended import ExponentialDecay
from ...schedules._schedule import Schedule
from ...schedules._segment import Segment
from ...schedules._segments import Linear, Polynomial
from .._arguments import countable, given_number, given_steps
from .._common import signed
from ._parts import begin_at, cosine, is_known, later, transition


def constant_schedule(value: Number) -> Schedule:
    """The same value for ever, as a float (Optax returns what it is given).

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.constant_schedule(0.5)(7))
        0.5
    """
    return Constant(given_number("constant_schedule", "value", value))


def polynomial_schedule(
    init_value: Number,
    end_value: Number,
    power: Number,
    transition_steps: Number,
    transition_begin: Number = 0,
) -> Schedule:
    """A power of the remaining fraction, between two waits; core `Polynomial(...).shift(...)`.

    Args are Optax's; `power` is at least 0.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.polynomial_schedule(1.0, 0.0, 2, 4, transition_begin=2)([0, 2, 4, 6]))
        [1.   1.   0.25 0.  ]
    """
    owner = "polynomial_schedule"
    power = given_number(owner, "power", power, least=0)
    if _checks.known(power) and power == 0:
        end_value = init_value  # 0 ** 0 is 1, so it never falls
        power = 1.0

    def shape(a: Number, b: Number, steps: Number) -> Segment:
        one = _checks.known(power) and power == 1
        return Linear(a, b, steps) if one else Polynomial(a, b, steps, power)

    return transition(owner, shape, init_value, end_value, transition_steps, transition_begin)


def linear_schedule(
    init_value: Number, end_value: Number, transition_steps: Number, transition_begin: Number = 0
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
    init_value: Number,
    transition_steps: Number,
    decay_rate: Number,
    transition_begin: Number = 0,
    staircase: bool = False,
    end_value: Number | None = None,
) -> Schedule:
    """A factor in every `transition_steps`, smoothly or in jumps; core `ExponentialDecay`.

    Args:
      init_value: of either sign.
      transition_steps: 0 or less: `init_value` for ever.
      decay_rate: 0: `init_value` for ever; not negative.
      transition_begin: how long `init_value` waits; whole.
      staircase: whether to jump; `transition_steps` is then whole.
      end_value: a lower bound if `decay_rate` is below 1, else an upper one, at every step.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.exponential_decay(1.0, 2, 0.25, end_value=0.1)([0, 1, 2, 4]))
        [1.   0.5  0.25 0.1 ]
    """
    owner = "exponential_decay"
    _checks.flag(owner, "staircase", staircase)
    init_value = given_number(owner, "init_value", init_value)
    decay_rate = given_number(owner, "decay_rate", decay_rate, least=0)
    steps = given_steps(owner, "transition_steps", transition_steps)
    begin = begin_at(owner, transition_begin)
    end_value = end_value if end_value is None else given_number(owner, "end_value", end_value)
    if is_known(steps, at_most=0) or is_known(decay_rate, at_most=0):
        return Constant(init_value)
    if not countable(steps):
        if staircase:
            rule, remedy = "a whole number below 2**31 in a staircase", "round it"
            _checks.fail(owner, "transition_steps", rule, transition_steps, remedy)
        decay_rate, steps = decay_rate ** (1 / steps), 1

    def build(value: Number) -> Schedule:
        return ExponentialDecay(value, steps, decay_rate, staircase)

    schedule = later(signed(init_value, build), begin)
    if end_value is None:
        return schedule
    falls = bool(decay_rate < 1)
    return schedule.clip(lower=end_value) if falls else schedule.clip(upper=end_value)


def cosine_decay_schedule(
    init_value: Number, decay_steps: Number, alpha: Number = 0.0, exponent: Number = 1.0
) -> Schedule:
    """Cosine annealing to `alpha * init_value`, which then holds; core `Cosine`.

    Args:
      init_value: of either sign.
      decay_steps: above 0.
      alpha: of either sign.
      exponent: at least 0.

    Example:
        >>> from anneal_jax.ports import optax
        >>> print(optax.cosine_decay_schedule(1.0, 4)([0, 2, 4, 9]).round(3))
        [1.  0.5 0.  0. ]
    """
    init_value = given_number("cosine_decay_schedule", "init_value", init_value)
    alpha = given_number("cosine_decay_schedule", "alpha", alpha)
    return cosine("cosine_decay_schedule", init_value, alpha * init_value, decay_steps, exponent)
