"""Numbers that stay exact: integer steps, fractions of them, and powers of those fractions.

Three facts shape everything here. First, float32 counts exactly only up to 2**24, so offsets and
remainders are formed in integers and cast last. Second, a rounded fraction `n / d` raised to a
power `p` has `p` times its rounding error, so where that matters a fraction is kept as a short
head and a tail whose sum is accurate to about 2**-32. Third, XLA may rewrite `x / d` as
`x * (1 / d)` or contract `a * b - c` into one fused operation, so nothing relies on how a float
product rounds: heads are cut by clearing bits, so short that their products are exact.

Everything here works on scalars (`Schedule` maps it over arrays) and in lax operations: a
schedule is compiled into every train step, so its program is kept short.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

Number = Any  # a Python number, an array of shape () or a tracer
MAX_STEP = 2**31 - 1


def float_dtype() -> np.dtype:
    """float64 with x64 on, else float32: what a schedule computes in and returns."""
    return jax.dtypes.canonicalize_dtype(np.float64)


def int_dtype() -> np.dtype:
    """int64 with x64 on, else int32: what steps are counted in."""
    return jax.dtypes.canonicalize_dtype(np.int64)


def as_float(x: Number) -> jax.Array:
    """`x` as a strongly typed `float_dtype()`, rounded once."""
    return lax.convert_element_type(x, float_dtype())


def as_int(x: Number) -> jax.Array:
    """`x` as a strongly typed `int_dtype()`."""
    return lax.convert_element_type(x, int_dtype())


def as_array(x: Number) -> jax.Array:
    """`x` as a strongly typed float or integer array; unsigned integers (bits) stay as they are."""
    if jnp.issubdtype(jnp.result_type(x), jnp.unsignedinteger):
        return jnp.asarray(x)
    return as_float(x) if jnp.issubdtype(jnp.result_type(x), jnp.inexact) else as_int(x)


def wide(x: Any) -> jax.Array:
    """`x` as an array precise enough for means: half-precision floats become float32."""
    x = jnp.asarray(x)
    half = jnp.issubdtype(x.dtype, jnp.floating) and jnp.finfo(x.dtype).bits < 32
    return x.astype(jnp.float32) if half else x


def select(condition: jax.Array, yes: Number, no: Number) -> jax.Array:
    """`yes` where the condition holds, else `no`: scalars, at least one of them an array."""
    typed = yes if isinstance(yes, jax.Array) else no
    yes, no = (lax.convert_element_type(x, typed.dtype) for x in (yes, no))
    return lax.select(condition, yes, no)


def row(table: Any, index: jax.Array) -> jax.Array:
    """`table[index]` for an index in range."""
    return lax.dynamic_index_in_dim(jnp.asarray(table), index.astype(np.uint32), keepdims=False)


def fetched(x: Any) -> Any:
    """What the host can hold of `x` now: of a JAX array, unless traced, its number or numbers.

    So a number read from an optimizer state is checked and computed as one typed by hand.
    """
    if not isinstance(x, jax.Array) or isinstance(x, Tracer):
        return x
    here = x.is_fully_addressable or x.is_fully_replicated
    plain = not jnp.issubdtype(x.dtype, jax.dtypes.extended)  # a key is no number
    if not here or not plain:
        return x
    host = jax.device_get(x)
    return host.item() if host.ndim == 0 else host


def on_host(*values: Number) -> bool:
    """Whether all of `values` are known on the host now, so that double arithmetic serves."""
    return all(isinstance(v, int | float | np.ndarray | np.generic) for v in values)


# --- Fractions ------------------------------------------------------------------------------

_LOW = 16  # integers are split below this bit, so that a part times a head is exact


def float_head(x: jax.Array) -> jax.Array:
    """`x` cut to 8 significant bits (26 in float64)."""
    mask = np.uint32(0xFFFF0000) if x.dtype == np.float32 else np.uint64(0xFFFFFFFFF8000000)
    bits = lax.bitcast_convert_type(x, mask.dtype)
    return lax.bitcast_convert_type(bits & mask, x.dtype)


def known_head(x: float) -> float:
    """`x` cut to 8 significant bits, on the host."""
    return float((np.float32(x).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32))


def int_parts(n: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The integer `n >= 0` as the sum of two floats of at most 16 significant bits."""
    low = n & (2**_LOW - 1)
    return as_float(n - low), as_float(low)


