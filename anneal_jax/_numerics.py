"""Numbers that stay exact: integer steps, fractions of them, and powers of those fractions.

Three facts shape everything here. float32 stops counting at 2**24, so offsets and
remainders are formed in integers and cast last. A rounded fraction `n / d` raised to a power
`p` has `p` times its rounding error, so a fraction is kept as a short head and a small tail
whose sum is good to about 2**-36. And XLA may rewrite `x / d` as `x * (1 / d)` or contract
`a * b - c` into one fused operation, so nothing relies on how a float product rounds: heads
are cut by clearing bits, and a product of two heads is exact whatever the compiler does.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Number = Any  # a Python number, an array of shape () or a tracer
MAX_STEP = 2**31 - 1


def float_dtype() -> np.dtype:
    """float64 with x64 on, else float32: what a schedule computes in and returns."""
    return jax.dtypes.canonicalize_dtype(np.float64)


def int_dtype() -> np.dtype:
    """int64 with x64 on, else int32: what steps are counted in."""
    return jax.dtypes.canonicalize_dtype(np.int64)


def as_float(x: Number) -> jax.Array:
    """`x` as a strongly typed float of the computing precision, rounded once."""
    return lax.convert_element_type(x, float_dtype())


def as_int(x: Number) -> jax.Array:
    """`x` as a strongly typed integer of the counting precision."""
    return lax.convert_element_type(x, int_dtype())


def is_concrete(*values: Number) -> bool:
    """Whether all of `values` are known on the host now, so that double arithmetic serves."""
    return all(isinstance(v, int | float | np.ndarray | np.generic) for v in values)


def as_step(step: Number) -> jax.Array:
    """`step`, of any integer dtype and shape, as counted steps; negative ones read as 0."""
    if isinstance(step, jax.Array) or hasattr(step, "__jax_array__"):
        step = jnp.asarray(step)
        _require_integer(step.dtype, step)
        if np.iinfo(step.dtype).max > np.iinfo(int_dtype()).max:  # unsigned: saturate, never wrap
            step = jnp.minimum(step, jnp.asarray(np.iinfo(int_dtype()).max, step.dtype))
        return jnp.maximum(as_int(step), 0)
    host = np.asarray(step)
    if host.dtype != object:  # object: a Python int beyond 64 bits
        _require_integer(host.dtype, step)
    limit, largest = np.iinfo(int_dtype()).max, host.max(initial=0)
    if largest > limit:
        raise OverflowError(
            f"Schedule: step must be at most {limit}, got {largest}; "
            "turn on jax_enable_x64 to count further."
        )
    return jnp.asarray(np.maximum(host, 0).astype(int_dtype()))


def _require_integer(dtype: np.dtype, step: Number) -> None:
    if not np.issubdtype(dtype, np.integer):
        raise TypeError(
            f"Schedule: step must be an integer or an array of integers, got {step!r} of dtype "
            f"{dtype}; cast it first, as in step.astype('int32')."
        )


# --- Fractions ------------------------------------------------------------------------------


def _head_bits(dtype: np.dtype) -> int:
    """Half of the significand's bits: two heads multiply exactly."""
    return (jnp.finfo(dtype).nmant + 1) // 2


def _float_head(x: jax.Array) -> jax.Array:
    """`x` with the low half of its significand cleared."""
    info = jnp.finfo(x.dtype)
    bits = np.dtype(f"uint{info.bits}")
    cleared = info.nmant + 1 - _head_bits(x.dtype)
    mask = np.array((1 << info.bits) - (1 << cleared), bits)
    return lax.bitcast_convert_type(lax.bitcast_convert_type(x, bits) & mask, x.dtype)


