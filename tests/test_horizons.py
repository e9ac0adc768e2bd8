"""Every shape at every horizon up to 2**31 - 1, compiled: accurate, exact at the end, no NaN."""

from functools import partial
from typing import Any

import jax
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from tests import oracle as o, oracle_spans as os
from tests.cases import LARGEST, assert_close, floating

pytestmark = pytest.mark.optimized

HORIZONS = [1, 2, 3, 5, 7, 41, 500, 1000, 2000, 8000, 10**5, 10**6, 10**7]
HORIZONS += [2**24 - 1, 2**24 + 1, 10**9, LARGEST]

SHAPES: dict[str, tuple[Any, Any, dict[str, float]]] = {
    "linear": (anneal.Linear, o.linear, {}),
    "1-sqrt": (anneal.OneMinusSqrt, o.one_minus_sqrt, {}),
    "1-square": (anneal.OneMinusSquare, o.one_minus_square, {}),
    "logarithmic": (anneal.Logarithmic, o.logarithmic, {}),
}
for _x in (0.5, 1.0, 1.7, 3.0):
    SHAPES[f"cosine ** {_x}"] = (anneal.Cosine, o.cosine, {"exponent": _x})
for _x in (0.3, 0.5, 0.9, 1.0, 1.5, 2.0, 2.7):
    SHAPES[f"polynomial ** {_x}"] = (anneal.Polynomial, o.polynomial, {"power": _x})
for _x in (1.001, 2.0, 10.0, 1e3):
    SHAPES[f"shifted exponential, {_x}"] = (
        anneal.ShiftedExponential,
        o.shifted_exponential,
        {"base": _x},
    )

ENDS = [(1.0, 0.0), (0.0, 1.0), (0.3, 3e-5), (1e-4, 0.7)]
EXPONENTIAL_ENDS = [(1.0, 1e-4), (1e-8, 0.7), (0.3, 0.29)]


@partial(jax.jit, static_argnums=0)
@partial(jax.vmap, in_axes=(None, 0, None, None, 0))
@partial(jax.vmap, in_axes=(None, None, None, None, 0))
def _values(segment: Any, ends: Any, steps: Any, shape: Any, t: Any) -> jax.Array:
    return segment(ends[0], ends[1], steps, **shape)(t)


def _steps(horizon: int) -> list[int]:
    """Forty steps, close together at both ends."""
    powers = [round(horizon * 2.0**-k) for k in range(1, 32, 2)]
    near = [*range(4), *powers, *(horizon - p for p in powers), horizon - 2, horizon - 1, horizon]
    return [min(max(t, 0), LARGEST) for t in (*near, horizon + 1, 2 * horizon, LARGEST)][:42]


@pytest.mark.parametrize("shape", SHAPES)
def test_segment_at_every_horizon(shape: str) -> None:
    """Relative error at most 1e-6 up to the last step before a zero, and the end exact."""
    segment, plan, numbers = SHAPES[shape]
    _check(segment, plan, numbers, ENDS)


def test_exponential_at_every_horizon() -> None:
    _check(anneal.Exponential, o.exponential, {}, EXPONENTIAL_ENDS)


def test_harmonic_at_every_horizon() -> None:
    _check(anneal.Harmonic, os.harmonic, {}, EXPONENTIAL_ENDS)


def _check(segment: Any, plan: Any, numbers: dict[str, float], ends: list[Any]) -> None:
    for horizon in HORIZONS:
        steps = _steps(horizon)
        every = np.broadcast_to(np.array(steps, np.int32), (len(ends), len(steps)))
        got = _values(segment, np.array(ends, floating()), horizon, numbers, every)
        for row, (init, end) in zip(np.asarray(got), ends, strict=True):
            # The exponent arrives as an array: the reference has it as rounded there.
            shape = {name: float(floating()(x)) for name, x in numbers.items()}
            reference = plan(init, end, horizon, **shape)
            assert_close(row, [reference.value(t) for t in steps])
            exact = np.array([float(reference.value(t)) for t in steps]).astype(floating())
            given = np.array([reference.given(t) for t in steps])
            np.testing.assert_array_equal(row[given], exact[given])
            assert (row >= floating()(min(init, end))).all()
            assert (row <= floating()(max(init, end))).all()


@pytest.mark.parametrize("run", ["closed over", "as an argument"])
def test_no_nan_in_432_horizons_and_powers(run: str) -> None:
    """Optax's `polynomial_schedule` is NaN after 228 of these; its line ends below zero."""
    horizons = np.unique(np.concatenate([np.arange(1, 60), np.geomspace(60, LARGEST, 49)]))
    steps = np.array([[n - 1, n, min(n + 1, LARGEST), LARGEST] for n in horizons.astype(np.int64)])
    powers = (0.5, 1.5, 2.5, 0.9)
    count = 0
    for power in powers:

        def value(n: Any, t: Any, power: float = power) -> jax.Array:
            return anneal.Polynomial(1.0, 0.0, n, power)(t)

        def ours(n: Any, t: Any, power: Any) -> jax.Array:
            schedule = anneal.Polynomial(1.0, 0.0, n, power)
            return anneal.join([schedule, anneal.Linear(0.0, 0.0, 1)], [n])(t)

        if run == "closed over":
            got = jax.jit(jax.vmap(value))(horizons.astype(np.int32), steps.astype(np.int32))
        else:
            got = jax.jit(jax.vmap(ours, (0, 0, None)))(
                horizons.astype(np.int32), steps.astype(np.int32), power
            )
        assert np.isfinite(got).all()
        assert (np.asarray(got)[:, 1:] == 0).all()
        assert (np.asarray(got)[:, 0] > 0).all()
        count += len(horizons)
    assert count >= 428