class Fraction(NamedTuple):
    """`n / d` as `head + tail`: the leading bits, and all the rest."""

    head: jax.Array
    tail: jax.Array

    @classmethod
    def of(cls, x: jax.Array) -> "Fraction":
        """A float, split into head and tail."""
        head = float_head(x)
        return cls(head, x - head)

    def rounded(self) -> jax.Array:
        """The fraction as one float."""
        return self.head + self.tail

    def power(self, exponent: jax.Array) -> jax.Array:
        """`(n / d) ** exponent` for `exponent > 0`; its error does not grow with the exponent."""
        some = self.head > 0
        head = select(some, self.head, 1)  # keeps the logarithm and its gradient finite at 0
        tail = select(some, self.tail, 0)
        more = lax.min(exponent * lax.log1p(tail / head), as_float(80.0))  # finite: 0 * inf is NaN
        grown = lax.pow(head, exponent) * lax.exp(more)
        return select(some, grown, 0)

    def exponential(self, base: jax.Array) -> jax.Array:
        """`base ** (n / d)` for `base > 0`."""
        return lax.pow(base, self.head) * lax.pow(base, self.tail)

    def half_sine(self, cosine: jax.Array) -> jax.Array:
        """`sin(pi / 2 * n / d)`, given its cosine; precise enough to be raised to a power."""
        scale = 2.0 ** (14 if self.head.dtype == np.float32 else 26)
        short = float(np.floor(np.pi / 2 * scale) / scale)
        main = short * self.head  # exact
        rest = (np.pi / 2 - short) * self.head + (np.pi / 2) * self.tail  # below 2**-7 * main
        sine = lax.sin(main)
        return sine + rest * (cosine + 0.5 * rest * sine)  # sin(main + rest), by Taylor


def fraction(n: jax.Array, d: jax.Array, n_part: Number = 0.0, d_part: Number = 0.0) -> Fraction:
    """`(n + n_part) / (d + d_part)`, for integers below 2**31 and parts between -1 and 1.

    The quotient must lie between 0 and 1.
    """
    divisor = as_float(d) + d_part
    head = float_head((as_float(n) + n_part) / divisor)
    (n_high, n_low), (d_high, d_low) = int_parts(n), int_parts(d)
    remainder = (n_high - head * d_high) + (n_low - head * d_low) + (n_part - head * d_part)
    return Fraction(head, remainder / divisor)


