"""The warmup of transformers' TensorFlow side, which its model cards hold."""

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from ...schedules._segments import Linear, Polynomial
from .. import _arguments


def WarmUp(
    initial_learning_rate: RealScalarLike,
    decay_schedule_fn: Schedule,
    warmup_steps: IntScalarLike,
    power: RealScalarLike = 1.0,
    name: str | None = None,
) -> Schedule:
    """A warmup from 0 before another schedule; `transformers.WarmUp`, for TensorFlow.

    Args:
      initial_learning_rate: rate at the end of the warmup; at least 0.
      decay_schedule_fn: what follows, from its own step 0 on.
      warmup_steps: length of the warmup, in whole steps.
      power: exponent of the fraction of the warmup that has passed, at least 0.
      name: ignored.

    Raises:
      ValueError: if an argument is out of its range.

    Example:
        >>> from anneal_jax.ports import keras
        >>> decay = keras.PolynomialDecay(1.0, 4, 0.0)
        >>> print(keras.WarmUp(1.0, decay, warmup_steps=2)([0, 1, 2, 4, 6]))
        [0.  0.5 1.  0.5 0. ]
    """
    del name
    owner = "WarmUp"
    peak = _arguments.number(owner, "initial_learning_rate", initial_learning_rate, least=0)
    steps = _arguments.steps(owner, "warmup_steps", warmup_steps)
    exponent = _arguments.number(owner, "power", power, least=0)
    if not isinstance(decay_schedule_fn, Schedule):
        remedy = "build it with anneal_jax.ports.keras"
        _checks.fail(owner, "decay_schedule_fn", "a schedule", decay_schedule_fn, remedy)
    if _arguments.is_zero(exponent):
        return join([Constant(peak, steps), decay_schedule_fn])
    straight = _checks.known(exponent) and exponent == 1
    rise: Schedule = Linear(0.0, peak, steps)
    if not straight:
        rise = Polynomial(peak, 0.0, steps, power=exponent).reverse()
    return join([rise, decay_schedule_fn])