@pytest.mark.parametrize("horizon", [3, 41, 500, 1000, 2000, 8000, 10**7])
def test_each_horizon_alone_compiles_to_a_safe_program(horizon: int) -> None:
    """With the length a constant of the program, as in a train step: XLA may divide otherwise."""
    after = np.array([horizon - 1, horizon, horizon + 1, LARGEST], np.int32)
    line = jax.jit(anneal.Linear(1.0, 0.0, horizon))(after)
    power = jax.jit(anneal.Polynomial(1.0, 0.0, horizon, 0.5))(after)
    for got in (line, power):
        assert (np.asarray(got)[1:] == 0).all()
        assert got[0] > 0


@pytest.mark.parametrize("optimizer", [optax.sgd, optax.adamw])
def test_training_past_the_end_stays_finite(optimizer: Any) -> None:
    """A jitted update at and after the end of a polynomial leaves the parameters as they are."""
    params = {"w": np.ones(3, np.float32)}
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        tx = optimizer(anneal.Polynomial(0.1, 0.0, 3, 0.5))

        @jax.jit
        def step(params: Any, state: Any) -> Any:
            updates, state = tx.update(params, state, params)
            return optax.apply_updates(params, updates), state

        state, seen = tx.init(params), []
        for _ in range(6):
            params, state = step(params, state)
            seen.append(float(params["w"][0]))
    assert np.isfinite(seen).all()
    assert seen[2] == seen[3] == seen[5] != seen[1]


def test_growth_is_held_at_the_largest_number() -> None:
    largest = float(np.finfo(floating()).max)
    for rate in (2.0, 1.1, 10.0):
        schedule = anneal.ExponentialDecay(1.0, 1, rate)
        for run in (schedule, jax.jit(schedule)):
            assert run(10**5) == largest
            assert np.isfinite(run(LARGEST))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 0.96, 0.999, 0.9999, 1.0001, 2.0])
@pytest.mark.parametrize("staircase", [True, False])
def test_powers_of_a_rate(rate: float, staircase: bool) -> None:
    """As far as floats reach: 60 decades, or 2**31 steps, without losing a digit."""
    unit, decades = 3, 26 * np.log(10)
    last = int(min(unit * decades / abs(np.log(rate)), LARGEST))
    steps = np.unique(np.linspace(0, last, 300).astype(np.int32))
    schedule = anneal.ExponentialDecay(0.3, unit, rate, staircase=staircase)
    wanted = [o.exponential_decay(0.3, unit, rate, staircase).value(t) for t in steps.tolist()]
    for got in (
        schedule(steps),
        jax.jit(lambda t: schedule(t))(steps),
        schedule.as_arrays()(steps),
    ):
        assert_close(got, wanted)


@pytest.mark.parametrize("unit", [41, 47, 55, 61, 83, 97, 2**24 + 1])
def test_stairs_fall_on_time(unit: int) -> None:
    """Not a step late under jit, and not early above 2**24."""
    rises = np.array([k * unit + d for k in range(1, 100) for d in (-1, 0)])
    rises = rises[rises <= LARGEST]
    floors = rises // unit
    decay = anneal.ExponentialDecay(1.0, unit, 0.5, staircase=True)
    time = anneal.InverseTime(1.0, unit, 1.0, staircase=True)
    np.testing.assert_array_equal(jax.jit(lambda t: decay(t))(rises), 0.5**floors)
    wanted = (1 / (1 + floors)).astype(floating())
    np.testing.assert_allclose(jax.jit(lambda t: time(t))(rises), wanted, rtol=2e-7)


@pytest.mark.parametrize("timescale", [1.0, 100.3, 1e9])
def test_laws_up_to_the_last_step(timescale: float) -> None:
    steps = [0, 1, 2, 1000, 2**24 - 1, 2**24 + 1, 10**9, LARGEST - 1, LARGEST]
    for schedule, plan in [
        (anneal.InverseSqrt(0.3, timescale, 5.0), o.inverse_sqrt(0.3, timescale, 5.0)),
        (
            anneal.InversePower(0.3, timescale, 1.5, 5.0),
            os.inverse_power(0.3, timescale, 1.5, 5.0),
        ),
        (anneal.InverseTime(0.3, 7, 1 / timescale), o.inverse_time(0.3, 7, 1 / timescale)),
        (anneal.Triangular(0.1, 0.9, LARGEST // 2, 100), o.triangular(0.1, 0.9, LARGEST // 2, 100)),
    ]:
        assert_close(jax.jit(schedule)(np.array(steps)), [plan.value(t) for t in steps])


def test_a_triangle_of_the_largest_length() -> None:
    """A cycle longer than steps can be counted is refused, or right; never wrapped round."""
    schedule = anneal.Triangular(0.0, 1.0, LARGEST)
    np.testing.assert_allclose(schedule([0, 2**30, LARGEST]), [0.0, 0.5, 1.0], rtol=1e-6)


def test_a_join_beyond_the_counter() -> None:
    """A phase may end beyond 2**31 - 1, and the length is right; none may begin there."""
    half = anneal.Linear(0.0, 1.0, LARGEST)
    assert half.then(anneal.Linear(1.0, 0.0, LARGEST)).steps == 2 * LARGEST
    with pytest.raises(ValueError, match=r"2\*\*31 - 1"):
        half.then(half, half)