def two_sum(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`a + b` rounded, and its rounding error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def complement(rise: jax.Array, weight: jax.Array, exponent: jax.Array) -> jax.Array:
    """`1 - weight` for `weight = (1 - rise) ** exponent`, accurate also near 0."""
    early = rise < 0.5
    safe = select(early, rise, 0)
    return select(early, -lax.expm1(exponent * lax.log1p(-safe)), 1 - weight)


def mix(a: jax.Array, b: jax.Array, weight_a: jax.Array, weight_b: jax.Array) -> jax.Array:
    """`a * weight_a + b * weight_b` for weights that sum to 1, kept between `a` and `b`."""
    return within(a * weight_a + b * weight_b, a, b)


def within(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """`x`, which only a rounding error can put outside of `a` and `b`, kept between them.

    `a` and `b` may come in either order. The derivative is that of `x`, also where a rounding error
    was cut off.
    """
    fixed, a, b = lax.stop_gradient((x, a, b))
    return x + (clamp(lax.min(a, b), fixed, lax.max(a, b)) - fixed)


def clamp(low: jax.Array, x: jax.Array, high: jax.Array) -> jax.Array:
    """`x` kept between `low` and `high`.

    Not `lax.clamp`: where `x` is batched and the bounds are not, that one has no derivative.
    """
    return lax.min(lax.max(x, low), high)


def largest(first: Number, *others: Number) -> Number:
    """The largest of some counts, element by element; a Python int if all are known numbers."""
    if on_host(first, *others):
        found = functools.reduce(np.maximum, (first, *others))
        return found if np.ndim(found) else int(found)
    return functools.reduce(jnp.maximum, map(as_int, (first, *others)))


def plus(steps: Number, more: Number) -> Number:
    """The sum of two counts of steps, the second of any sign; where traced, at most 2**31 - 1."""
    if on_host(steps, more):
        total = np.add(steps, more, dtype=np.int64)
        return total if np.ndim(total) else int(total)
    steps, more = as_int(steps), as_int(more)
    return jnp.minimum(steps, MAX_STEP - jnp.maximum(more, 0)) + more


def product(x: Number, n: Number) -> Number:
    """A real number times a whole one, in float64 if both are known now."""
    x, n = fetched(x), fetched(n)
    return x * n if on_host(x, n) else as_float(x) * as_float(n)


# --- Integers -------------------------------------------------------------------------------


def round_half_up(x: Number) -> Number:
    """The integer nearest to `x >= 0`, halves upwards, at most 2**31 - 1."""
    if on_host(x):
        rounded = np.minimum(np.floor(np.asarray(x, np.float64) + 0.5), MAX_STEP).astype(np.int64)
        return int(rounded) if rounded.ndim == 0 else rounded
    floor = jnp.floor(x)
    rounded = jnp.where(x - floor >= 0.5, floor + 1, floor)
    # The largest float32 below 2**31: a saturating cast that does not rely on the backend.
    below = np.nextafter(np.asarray(2.0**31, x.dtype), np.asarray(0, x.dtype))
    return jnp.where(rounded >= 2.0**31, MAX_STEP, as_int(jnp.minimum(rounded, below)))


def scale_int(n: Number, numerator: Number, denominator: Number) -> Number:
    """`n * numerator / denominator` in exact integers, halves upwards, at most 2**31 - 1.

    For arguments below 2**31, of which only `n` may be negative; a denominator of 0 reads as 1.
    """
    if on_host(n, numerator, denominator):
        scaled = np.minimum(scale_known(n, numerator, denominator), MAX_STEP)
        return int(scaled) if scaled.ndim == 0 else scaled
    return _long_division(n, numerator, denominator)


@jax.jit  # some eighty operations, for each length of a schedule that is stretched: traced once
def _long_division(n: Number, numerator: Number, denominator: Number) -> jax.Array:
    """`scale_int` of tracers.

    Without x64 JAX has no 64-bit integers, so this is a long division in base 256: a float
    estimates each digit from below, off by at most one, and the remainder, known modulo 2**32,
    corrects it.
    """
    early = as_int(n) < 0
    n, numerator, denominator = (
        lax.convert_element_type(x, np.uint32) for x in (abs(as_int(n)), numerator, denominator)
    )
    denominator = jnp.maximum(denominator, 1)
    whole, n = n // denominator, n % denominator
    quotient = jnp.zeros_like(n * numerator)
    remainder = jnp.zeros_like(n * numerator * denominator)
    for shift in (24, 16, 8, 0):
        digit = (numerator >> shift) & 255
        total = remainder * 256 + digit * n
        r, g, m, d = (x.astype(np.float32) for x in (remainder, digit, n, denominator))
        guess = ((r * 256 + g * m) / d * np.float32(1 - 2.0**-20)).astype(np.uint32)
        remainder = total - guess * denominator
        more = remainder >= denominator
        remainder = jnp.where(more, remainder - denominator, remainder)
        quotient = quotient * 256 + guess + more.astype(np.uint32)
    # Halves upwards: those of negative numbers are not rounded away from 0.
    half = jnp.where(early, denominator // 2 + 1, denominator - denominator // 2)
    quotient += (remainder >= half).astype(np.uint32)
    room = jnp.maximum(MAX_STEP - quotient, 0) // jnp.maximum(numerator, 1)
    scaled = jnp.where(whole > room, np.uint32(MAX_STEP), quotient + whole * numerator)
    return jnp.where(early, -as_int(scaled), as_int(scaled))


def scale_known(n: Number, numerator: Number, denominator: Number) -> Any:
    """The same of numbers known now, at most 2**62: an int, or an array of int64."""
    n, top = np.asarray(n), np.asarray(numerator)
    bottom = np.maximum(denominator, 1)
    if float(np.max(np.abs(n), initial=0)) * float(np.max(top, initial=0)) > 2.0**62:
        n = n.astype(object)  # Python's integers, which do not wrap
    scaled = np.asarray(np.minimum((n * top + bottom // 2) // bottom, 2**62), np.int64)
    return scaled if scaled.ndim else int(scaled)


def last_reached(starts: Number, step: jax.Array) -> jax.Array:
    """The index of the last of `starts` (non-decreasing, the first is 0) that is at most `step`.

    A search in two levels of about the square root of the length: the program has the same
    size for 2 starts and for 2,000.
    """
    starts = as_int(starts)
    size = starts.shape[0]
    side = int(np.ceil(np.sqrt(size)))
    grid = lax.pad(starts, as_int(jnp.iinfo(starts.dtype).max), [(0, side * side - size, 0)])
    grid = lax.reshape(grid, (side, side))
    block = _count(step >= grid[:, 0]) - 1
    inside = _count(step >= row(grid, block)) - 1
    return lax.min(block * side + inside, as_int(size - 1))


def _count(flags: jax.Array) -> jax.Array:
    return lax.reduce(as_int(flags), as_int(0), lax.add, (0,))
