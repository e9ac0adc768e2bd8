"""Sums over all pairs of steps, in linear time: kernels as short sums of exponentials.

What a law or a bound says of step `t` is a sum over earlier steps `k` of a kernel of the rates
between them, `y = rates[k + 1] + ... + rates[t]`: `T**2 / 2` terms for a whole curve. But

    1 / y = integral of exp(-r * y) dr = integral of r * exp(-r * y) du,  r = exp(u)

and by the trapezoidal rule in `u` that is a short sum of `w_j * exp(-r_j * y)`; each exponential
is a linear recurrence, `m_j(t) = exp(-r_j * rates[t]) * (m_j(t - 1) + v[t - 1])`. The rule
converges exponentially: a spacing of 1/2 in `u` has a relative error below 1e-7. What lies below
the smallest `r_j` is one exponential more, exact to second order.

All in float64, whether or not the caller has x64 on.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from . import _checks
from ._types import Array, RealScalarLike
from .schedules._schedule import Schedule

ScheduleOrRates: TypeAlias = Schedule | Array | np.ndarray | Sequence[float]
"""What laws and bounds are asked about: a schedule, or float[steps], the rate of each step."""

_SPACING = 0.5  # of the rule, in u: relative error 5e-8
_LOW, _HIGH = 3e-3, 25.0  # where it begins and ends, in r * y: errors of 1e-9 and 3e-10
_BOTTOM, _TOP = 1e-3, 40.0  # the same for a power's kernel, in r * y and in r / scale
_MOST = 111  # nodes where rates are traced, so that their range is not known: up to e**55


def in_float64(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` computed in float64; what it returns is as wide as the caller's JAX allows."""

    @functools.wraps(function)
    def doubled(*args: Any) -> Any:
        dtype = jax.dtypes.canonicalize_dtype(np.float64)
        with jax.enable_x64(True):
            out = function(*jax.tree.map(_double, args))
            return jax.tree.map(lambda x: lax.convert_element_type(x, dtype), out)

    return doubled


def _double(x: Any) -> Any:
    return lax.convert_element_type(x, np.dtype(np.float64))


def rates_of(owner: str, name: str, rates: ScheduleOrRates, steps: int | None = None) -> Any:
    """The rates of steps 0 to `steps - 1` of a schedule; those of an array as they are.

    Zeros before the first positive rate (a warmup from 0) move nothing and are allowed.

    Returns:
      float64[steps] in NumPy, or a tracer as it is.
    """
    if isinstance(rates, Schedule):
        rates = _values(owner, name, rates, steps)
    elif callable(rates):
        remedy = "pass its values, schedule(jnp.arange(steps))"
        _checks.fail(owner, name, "a schedule of anneal_jax, or an array of rates", rates, remedy)
    elif steps is not None and steps != np.size(rates):
        got = f"{np.size(rates)} numbers"
        _checks.fail(owner, name, f"a schedule, or the rates of {steps} steps", got, "cut them")
    if isinstance(rates, Tracer):
        return rates
    found = np.asarray(rates)
    if found.ndim != 1 or not found.size or found.dtype.kind not in "fiu":
        remedy = "pass the rate of each step"
        _checks.fail(owner, name, "an array of one rate for each step", rates, remedy)
    moving = found[np.argmax(found > 0) :]
    if not (np.isfinite(found).all() and (found >= 0).all() and (moving > 0).all()):
        bad = np.flatnonzero(~(np.isfinite(found) & (found > 0)))
        bad = bad[bad >= np.argmax(found > 0)]
        rule = "positive and finite (zeros before the first positive one excepted)"
        got = f"{found[bad[0]]} at step {bad[0]}"
        _checks.fail(owner, name, rule, got, "leave out steps that do not move")
    return found.astype(np.float64)


def _values(owner: str, name: str, schedule: Schedule, steps: int | None) -> Any:
    length = schedule.steps if steps is None else steps
    if length is None:
        rule = "a schedule with a length, or rates"
        _checks.fail(owner, name, rule, schedule, "pass schedule(jnp.arange(steps)) instead")
    _checks.steps(owner, "steps", _checks.whole(length), least=1)
    count = int(length)
    values = schedule(np.arange(power_of_two(count)))
    return (values if isinstance(values, Tracer) else np.asarray(values))[:count]


def power_of_two(count: int) -> int:
    """The least power of two from `count` up: what is made that long shares its program."""
    return 1 << (count - 1).bit_length()


def _grid(low: Array, high: Array, nodes: int, exponent: RealScalarLike) -> tuple[Array, ...]:
    """Nodes of the rule from `low` to `high`, and one exponential for all nodes below them.

    Their weights, `speed ** exponent`, are a geometric series: in sum those of the first node over
    `below`, with a mean speed that is put in front.

    Returns:
      Logarithms of the nodes, their spacing, the mean and the nodes, and `below`.
    """
    ends = lax.stop_gradient(jnp.log(jnp.stack([low, high])))
    spacing = (ends[1] - ends[0]) / (nodes - 1)
    logs = ends[0] + spacing * jnp.arange(nodes, dtype=np.float64)
    below = jnp.expm1(spacing * exponent)
    mean = jnp.exp(ends[0]) * below / jnp.expm1(spacing * (exponent + 1))
    return logs, spacing, jnp.concatenate([mean[None], jnp.exp(logs)]), below


