"""What breaks in Optax's schedules today, one test each: ours pass.

Numbers are those of the failures measured with Optax 0.2.8. Nothing here is asserted about
Optax, which may mend them. (4 is in `test_inject.py`.)
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal
from tests.cases import LARGEST

HORIZONS = [3, 500, 1000, 2000, 8000, 10**7]


@pytest.mark.parametrize("power", [0.5, 0.9, 1.5])
def test_1_no_nan_at_the_end_of_a_polynomial_under_jit(power: float) -> None:
    """`/ T` compiled as `* (1 / T)` makes `1 - t / T` negative, and its root NaN."""
    steps = [jnp.array([horizon - 1, horizon, horizon + 1, LARGEST]) for horizon in HORIZONS]
    schedules = [anneal.Polynomial(1.0, 0.0, horizon, power=power) for horizon in HORIZONS]

    def mapped(steps: list[jax.Array]) -> list[jax.Array]:  # horizons are constants in here
        return [jax.vmap(s)(t) for s, t in zip(schedules, steps, strict=True)]

    def whole(steps: list[jax.Array]) -> list[jax.Array]:
        return [s(t) for s, t in zip(schedules, steps, strict=True)]

    for run in (whole, jax.jit(whole), jax.jit(mapped)):
        for horizon, got in zip(HORIZONS, run(steps), strict=True):
            assert got[0] > 0, horizon
            assert got[1:].tolist() == [0.0, 0.0, 0.0], horizon


@pytest.mark.parametrize("horizon", HORIZONS)
def test_1_a_line_does_not_end_below_zero(horizon: int) -> None:
    steps = jnp.array([horizon - 1, horizon, horizon + 1])
    last, *after = jax.jit(anneal.Linear(1.0, 0.0, horizon))(steps).tolist()
    assert last > 0
    assert after == [0.0, 0.0]


def test_1_parameters_survive_the_end() -> None:
    params = jnp.ones(4)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        tx = optax.sgd(anneal.Polynomial(0.1, 0.0, 3, power=0.5))
        update = jax.jit(tx.update)
        state = tx.init(params)
        for _ in range(5):
            updates, state = update(params, state)
            params = params + updates
    assert np.isfinite(params).all()


@pytest.mark.parametrize("interval", [41, 47, 55, 61])
def test_2_stairs_are_not_a_step_late_under_jit(interval: int) -> None:
    steps = jnp.arange(1, 30) * interval
    schedule = anneal.ExponentialDecay(1.0, interval, 0.5, staircase=True)
    np.testing.assert_array_equal(jax.jit(schedule)(steps), 0.5 ** np.arange(1, 30))
    np.testing.assert_array_equal(jax.jit(schedule)(steps - 1), 0.5 ** np.arange(29))


def test_2_stairs_are_not_early_above_2_to_the_24() -> None:
    interval = 2**24 + 1
    schedule = anneal.ExponentialDecay(1.0, interval, 0.5, staircase=True)
    got = jax.jit(schedule)(jnp.array([interval - 1, interval, 2 * interval - 1, 2 * interval]))
    np.testing.assert_array_equal(got, [1.0, 0.5, 0.5, 0.25])


@pytest.mark.parametrize("shape", [anneal.Cosine, anneal.Linear])
def test_3_one_cycle_of_an_array_of_steps(shape: type[anneal.Segment]) -> None:
    """Each step has its own value, and none is above the peak."""
    schedule = anneal.one_cycle(1.0, 100, shape=shape)
    steps = np.arange(120)
    got = np.asarray(schedule(steps))
    np.testing.assert_array_equal(got, [schedule(int(t)) for t in steps])
    assert got[0] != got[50]
    assert got.max() == 1.0


@pytest.mark.skipif(jax.config.jax_enable_x64, reason="with x64 on, steps go further")
def test_6_steps_beyond_32_bits_are_an_error_everywhere() -> None:
    for schedule in [
        anneal.Constant(1.0),
        anneal.Linear(1.0, 0.0, 10),
        anneal.Cosine(1.0, 0.0, 10),
        anneal.PiecewiseConstant(boundaries=[10], values=[1.0, 0.5]),
        anneal.warmup_cosine(1.0, 2, 10),
        anneal.cosine_restarts(1.0, 10, steps_factor=2),
    ]:
        with pytest.raises(OverflowError):
            schedule(2**31)


def test_6_unsigned_counts_wait_before_a_shift() -> None:
    """`count - transition_begin` wraps round for an unsigned count."""
    schedule = anneal.Linear(1.0, 0.0, 10).shift(100)
    for dtype in ("uint8", "uint16", "uint32"):
        got = schedule(jnp.array([0, 50, 100, 105], dtype))
        np.testing.assert_array_equal(got, [1.0, 1.0, 1.0, 0.5])


def test_6_negative_counts_do_not_mirror() -> None:
    got = anneal.Cosine(1.0, 0.0, 10)(jnp.array([-100, -10, -5, -1]))
    np.testing.assert_array_equal(got, np.ones(4))


NONSENSE = {
    "negative warmup": lambda: anneal.warmup_cosine(1.0, -5, 100),
    "NaN peak": lambda: anneal.warmup_cosine(float("nan"), 5, 100),
    "negative exponent": lambda: anneal.Cosine(1.0, 0.0, 100, exponent=-1.0),
    "unsorted boundaries": lambda: anneal.join([anneal.Constant(x) for x in (1, 2, 3)], [9, 3]),
    "too few boundaries": lambda: anneal.join([anneal.Constant(x) for x in (1, 2, 3)], [9]),
    "too many boundaries": lambda: anneal.join([anneal.Constant(x) for x in (1, 2)], [3, 9]),
    "unsorted table": lambda: anneal.PiecewiseConstant(boundaries=[9, 3], values=[1.0, 0.5, 0.1]),
    "warmup fraction of 1.5": lambda: anneal.one_cycle(1.0, 100, warmup_fraction=1.5),
    "end above what a decay allows": lambda: anneal.Exponential(1.0, 0.0, 100),
}


@pytest.mark.parametrize("build", NONSENSE.values(), ids=NONSENSE)
def test_7_nonsense_is_an_error(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=r"^\w+: .* must be .*, got .*; .*\.$"):
        build()


def test_7_a_warmup_of_no_steps_is_over_at_once() -> None:
    """Optax's `warmup_constant_schedule(0., 1e-3, 0)` stays at 0 for ever."""
    schedule = anneal.warmup_constant(1e-3, 0, init_value=0.0)
    np.testing.assert_allclose(schedule([0, 1, 1000]), [1e-3] * 3)
