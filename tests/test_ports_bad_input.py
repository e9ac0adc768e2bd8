"""Nonsense given to ports of any framework is one clear sentence; none of them is needed here."""

import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax import ports

NAN = float("nan")
HORIZON = anneal.Horizon(10)
BAD = {
    "from_args: args must be a dict": lambda: ports.timm.from_args(None, 1.0, 3),
    "CosineLRScheduler: warmup_prefix must be True or False": lambda: ports.timm.CosineLRScheduler(
        1.0, 10, warmup_prefix="False"
    ),
    "create_scheduler: step_on_epochs must be True or False": lambda: ports.timm.create_scheduler(
        "cosine", 1.0, step_on_epochs="no"
    ),
    "create_scheduler: .*cosine": lambda: ports.timm.create_scheduler(np.ones(2), 1.0),
    "t5x: factors must be a string": lambda: ports.jax_trainers.t5x(["constant"]),
    "join_schedules: schedules must be a list": lambda: ports.optax.join_schedules(None, [3]),
    "sgdr_schedule: cosine_kwargs must be a list": lambda: ports.optax.sgdr_schedule([1.0, 2.0]),
    "exponential_decay: staircase must be True or False": lambda: ports.optax.exponential_decay(
        1.0, 2, 0.5, staircase=np.ones(2)
    ),
    "PolynomialDecay: cycle must be True or False": lambda: ports.keras.PolynomialDecay(
        1.0, 10, cycle="x"
    ),
    "get_scheduler: scheduler_specific_kwargs must be a dict": lambda: (
        ports.transformers.get_scheduler("cosine", 1.0, 5, 20, 3)
    ),
    "from_training_arguments: num_training_steps must be": lambda: (
        ports.transformers.from_training_arguments({}, NAN)
    ),
    "get_wsd_schedule: num_training_steps must be": lambda: ports.transformers.get_wsd_schedule(
        1.0, 5, 5, "x", num_stable_steps=3
    ),
    "LinearWithWarmupScheduler: scale_warmup must be": lambda: (
        ports.composer.LinearWithWarmupScheduler(1.0, "2ba", scale_warmup=NAN, horizon=HORIZON)
    ),
    "ExponentialDecay: staircase must be True or False": lambda: anneal.ExponentialDecay(
        1.0, 10, 0.5, staircase="yes"
    ),
}


@pytest.mark.parametrize("start", BAD)
def test_bad_input(start):
    with pytest.raises(ValueError, match=f"^{start}") as caught:
        BAD[start]()
    assert "\n" not in str(caught.value)


def test_what_grows_too_large_stays_finite():
    """Held at the largest number there is, as promised."""
    schedule = ports.keras.ExponentialDecay(1.0, 10, 1e12)
    assert np.isfinite(schedule(np.arange(0, 200, 5))).all()


def test_powers_that_vanish_are_no_nan():
    steps = np.arange(12)
    for schedule in (
        ports.keras.PolynomialDecay(1.0, 10, 0.0, 1e12),
        ports.timm.PolyLRScheduler(1.0, 10, 1e6),
        ports.optax.polynomial_schedule(1.0, 0.0, 1e6, 10),
    ):
        np.testing.assert_array_equal(schedule(steps), steps == 0)
