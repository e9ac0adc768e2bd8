"""Endless growing cycles up to the last step that is counted, in exact arithmetic.

The last cycle that begins is longer than the counter reaches, perhaps by far.
"""

from typing import Any

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from tests import oracle as o, oracle_compose as oc, oracle_spans as os
from tests.cases import LARGEST
from tests.strategies import Both

pytestmark = pytest.mark.optimized


def _rise(n: int) -> Both:
    schedule = anneal.Linear(0.0, 1.0, n // 4).then(anneal.Cosine(1.0, 0.1, n - n // 4))
    return Both(schedule, oc.join([o.linear(0.0, 1.0, n // 4), o.cosine(1.0, 0.1, n - n // 4)]))


def _until(n: int) -> Both:
    """The first part of something that outgrows the counter in more cycles than the last."""
    part = anneal.Linear(1.0, 0.0, 70 * n).until(n)
    return Both(part, os.Until(o.linear(1.0, 0.0, 70 * n), n))


def _cycles(n: int) -> Both:
    part = anneal.Polynomial(1.0, 0.0, n, 2.0).repeat(3, 1.5, 0.5)
    return Both(part, oc.growing(o.polynomial(1.0, 0.0, n, 2.0), 1.5, 3, factor=0.5))


def _endless(n: int) -> Both:
    """Endless cycles, cut within one of them."""
    plan = os.Until(oc.growing(o.linear(1.0, 0.0, n), 3, None), 9 * n)
    return Both(anneal.Linear(1.0, 0.0, n).repeat(None, 3).until(9 * n), plan)


def _cut(n: int) -> Both:
    """Three cycles, cut within the second."""
    plan = os.Until(oc.growing(o.linear(1.0, 0.0, n), 5, 3), 2 * n)
    return Both(anneal.Linear(1.0, 0.0, n).repeat(3, 5).until(2 * n), plan)


PARTS = {
    "cosine": lambda n: Both(anneal.Cosine(1.0, 0.0, n), o.cosine(1.0, 0.0, n)),
    "exponential": lambda n: Both(anneal.Exponential(1.0, 1e-3, n), o.exponential(1.0, 1e-3, n)),
    "reverse": lambda n: Both(anneal.Rex(1.0, 0.0, n).reverse(), oc.Reverse(o.rex(1.0, 0.0, n))),
    "shift": lambda n: Both(
        anneal.Linear(1.0, 0.0, n).shift(-(n // 3)), oc.Shift(o.linear(1.0, 0.0, n), -(n // 3))
    ),
    "every": lambda n: Both(
        anneal.Linear(1.0, 0.0, n).every(3), os.Every(o.linear(1.0, 0.0, n), 3)
    ),
    "span": lambda n: Both(
        anneal.Span(anneal.Linear(1.0, 0.0, 1), -0.5, n - 0.25),
        os.Span(o.linear(1.0, 0.0, 1), -0.5, n - 0.25),
    ),
    "decay": lambda n: Both(
        anneal.InverseTime(1.0, n, 0.5).until(n), os.Until(o.inverse_time(1.0, n, 0.5), n)
    ),
    "knots": lambda n: Both(
        anneal.Interpolated([0, n // 2, n], [1.0, 0.5, 0.7]),
        oc.interpolated([0, n // 2, n], [1.0, 0.5, 0.7], o.linear),
    ),
    "join": _rise,
    "until": _until,
    "cycles": _cycles,
    "endless": _endless,
    "cut": _cut,
}
RATIOS = [1.01, 1.5, 2, 10, 777.7, 2e7]


def _check(got: Any, plan: o.Plan, steps: np.ndarray) -> None:
    """Within 1e-6; next to zero, within the part of a cycle that is a unit of it."""
    wanted = np.array([float(plan.value(t)) for t in steps.tolist()])
    np.testing.assert_allclose(np.asarray(got, np.float64), wanted, rtol=1e-6, atol=2e-8)


def _steps(rng: np.random.Generator) -> np.ndarray:
    """The last ones, and some of each order of magnitude."""
    some = (2 ** rng.uniform(9, 31, 5)).astype(int)
    return np.array([LARGEST, LARGEST - 1, *rng.integers(2**30, 2**31, 3), *some])


@pytest.mark.parametrize("name", PARTS)
def test_values_in_cycles_without_a_counted_end(name: str) -> None:
    """Also stretched, shifted, over a floor, and read from a config."""
    rng = np.random.default_rng(len(name))
    for ratio in rng.permutation(RATIOS)[:3].tolist():
        part, steps = PARTS[name](int(rng.integers(40, 300))), _steps(rng)
        more = {"value_factor": 0.9, "floor": 0.25, "floor_factor": 0.8}
        schedule = part.schedule.repeat(None, ratio, **more)
        floors = {"floor": o.Constant(0.25), "floor_factor": 0.8}
        plan: o.Plan = oc.growing(part.plan, ratio, None, factor=0.9, **floors)
        factor = float(rng.choice([1.5, 4.0, 1000.0]))
        stretched = schedule.stretch(factor)
        for one in (schedule, stretched):  # whose table may be longer than it needs to be
            assert str(anneal.from_config(anneal.to_config(one))) == str(one)
        assert anneal.from_config(anneal.to_config(schedule)) == schedule
        with jax.disable_jit():
            _check(schedule(steps), plan, steps)
            moved = oc.Shift(plan.stretch(factor), 9)
            _check(stretched.shift(9)(steps), moved, steps)
            begun = np.array([plan.restarts(t) > 0 for t in steps.tolist()])
            np.testing.assert_array_equal(schedule.is_restart(steps), begun)


def test_the_last_cycle_compiled_traced_and_batched() -> None:
    """One program for all lengths and factors of a stretch; both may be tracers."""
    lengths, factors = np.array([100, 1000, 999]), np.array([1.0, 2.0, 64.0], np.float32)
    plans = [oc.growing(o.cosine(1.0, 0.0, n), 10, None) for n in lengths.tolist()]
    wanted = [p.stretch(f).value(LARGEST) for p, f in zip(plans, factors.tolist(), strict=True)]

    @jax.jit
    @jax.vmap
    def traced(length: Any, factor: Any) -> Any:
        return anneal.Cosine(1.0, 0.0, length).repeat(steps_factor=10).stretch(factor)(LARGEST)

    np.testing.assert_allclose(traced(lengths, factors), np.array(wanted, float), 1e-6, 2e-7)
    compiled: Any = jax.jit(lambda schedule, factor: schedule.stretch(factor)(LARGEST))
    for length, factor, value in zip(lengths.tolist(), factors, wanted, strict=True):
        schedule = anneal.Cosine(1.0, 0.0, length).repeat(steps_factor=10)
        np.testing.assert_allclose(compiled(schedule.as_arrays(), factor), float(value), 1e-6, 2e-7)
    assert compiled._cache_size() == 1


def test_a_traced_number_of_cycles_has_room_for_those_that_are_asked_for() -> None:
    """A part outgrows the counter in later ones, which a larger number would have."""
    part = anneal.Linear(1.0, 0.0, 7000).until(100)
    steps = np.array([50, 600, 1110, 11109, LARGEST])
    traced = jax.jit(lambda cycles: part.repeat(cycles, 10)(steps))(3)
    np.testing.assert_allclose(traced, part.repeat(3, 10)(steps), rtol=1e-6)


def test_a_last_period_may_have_any_length() -> None:
    """It is endless, and its values are those of its length."""
    schedule = anneal.Linear(1.0, 0.0, 10).repeat(periods=[5, 10**10])
    assert schedule.steps is None
    np.testing.assert_allclose(schedule(5 + 10**9), 0.9, rtol=1e-6)
    longest = anneal.Linear(1.0, 0.0, 10).repeat(periods=[10**400])
    np.testing.assert_allclose(longest(LARGEST), 1.0, rtol=1e-6)
    with pytest.raises(ValueError, match=r"periods must be a whole number from 1 to 2\*\*31 - 1"):
        anneal.Linear(1.0, 0.0, 10).repeat(periods=[10**10, 5])


@pytest.mark.parametrize(
    "build",
    [
        lambda: anneal.Linear(0.0, 1.0, 2**30).then(anneal.Constant(1.0)).stretch(4.0),
        lambda: anneal.Cosine(1.0, 0.0, 2**30).repeat().stretch(4.0),
        lambda: anneal.ExponentialDecay(1.0, 2**30, 0.5).stretch(4.0),
        lambda: anneal.Linear(1.0, 0.0, 2**30).until(5).stretch(4.0),
        lambda: anneal.Linear(1.0, 0.0, 1000).until(5).repeat(2, 1e7),
        lambda: anneal.Span(anneal.Linear(1.0, 0.0, 1), 0, 2**30).until(5).stretch(4.0),
        lambda: anneal.Span(anneal.Linear(1.0, 0.0, 1), -(2**30), 5).until(5).stretch(2.0),
    ],
)
def test_lengths_that_a_stretch_makes_too_long_are_refused(build: Any) -> None:
    """Cut short, they would be other schedules."""
    with pytest.raises(ValueError, match=r"boundary.* must be at most 2\*\*31 - 1 steps"):
        build()