@jax.custom_jvp
def _exp(x: Array) -> Array:
    """`exp(x)` for float64 up to 0, relative error below 8e-9.

    The exponentials are most of the time that a sum takes. On a CPU a power of two by its bits,
    and seven terms of the series for the rest, take two thirds of it.
    """
    return lax.platform_dependent(x, cpu=_short_exp, default=jnp.exp)


_exp.defjvp(lambda primals, tangents: ((out := _exp(*primals)), out * tangents[0]))


def _short_exp(x: Array) -> Array:
    whole = jnp.round(jnp.maximum(x, -700.0) / math.log(2))
    rest = jnp.maximum(x, -700.0) - whole * math.log(2)
    series = jnp.full_like(rest, 1 / math.factorial(7))
    for n in range(6, -1, -1):
        series = series * rest + 1 / math.factorial(n)
    # Added to 1.5 * 2**52, a whole number stands in the lowest bits; an exponent's begin at bit 52.
    bits = lax.bitcast_convert_type(whole + 1.5 * 2.0**52, np.int64) + 1023 << 52
    return series * lax.bitcast_convert_type(bits, np.float64)


@jax.custom_jvp
def _total(x: Array) -> Array:
    """The sum: halves first, which are vectors; XLA adds one by one, as slow as all else."""
    while len(x) % 2 == 0 and len(x) > 12:
        x = x[: len(x) // 2] + x[len(x) // 2 :]
    return jnp.sum(x)  # (a dot product loses float64 in reverse)


_total.defjvp(lambda primals, tangents: (_total(*primals), jnp.sum(*tangents)))  # a plain broadcast


def reciprocal_sums(values: Array, rates: Array, nodes: int) -> Array:
    """At each step `t`, the sum over `k < t` of `values[k] / (rates[k + 1] + ... + rates[t])`."""
    least = jnp.min(jnp.where(rates > 0, rates, jnp.inf))
    one = jnp.ones_like(least)
    logs, spacing, speed, below = _grid(_LOW / jnp.sum(rates), _HIGH / least, nodes, one)
    weight = spacing * jnp.concatenate([speed[1:2] / below, jnp.exp(logs)])

    def step(memory: Array, now: Any) -> Any:
        rate, before = now
        memory = _exp(-speed * rate) * (memory + before)
        return memory, _total(memory * weight)

    before = jnp.concatenate([jnp.zeros_like(values[:1]), values[:-1]])
    return lax.scan(step, jnp.zeros_like(speed), (rates, before))[1]


def power_sums(
    values: Array, scales: Any, exponent: RealScalarLike, rates: Array, nodes: int, *, own: bool
) -> Array:
    """At each step `t`, the sum over `k <= t` of `values[k] * (1 + scales[k] * y) ** -exponent`.

    `y` are the rates after step `k` up to `t`; with `own`, that of `k` as well. `scales` is one
    number, or one for each step. For exponents up to 2, the kernel's relative error is below 1e-6
    with 47 nodes, if `scales * y` goes up to 4e5 (nodes are 1/2 apart then).
    """
    low = _BOTTOM * jnp.minimum(1 / jnp.sum(rates), jnp.min(scales))
    logs, spacing, speed, below = _grid(low, _TOP * jnp.max(scales), nodes, exponent)
    first = exponent * logs[:1] - jnp.log(below)
    sizes = jnp.concatenate([first, exponent * logs]) + jnp.log(spacing) - lax.lgamma(exponent)
    weights = jnp.exp(sizes - exponent * jnp.log(jnp.max(scales)))
    values = values * (scales / jnp.max(scales)) ** -exponent
    shared = jnp.ndim(scales) == 0
    fresh = jnp.exp(-speed / scales) if shared else None

    @jax.checkpoint
    def step(memory: Array, now: Any) -> Any:
        rate, value, delay = now
        fade = _exp(-speed * rate)
        new = value * (fresh if shared else _exp(-speed * delay))
        memory = fade * (memory + new) if own else fade * memory + new
        return memory, _total(memory * weights)

    each = (rates, values, None if shared else 1 / scales)
    return lax.scan(step, jnp.zeros_like(speed), each)[1]


def exact_power_sums(
    values: Array, scales: Any, exponent: RealScalarLike, rates: Array, *, own: bool
) -> Array:
    """What `power_sums` approximates, term by term: quadratic in the number of steps."""
    after = jnp.cumsum(rates)
    before = after - rates if own else after
    steps = jnp.arange(len(rates))

    def at(t: Array) -> Array:
        y = jnp.maximum(after[t] - before, 0.0)
        kernel = (1 + scales * y) ** -exponent
        return jnp.sum(jnp.where(steps <= t, values * kernel, 0.0))

    return lax.map(at, steps)


def nodes_for(rates: Any) -> int:
    """How many nodes the rule needs, rounded up so that similar rates share a program.

    With that for all below them a multiple of 16, which makes whole vectors.
    """
    if isinstance(rates, Tracer):
        return _MOST
    span = math.log(_HIGH / _LOW * rates.sum() / rates[rates > 0].min(initial=rates.max()))
    return min(_MOST, 16 * math.ceil((span / _SPACING + 2) / 16) - 1)
