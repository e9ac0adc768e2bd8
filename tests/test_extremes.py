"""At the edges of what is accepted: values stay finite and as accurate as promised."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from tests.cases import LARGEST, floating
from tests.oracle import mp

pytestmark = pytest.mark.optimized

X64 = jax.config.jax_enable_x64
RNG = np.random.default_rng(0)


def _exact(*numbers: float) -> list[Any]:
    """What the program computes with."""
    return [mp.mpf(float(floating()(x))) for x in numbers]


def _error(schedule: anneal.Schedule, formula: Callable[[Any], Any], steps: Any) -> float:
    """The largest relative error at these steps."""
    got = np.asarray(schedule(np.array(steps)), np.float64)
    wanted = [formula(mp.mpf(int(t))) for t in steps]
    return max(float(abs((mp.mpf(float(x)) - w) / w)) for x, w in zip(got, wanted, strict=True))


@pytest.mark.parametrize("ends", [(1e-20, 1e20), (1e30, 1e-10), (1e-37, 3e38), (3e37, 1e-36)])
def test_exponentials_whose_ratio_is_no_number(ends: tuple[float, float]) -> None:
    """Of their two ends, that is, in float32."""
    a, b = _exact(*ends)
    schedule = anneal.Exponential(*ends, 1000)
    assert _error(schedule, lambda t: a * (b / a) ** (t / 1000), [1, 7, 500, 999]) < 1e-6
    slope = jax.grad(lambda x: anneal.Exponential(x, ends[1], 1000)(500))(floating()(ends[0]))
    assert np.isfinite(slope)


def test_tangents_of_all_widths() -> None:
    """Both ways, from far left of the middle to far right of it, also next to both ends."""
    with mp.workdps(150):
        for _ in range(40):
            width, steps = RNG.uniform(0.1, 39.9), int(RNG.integers(2, 10**5))
            lower = RNG.uniform(-60, 30)
            low, up = _exact(lower, lower + width)
            whole = mp.tanh(up) - mp.tanh(low)
            places = [1, steps - 1, *RNG.integers(1, steps, 8).tolist()]

            def weight(t: Any, low: Any = low, up: Any = up, n: int = steps) -> Any:
                return mp.tanh(up) - mp.tanh(low + (up - low) * t / n)

            falling = anneal.Tanh(1.0, 0.0, steps, float(low), float(up))
            assert _error(falling, lambda t, f=weight, w=whole: f(t) / w, places) < 1e-6
            rising = anneal.Tanh(0.0, 1.0, steps, float(low), float(up))
            assert _error(rising, lambda t, f=weight, w=whole: 1 - f(t) / w, places) < 1e-6


@pytest.mark.parametrize("gamma", [0.999999, 1 - 1.2e-9, 0.9])
def test_tops_that_hardly_fall(gamma: float) -> None:
    """The first top of `exp_range` is `1 - gamma ** t` below the peak, were it only 1e-8."""
    schedule = anneal.Triangular(1.0, 0.0, 11, 4, "exp_range", gamma)
    assert _error(schedule, lambda t: 1 - mp.mpf(gamma) ** t, [11, 26]) < 1e-6


def test_spans_that_begin_just_before_a_step() -> None:
    for begin in (2.9999, 2.0001, 2.5, 2.49999, 0.9999):
        first = mp.mpf(begin)
        schedule = anneal.Span(anneal.Linear(0.0, 1.0, 1), begin, 10)
        assert _error(schedule, lambda t, f=first: (t - f) / (10 - f), [3, 4, 9]) < 1e-6
        assert schedule(int(np.floor(begin))) == 0


def test_spans_of_powers_are_as_accurate_as_documented() -> None:
    """Relative error 4e-6 with an exponential, for it multiplies that of the power."""
    for power in (0.3, 0.5, 2.0, 3.0, 7.0):
        (p,) = _exact(power)
        for _ in range(6):
            steps, ends = int(RNG.integers(3, 2000)), (10.0 ** RNG.uniform(-6, 1, 2)).tolist()
            places = np.unique(RNG.integers(1, steps, 6)).tolist()
            a, b = _exact(*ends)

            def exponential(t: Any, a: Any = a, b: Any = b, n: int = steps, p: Any = p) -> Any:
                return a * (b / a) ** ((t / n) ** p)

            def shifted(t: Any, n: int = steps, p: Any = p) -> Any:
                return (mp.mpf(10) ** (1 - (t / n) ** p) - 1) / 9

            segment: anneal.Segment = anneal.Exponential(*ends, steps)
            assert _error(anneal.Span(segment, 0, steps, power), exponential, places) < 4e-6
            segment = anneal.ShiftedExponential(1.0, 0.0, steps, 10.0)
            assert _error(anneal.Span(segment, 0, steps, power), shifted, places) < 4e-6


@pytest.mark.skipif(X64, reason="float64 holds them")
@pytest.mark.parametrize(
    "build",
    [
        lambda: anneal.Constant(1e39),
        lambda: anneal.Linear(1e39, 0.0, 10),
        lambda: anneal.Exponential(3e38, 1.2e-38, 10),
        lambda: anneal.InverseSqrt(1.0, 1e-50),
        lambda: anneal.InverseSqrt(1.0, 1e40),
        lambda: anneal.InverseTime(1.0, 10, 1e300),
        lambda: anneal.ShiftedExponential(1.0, 0.0, 10, 1 + 1e-8),
        lambda: anneal.Tanh(1.0, 0.0, 10, 1e9, 1e9 + 1),
        lambda: anneal.Constant(1.0).noise(0, 1e300),
        lambda: anneal.PiecewiseConstant([1], [1.0, 1e39]),
    ],
)
def test_numbers_that_float32_cannot_hold_are_refused(build: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"must be .* in float32"):
        build()


def test_growth_ends_at_the_largest_number() -> None:
    schedule = anneal.ExponentialDecay(10.0, 1, 2.0, staircase=True)
    np.testing.assert_array_equal(schedule([2000, LARGEST]), np.finfo(floating()).max)


def test_lengths_beyond_the_counter_are_refused_where_they_are_counted() -> None:
    long = anneal.Linear(0.0, 1.0, LARGEST).shift(100)
    assert long.steps == LARGEST + 100
    for use in (
        long.reverse,
        lambda: long.repeat(2),
        lambda: long.every(2),
        lambda: long.stretch(2),
    ):
        with pytest.raises(ValueError, match=r"2\*\*31 - 1"):
            use()
    traced = jax.jit(lambda n: anneal.Linear(0.0, 1.0, n).shift(n).steps)(LARGEST)
    assert traced == LARGEST
