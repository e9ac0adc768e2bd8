"""Schedules without an end: decay laws, and triangular cycles."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from .. import _checks
from .._numerics import Number, as_float, as_int, fraction, mix, select
from .._types import Array, DurationLike, RealScalarLike
from ._rate import Rate
from ._schedule import Schedule
from ._time_scale import DIVISOR, OTHER, REAL, TimeScale, replaced


def _rate_or_none(rate: RealScalarLike | Rate | None) -> Rate | None:
    return None if rate is None else Rate.of(rate)


class OpenEnded(Schedule):
    """The abstract base class of schedules without an end."""

    @property
    def steps(self) -> None:
        return None


class InverseSqrt(OpenEnded):
    """Inverse square root decay.

    `value(t) = init_value / sqrt(1 + (t + offset) / timescale)`

    Args:
      init_value: value at step 0 if `offset` is 0; finite, not negative.
      timescale: optimizer steps from `init_value` to `init_value / sqrt(2)`; above 0. The classic
        `sqrt(warmup / t)` after a warmup is `timescale = warmup`.
      offset: optimizer steps already taken, from 0 up, to continue an earlier run; big_vision's
        `shift`.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.InverseSqrt(1.0, timescale=100)([0, 300]))
        [1.  0.5]

    Reference: Zhai et al., [Scaling Vision Transformers](https://arxiv.org/abs/2106.04560),
    2021
    """

    init_value: RealScalarLike = eqx.field(converter=_checks.real)
    timescale: RealScalarLike = eqx.field(converter=_checks.real, metadata=REAL)
    offset: RealScalarLike = eqx.field(default=0.0, converter=_checks.real, metadata=REAL)

    def __check_init__(self) -> None:
        _checks.number("InverseSqrt", "init_value", self.init_value, least=0)
        _checks.number("InverseSqrt", "timescale", self.timescale, above=0)
        _checks.number("InverseSqrt", "offset", self.offset, least=0)

    def value_at(self, step: Array) -> Array:
        return as_float(self.init_value) * lax.sqrt(_shrunk(step, self.timescale, self.offset))


class InversePower(OpenEnded):
    """Decay by a power of the step.

    `value(t) = init_value / (1 + (t + offset) / timescale) ** power`

    Args:
      init_value: value at step 0 if `offset` is 0; finite, not negative.
      timescale: optimizer steps from `init_value` to `init_value / 2 ** power`; above 0.
      power: power of the decay, above 0; 1/2 is `InverseSqrt`, the power scheduler's is about 0.51.
        Up to 3 the relative error stays below 1e-6, except that it is rounded to float32 (without
        x64): for 2.1, values below 1e-6 of `init_value` carry that rounding as well.
      offset: optimizer steps already taken, from 0 up, to continue an earlier run.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.InversePower(1.0, timescale=100, power=2.0)([0, 100, 300]))
        [1.     0.25   0.0625]

    Reference: Shen et al., [Power Scheduler](https://arxiv.org/abs/2408.13359), 2024
    """

    init_value: RealScalarLike = eqx.field(converter=_checks.real)
    timescale: RealScalarLike = eqx.field(converter=_checks.real, metadata=REAL)
    power: RealScalarLike = eqx.field(converter=_checks.real)
    offset: RealScalarLike = eqx.field(default=0.0, converter=_checks.real, metadata=REAL)

    def __check_init__(self) -> None:
        _checks.number("InversePower", "init_value", self.init_value, least=0)
        _checks.number("InversePower", "timescale", self.timescale, above=0)
        _checks.number("InversePower", "power", self.power, above=0)
        _checks.number("InversePower", "offset", self.offset, least=0)

    def value_at(self, step: Array) -> Array:
        shrunk = _shrunk(step, self.timescale, self.offset)
        return as_float(self.init_value) * lax.pow(shrunk, as_float(self.power))


class InverseTime(OpenEnded):
    """Inverse time decay.

    `value(t) = init_value / (1 + decay_rate * t / decay_steps)`, with `floor(t / decay_steps)` in
    place of `t / decay_steps` if `staircase`.

    Args:
      init_value: value at step 0; finite, not negative.
      decay_steps: unit of time in optimizer steps, at least 1.
      decay_rate: amount by which the divisor grows per unit of time; finite, not negative.
      staircase: whether the value falls in jumps, one every `decay_steps` steps.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.InverseTime(1.0, decay_steps=10, decay_rate=1.0)([0, 10, 30]))
        [1.   0.5  0.25]

    Reference: InverseTimeDecay of Keras.
    """

    init_value: RealScalarLike = eqx.field(converter=_checks.real)
    decay_steps: DurationLike = eqx.field(converter=_checks.whole, metadata=DIVISOR)
    decay_rate: RealScalarLike = eqx.field(converter=_checks.real)
    staircase: bool = eqx.field(default=False, static=True)

    def __check_init__(self) -> None:
        _checks.number("InverseTime", "init_value", self.init_value, least=0)
        _checks.steps("InverseTime", "decay_steps", self.decay_steps, least=1)
        _checks.flag("InverseTime", "staircase", self.staircase)
        _checks.number("InverseTime", "decay_rate", self.decay_rate, least=0)

    def value_at(self, step: Array) -> Array:
        unit = lax.max(as_int(self.decay_steps), as_int(1))
        time = as_float(lax.div(step, unit)) if self.staircase else as_float(step) / as_float(unit)
        return as_float(self.init_value) / (1 + as_float(self.decay_rate) * time)


class ExponentialDecay(OpenEnded):
    """Exponential decay, smooth or in jumps.

    `value(t) = init_value * decay_rate ** (t / decay_steps)`, with `floor(t / decay_steps)` in
    place of `t / decay_steps` if `staircase`. The rate is stored as its logarithm, computed in
    float64, so that a million factors near 1 multiply exactly.

    Args:
      init_value: value at step 0; finite, not negative.
      decay_steps: optimizer steps in which the value changes by one `decay_rate`; at least 1.
      decay_rate: factor, above 0; above 1 the value grows, up to the largest finite number.
      staircase: whether the value changes in jumps, one every `decay_steps` steps.

    Raises:
      ValueError: at construction, if an argument is out of its range.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.ExponentialDecay(1.0, decay_steps=10, decay_rate=0.25)([0, 5, 10]))
        [1.   0.5  0.25]
    """

    init_value: RealScalarLike = eqx.field(converter=_checks.real)
    decay_steps: DurationLike = eqx.field(converter=_checks.whole, metadata=DIVISOR)
    decay_rate: Rate = eqx.field(converter=Rate.of)
    staircase: bool = eqx.field(default=False, static=True)

    def __check_init__(self) -> None:
        _checks.number("ExponentialDecay", "init_value", self.init_value, least=0)
        _checks.steps("ExponentialDecay", "decay_steps", self.decay_steps, least=1)
        _checks.flag("ExponentialDecay", "staircase", self.staircase)

    def value_at(self, step: Array) -> Array:
        unit = lax.max(as_int(self.decay_steps), as_int(1))
        value = as_float(self.init_value) * self.decay_rate.power(lax.div(step, unit))
        if not self.staircase:
            value = value * fraction(lax.rem(step, unit), unit).exponential(self.decay_rate.value())
        return lax.min(value, as_float(jnp.finfo(value.dtype).max))


class Triangular(OpenEnded):
    """Cyclical learning rates: up and down in straight lines, without end.

    `value(t) = init_value + (peak_value - init_value) * f * s`, where `f` rises from 0 to 1 in
    `up_steps` and falls back in `down_steps`, and `s` depends on the mode: 1 for `"triangular"`,
    `0.5 ** cycle` for `"triangular2"`, `gamma ** t` for `"exp_range"`.

    Args:
      init_value: value at the start of each cycle; finite, not negative.
      peak_value: value at the top of the first cycle (where `s` is 1); finite, not negative.
      up_steps: optimizer steps from bottom to top, at least 1.
      down_steps: optimizer steps from top to bottom, from 0 up; 0: a jump down; None: `up_steps`.
      mode: `"triangular"`, `"triangular2"` or `"exp_range"`.
      gamma: factor per step, above 0, for `"exp_range"` only; above 1 the tops grow beyond
        `peak_value`. None: 1.

    Raises:
      ValueError: at construction, if an argument is out of its range, or `gamma` is given for
        another mode.

    Example:
        >>> import anneal_jax as anneal
        >>> print(anneal.Triangular(0.0, 1.0, up_steps=2, mode="triangular2")([0, 1, 2, 4, 6]))
        [0.  0.5 1.  0.  0.5]

    Reference: Smith, [Cyclical Learning Rates](https://arxiv.org/abs/1506.01186), 2015
    """

    init_value: RealScalarLike = eqx.field(converter=_checks.real)
    peak_value: RealScalarLike = eqx.field(converter=_checks.real)
    up_steps: DurationLike = eqx.field(converter=_checks.whole, metadata=OTHER)
    down_steps: DurationLike | None = eqx.field(
        default=None, converter=_checks.whole, metadata=OTHER
    )
    mode: Literal["triangular", "triangular2", "exp_range"] = eqx.field(
        default="triangular", static=True
    )
    gamma: Rate | None = eqx.field(default=None, converter=_rate_or_none)

    def __check_init__(self) -> None:
        _checks.nearest("Triangular", "mode", self.mode, ("triangular", "triangular2", "exp_range"))
        if self.gamma is not None and self.mode != "exp_range":
            rule = f"left out with mode={self.mode!r}"
            _checks.fail("Triangular", "gamma", rule, self.gamma, "it belongs to 'exp_range'")
        _checks.number("Triangular", "init_value", self.init_value, least=0)
        _checks.number("Triangular", "peak_value", self.peak_value, least=0)
        _checks.steps("Triangular", "up_steps", self.up_steps, least=1)
        if self.down_steps is not None:
            _checks.steps("Triangular", "down_steps", self.down_steps)

    @property
    def has_restarts(self) -> bool:
        return True

    def _lengths(self) -> tuple[Array, Array]:
        up = lax.max(as_int(self.up_steps), as_int(1))
        return up, up if self.down_steps is None else as_int(self.down_steps)

    def _unsigned(self, steps: Array) -> Array:
        return steps.astype(f"u{steps.dtype}")

    def _period(self) -> Array:
        up, down = self._lengths()
        return self._unsigned(up) + self._unsigned(down)  # may be more than a signed one holds

    def cycle_at(self, step: Array) -> Array:
        return as_int(lax.div(self._unsigned(step), self._period()))

    def value_at(self, step: Array) -> Array:
        up, down = self._lengths()
        t = as_int(lax.rem(self._unsigned(step), self._period()))
        length = select(t < up, up, lax.max(down, as_int(1)))
        above = select(t < up, t, down - (t - up))
        height, depth = (as_float(n) / as_float(length) for n in (above, length - above))
        init, peak = as_float(self.init_value), as_float(self.peak_value)
        if self.mode == "triangular2":
            scale = Rate.of(0.5).power(self.cycle_at(step))
        else:
            scale = as_float(1) if self.gamma is None else self.gamma.power(step)
        # 1 - height * scale, as what is missing below the peak and what the scale takes off
        inside = lax.min(scale, as_float(1))
        taken = 1 - inside if self.gamma is None else lax.max(self.gamma.missing(step), as_float(0))
        value = mix(init, peak, depth + height * taken, height * inside)
        if self.gamma is None:
            return value
        grown = init + (peak - init) * (height * lax.min(scale, as_float(1e30)))
        return select(scale > 1, grown, value)  # above the peak there is no bound to keep

    def stretched(self, scale: TimeScale) -> "Triangular":
        scale = scale.from_zero()  # all cycles alike
        down = None if self.down_steps is None else scale.at(self.up_steps)(self.down_steps)
        return replaced(self, up_steps=scale.moved("divisor", self.up_steps), down_steps=down)


def _shrunk(step: Array, timescale: Number, offset: Number) -> Array:
    """`1 / (1 + (t + offset) / timescale)`."""
    timescale = as_float(timescale)
    return timescale / (timescale + (as_float(step) + as_float(offset)))
