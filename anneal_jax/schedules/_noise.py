"""Noise on a schedule: seeded, bounded, and a pure function of the step.

The draw for a step depends on the key and the step alone, so a resumed run sees the noise that
it would have seen, and every member of a vmapped population can have its own.
"""

from typing import Any, Literal, TypeAlias, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import _checks
from .._deprecated import warn
from .._numerics import as_float, as_int, clamp, on_host, select
from .._types import Array, DurationLike, RealScalarLike
from ._algebra import Mapped
from ._constant import as_schedule
from ._schedule import Schedule
from ._time_scale import OTHER, TimeScale, replaced

Distribution: TypeAlias = Literal["normal", "uniform"]
_BITS = 23  # of a draw: so few that a draw is exact in float32


class Noise(Mapped):
    """A schedule times one plus noise; what `schedule.noise(key, ...)` builds.

    `value(t) = schedule(t) * (1 + n(t))` for `begin <= t < end`, else `schedule(t)`. The noise is

    - with `distribution="normal"`: normal, with mean 0 and standard deviation `std`, cut off
      at `-limit` and `limit` (a truncated normal distribution; timm draws again until within),
    - with `distribution="uniform"`: uniform between `-limit` and `limit`.

    So a value differs from that of `schedule` by at most `limit` times the latter. `n(t)` depends
    on `key` and `t` only (it uses threefry, whatever JAX's default generator is, and is the same
    with x64 on or off). `t` is the step of `schedule`, so noise inside a cycle repeats with it.

    Args:
      schedule: any schedule.
      key: seed: a whole number from 0 to 2**64 - 1, or a JAX random key such as
        `jax.random.key(0)`, whose threefry data (two words of 32 bits) is used.
      std: standard deviation of the normal distribution before it is truncated, above 0; a fraction
        of the rate. None: 1.0. Only for "normal".
      distribution: "normal" or "uniform".
      begin: first optimizer step with noise, from 0 up.
      end: first optimizer step after the noise, at least `begin`; None: the noise has no end.
      limit: bound of the noise, above 0 and at most 1; timm's `noise_pct`.

    Raises:
      ValueError: at construction, if an argument is out of its range, or `std` is given for
        "uniform".

    Example:
        >>> import anneal_jax as anneal
        >>> schedule = anneal.Constant(1.0).noise(key=0, std=0.1, begin=2)
        >>> print(schedule([0, 1, 2, 3]).round(3))
        [1.    1.    1.13  0.938]

    Reference: `noise_range_t`, `noise_pct` and `noise_std` of timm's schedulers
    """

    schedule: Schedule = eqx.field(converter=as_schedule)
    key: Any = eqx.field(converter=lambda key: _words(key))
    std: RealScalarLike | None = eqx.field(default=None, converter=_checks.real)
    distribution: Distribution = eqx.field(default="normal", static=True)
    begin: DurationLike = eqx.field(default=0, converter=_checks.whole, metadata=OTHER)
    end: DurationLike | None = eqx.field(default=None, converter=_checks.whole, metadata=OTHER)
    limit: RealScalarLike = eqx.field(default=0.67, converter=_checks.real)

    def __check_init__(self) -> None:
        _checks.nearest("Noise", "distribution", self.distribution, get_args(Distribution))
        if self.std is not None:
            _checks.number("Noise", "std", self.std, above=0)
            if self.distribution == "uniform":
                rule = 'left out with distribution="uniform"'
                _checks.fail("Noise", "std", rule, self.std, "limit alone says how wide it is")
        _checks.number("Noise", "limit", self.limit, above=0, most=1)
        _checks.steps("Noise", "begin", self.begin)
        if self.end is not None:
            _checks.steps("Noise", "end", self.end)
            if _checks.known(self.begin, self.end) and self.end < self.begin:
                _checks.fail("Noise", "end", f"at least begin={self.begin}", self.end, "swap them")

    def value_at(self, step: Array) -> Array:
        noisy = step >= as_int(self.begin)
        if self.end is not None:
            noisy &= step < as_int(self.end)
        return self.schedule.value_at(step) * (1 + select(noisy, self._noise(step), 0))

    def _noise(self, step: Array) -> Array:
        key = jax.random.wrap_key_data(jnp.asarray(self.key, np.uint32), impl="threefry2x32")
        bits = jax.random.bits(jax.random.fold_in(key, step.astype(np.uint32)), dtype=np.uint32)
        # Odd multiples of 2 ** -_BITS between -1 and 1: symmetric, never an end, exact.
        odd = 2 * as_int(bits >> (32 - _BITS)) + 1 - 2**_BITS
        draw, limit = as_float(odd) * 2.0**-_BITS, as_float(self.limit)
        if self.distribution == "uniform":
            return draw * limit
        width = as_float(1.0 if self.std is None else self.std) * np.sqrt(2)
        return clamp(-limit, width * lax.erf_inv(draw * lax.erf(limit / width)), limit)

    def stretched(self, scale: TimeScale) -> "Noise":
        begin = scale(self.begin)
        end = None if self.end is None else begin + scale.at(self.begin)(self.end - self.begin)
        return replaced(self, schedule=self.schedule.stretched(scale), begin=begin, end=end)


def noise(
    schedule: Schedule,
    key: Any,
    std: RealScalarLike | None,
    distribution: Distribution,
    window: tuple[DurationLike, DurationLike | None] | None,
    begin: DurationLike,
    end: DurationLike | None,
    limit: RealScalarLike,
) -> Noise:
    """Build `schedule.noise(key, std, distribution, begin=, end=, limit=)`."""
    if window is not None:
        warn("noise(range=(a, b))", "begin=a, end=b")
        if not isinstance(window, tuple | list) or len(window) != 2:
            rule = "a pair of steps (begin, end), end None for ever after"
            _checks.fail("noise", "range", rule, window, "pass begin and end instead")
        if end is not None or not (on_host(begin) and begin == 0):
            _checks.fail("noise", "range", "given without begin and end", window, "leave it out")
        begin, end = window
    return Noise(schedule, key, std, distribution, begin, end, limit)


def _words(key: Any) -> Any:
    """The key as two words of 32 bits."""
    if isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        key = jax.random.key_data(key)
    whole = _checks.whole(key)
    if isinstance(whole, int) and not isinstance(whole, bool):
        if not 0 <= whole < 2**64:
            _checks.fail("Noise", "key", "from 0 to 2**64 - 1", key, "pass another seed")
        return np.array([whole >> 32, whole & 0xFFFFFFFF], np.uint32)
    try:
        words = key if isinstance(key, jax.Array) else np.asarray(key)
    except ValueError:  # lists of different lengths
        words = np.zeros(0)
    integral = jnp.issubdtype(words.dtype, jnp.integer)
    if integral and words.shape == ():  # a seed that is a tracer
        words = jnp.stack([jnp.zeros((), np.uint32), words.astype(np.uint32)])
    if words.shape != (2,) or not integral:
        rule = "a whole number or a threefry key (two words)"
        _checks.fail("Noise", "key", rule, key, "pass a seed or jax.random.key(seed)")
    return words.astype(np.uint32)