def _int_head(n: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Split the integer `n >= 0` into its leading bits and the rest, both as exact floats."""
    used = jnp.iinfo(n.dtype).bits - lax.clz(n)
    shift = jnp.maximum(used - _head_bits(float_dtype()), 0)
    head = (n >> shift) << shift
    return as_float(head), as_float(n - head)


class Fraction(NamedTuple):
    """A number in [0, 1] as `head + tail`: half a significand, and what it leaves."""

    head: jax.Array
    tail: jax.Array

    @property
    def value(self) -> jax.Array:
        """The fraction, rounded once."""
        return self.head + self.tail

    def power(self, exponent: jax.Array) -> jax.Array:
        """`value ** exponent` for `exponent > 0`; the error does not grow with the exponent."""
        some = self.head > 0
        head = jnp.where(some, self.head, 1)  # keeps log and its gradient finite at 0
        tail = jnp.where(some, self.tail, 0)
        grown = lax.pow(head, exponent) * jnp.exp(exponent * jnp.log1p(tail / head))
        return jnp.where(some, grown, 0)

    def exponential(self, base: jax.Array) -> jax.Array:
        """`base ** value` for `base > 0`."""
        return lax.pow(base, self.head) * lax.pow(base, self.tail)

    def half_sine(self) -> jax.Array:
        """`sin(pi / 2 * value)`, precise enough to be raised to a power."""
        scale = 2.0 ** (_head_bits(float_dtype()) - 1)
        head = np.floor(np.pi / 2 * scale) / scale
        main = as_float(head) * self.head  # exact: two heads
        rest = as_float(np.pi / 2 - head) * self.head + as_float(np.pi / 2) * self.tail
        return jnp.minimum(jnp.sin(main) * jnp.cos(rest) + jnp.cos(main) * jnp.sin(rest), 1)


def fraction(n: jax.Array, d: jax.Array) -> Fraction:
    """`n / d` for integers `0 <= n <= d` and `d >= 1`."""
    head = _float_head(as_float(n) / as_float(d))
    n_head, n_rest = _int_head(n)
    d_head, d_rest = _int_head(d)
    remainder = (n_head - head * d_head) + (n_rest - head * d_rest)
    return Fraction(head, remainder / as_float(d))


def power_weights(fall: Fraction, rise: Fraction, exponent: Number) -> tuple[jax.Array, jax.Array]:
    """`(fall ** exponent, 1 - fall ** exponent)` where `rise = 1 - fall`, both without cancelling."""
    return _with_complement(fall.power(as_float(exponent)), rise.value, exponent)


def sine_weights(fall: Fraction, rise: Fraction, exponent: Number) -> tuple[jax.Array, jax.Array]:
    """`w = sin(pi / 2 * fall) ** (2 * exponent)` and `1 - w`, both without cancelling."""
    sine, cosine = fall.half_sine(), rise.half_sine()
    some = sine > 0
    weight = jnp.where(some, lax.pow(jnp.where(some, sine, 1), 2 * as_float(exponent)), 0)
    return _with_complement(weight, cosine * cosine, exponent)


def _with_complement(
    weight: jax.Array, rise: jax.Array, exponent: Number
) -> tuple[jax.Array, jax.Array]:
    """`(weight, 1 - weight)` for `weight = (1 - rise) ** exponent`."""
    early = rise < 0.5
    safe = jnp.where(early, rise, 0)
    small = -jnp.expm1(as_float(exponent) * jnp.log1p(-safe))
    return weight, jnp.where(early, small, 1 - weight)


def mix(a: jax.Array, b: jax.Array, weight_a: jax.Array, weight_b: jax.Array) -> jax.Array:
    """`a * weight_a + b * weight_b` for weights that sum to 1, kept between `a` and `b`."""
    return jnp.clip(a * weight_a + b * weight_b, jnp.minimum(a, b), jnp.maximum(a, b))


# --- Integers -------------------------------------------------------------------------------


def round_half_up(x: Number) -> Number:
    """The nearest integer to `x >= 0`, halves upwards, at most 2**31 - 1."""
    if is_concrete(x):
        rounded = np.minimum(np.floor(np.asarray(x, np.float64) + 0.5), MAX_STEP).astype(np.int64)
        return int(rounded) if rounded.ndim == 0 else rounded
    floor = jnp.floor(x)
    rounded = jnp.where(x - floor >= 0.5, floor + 1, floor)
    # The largest float32 below 2**31: a saturating cast that does not rely on the backend.
    below = np.nextafter(np.asarray(2.0**31, x.dtype), np.asarray(0, x.dtype))
    return jnp.where(rounded >= 2.0**31, MAX_STEP, as_int(jnp.minimum(rounded, below)))


def scale_int(n: Number, numerator: Number, denominator: Number) -> Number:
    """`n * numerator / denominator` in exact integers, halves upwards, at most 2**31 - 1.

    For non-negative arguments below 2**31; a denominator of 0 reads as 1. Without x64 there
    are no 64-bit integers, so the traced form is a long division in base 256: a float guesses
    each digit from below, off by at most one, and the remainder, known modulo 2**32, corrects.
    """
    if is_concrete(n, numerator, denominator):
        bottom = np.maximum(np.asarray(denominator, np.int64), 1)
        product = np.asarray(n, np.int64) * np.asarray(numerator, np.int64)
        scaled = np.minimum((product + bottom // 2) // bottom, MAX_STEP)
        return int(scaled) if scaled.ndim == 0 else scaled
    n, numerator, denominator = (
        lax.convert_element_type(x, np.uint32) for x in (n, numerator, denominator)
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
    quotient += (remainder >= denominator - denominator // 2).astype(np.uint32)
    room = jnp.maximum(MAX_STEP - quotient, 0) // jnp.maximum(numerator, 1)
    scaled = jnp.where(whole > room, np.uint32(MAX_STEP), quotient + whole * numerator)
    return as_int(scaled)


def count_reached(starts: Number, step: jax.Array) -> jax.Array:
    """How many of the non-decreasing `starts` (the first is 0) lie at or before `step`, less one.

    A search in three levels of about the cube root of the length: its program has the same
    size for 2 starts and for 4,000.
    """
    starts = as_int(starts)
    size = starts.shape[0]
    side = max(2, round(size ** (1 / 3) + 0.5))
    fill = jnp.full((side**3 - size,), jnp.iinfo(starts.dtype).max, starts.dtype)
    grid = jnp.concatenate([starts, fill]).reshape(side, side, side)
    block = jnp.sum(step >= grid[1:, 0, 0], dtype=starts.dtype)
    row = jnp.sum(step >= grid[block, 1:, 0], dtype=starts.dtype)
    column = jnp.sum(step >= grid[block, row, 1:], dtype=starts.dtype)
    return jnp.minimum((block * side + row) * side + column, size - 1)
