"""A law's past of some steps, or of the last alone, against that of every step, term by term."""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.laws import FunctionalScalingLaw, Law, LevelLaw, MomentumLaw, MultiPowerLaw
from anneal_jax.laws._measured import measured, padded
from anneal_jax.laws._past import Last, Past

pytestmark = pytest.mark.optimized

STEPS = 1_500
LAWS: dict[str, Law] = {
    "level": LevelLaw(2.5, 0.5, 0.5, 300.0),
    "momentum": MomentumLaw(2.5, 0.5, 0.5, 0.3, 0.99),
    "momentum, without end": MomentumLaw(2.5, 0.5, 0.5, 1e-3, 1.0),
    "multi-power": MultiPowerLaw(3.0405, 0.5247, 0.5079, 363.79, 2.0656, 0.5828, 0.6414),
    "multi-power, less than linear": MultiPowerLaw(3.0, 0.5, 0.5, 400.0, 2.0, 0.6, 0.6, 0.6),
    "functional": FunctionalScalingLaw(2.5, 0.5, 0.5, 0.1, 5.0, 1.5, 1e-2),
}
SCHEDULES = {
    "cosine": anneal.warmup_cosine(3e-4, 100, STEPS, end_value=3e-5),
    "wsd": anneal.warmup_stable_decay(3e-4, 100, 300, STEPS),
    "constant": anneal.Constant(3e-4),
    "restarts": anneal.cosine_restarts(3e-4, 500, end_value=3e-5),
}
AT = {
    "sparse": np.arange(100, STEPS, 150),
    "dense": np.arange(100, STEPS),
    "last": np.array([STEPS - 1]),
    "uneven": np.array([100, 101, 102, 700, 1_499]),
}


@pytest.fixture(autouse=True, scope="module")
def double() -> Iterator[None]:
    """As laws compute."""
    with jax.enable_x64(True):
        yield


def rates_of(schedule: str) -> np.ndarray:
    """Of every step."""
    return np.asarray(SCHEDULES[schedule](np.arange(STEPS)), float)


@functools.cache
def term_by_term(name: str, schedule: str) -> np.ndarray:
    """The losses after every step."""
    return np.asarray(LAWS[name](rates_of(schedule), exact=True))


@jax.jit
def losses(law: Law, past: Past) -> jax.Array:
    """As `Law.losses` has them."""
    return law.losses(past)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", LAWS)
def test_the_last_step_alone_is_exact(name: str, schedule: str) -> None:
    """To rounding; also behind copies of the first rate that are no steps."""
    rates, wanted = rates_of(schedule), term_by_term(name, schedule)[-1:]
    ahead = 2_048 - STEPS
    past = Last(jnp.asarray(np.pad(rates, (ahead, 0), "edge")), ahead)
    np.testing.assert_allclose(losses(LAWS[name], past), wanted, rtol=1e-7)
    np.testing.assert_allclose(losses(LAWS[name], Last(jnp.asarray(rates))), wanted, rtol=1e-7)


@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", LAWS)
def test_measured_steps_are_close(name: str, schedule: str, at: str) -> None:
    """Blocks of a few steps stand for all of them: to a tenth of what a fit leaves over."""
    past = jax.tree.map(jnp.asarray, padded(measured(rates_of(schedule), AT[at])))
    concave = name == "multi-power, less than linear"  # (in a block of the warmup)
    wanted = term_by_term(name, schedule)[AT[at]]
    found = losses(LAWS[name], past)
    np.testing.assert_allclose(found, wanted, rtol=3e-4 if concave else 1e-4)


@pytest.mark.parametrize("name", ["level", "momentum", "multi-power", "functional"])
def test_places_that_hold_nothing_change_nothing(name: str) -> None:
    """Runs of other lengths share a program by them."""
    past = measured(rates_of("wsd"), AT["uneven"])
    more = padded(past)
    assert len(past.squares.values) < len(more.squares.values) == 512
    assert len(more.drops.values) == len(more.drop_rates) == 512
    one, other = (losses(LAWS[name], jax.tree.map(jnp.asarray, p)) for p in (past, more))
    np.testing.assert_allclose(one, other, rtol=1e-12)
