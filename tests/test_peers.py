"""Parity with the real torch and transformers, where they are installed (extra `ports`)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anneal_jax as anneal
from tests.numpy_eval import evaluate

LENGTH = 60


def metrics(seed: int) -> np.ndarray:
    """A metric sequence of one of several characters, exact in float32."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=LENGTH)
    kinds = [
        np.full(LENGTH, 0.75),  # constant
        1.0 + 0.1 * noise,  # noise about a level
        2.0 * 0.95 ** np.arange(LENGTH) + 0.05 * abs(noise),  # a loss that falls
        np.round(4 + noise) / 4,  # many exact ties
        np.abs(np.cumsum(noise)) + 0.01,  # a walk
    ]
    found = kinds[seed % len(kinds)]
    if seed % 3 == 0:
        found[rng.integers(0, LENGTH, 6)] = np.nan
    return found.astype(np.float32)


def options(seed: int) -> dict[str, Any]:
    """Random options that both sides have; thresholds are exact in float32."""
    rng = np.random.default_rng(1000 + seed)
    return {
        "mode": rng.choice(["min", "max"]).item(),
        "factor": float(rng.choice([0.5, 0.25, 0.1])),
        "patience": int(rng.integers(0, 4)),
        "threshold": float(rng.choice([0.0, 2**-10, 0.125])),
        "threshold_mode": rng.choice(["rel", "abs"]).item(),
        "cooldown": int(rng.integers(0, 3)),
        "eps": float(rng.choice([1e-8, 0.01])),
    }


def ours(tx: Any, sequence: np.ndarray) -> np.ndarray:
    """The scale after each metric."""

    def step(state: Any, value: Any) -> tuple[Any, Any]:
        updates, state = tx.update(jnp.ones(()), state, value=value)
        return state, updates

    scan = jax.jit(lambda state, values: jax.lax.scan(step, state, values)[1])
    return evaluate(scan, tx.init(jnp.ones(())), jnp.asarray(sequence))


def theirs(make: Any, sequence: np.ndarray) -> np.ndarray:
    """The learning rate of a torch optimizer, 1 at first, after each metric."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, found = make(optimizer), []
    for value in sequence.tolist():
        scheduler.step(value)
        found.append(optimizer.param_groups[0]["lr"])
    return np.array(found)


@pytest.mark.parametrize("seed", range(40))
def test_reduce_on_plateau_is_that_of_torch(seed: int) -> None:
    """`ReduceLROnPlateau`, on random sequences and options, NaN and constant ones among them."""
    scheduler = pytest.importorskip("torch", reason="the extra `ports` holds torch").optim
    given = options(seed)
    floor = 0.05 if seed % 2 else 0.0
    wanted = theirs(
        lambda opt: scheduler.lr_scheduler.ReduceLROnPlateau(opt, min_lr=floor, **given),
        metrics(seed),
    )
    got = ours(anneal.reduce_on_plateau(min_scale=floor, **given), metrics(seed))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_absolute_thresholds_agree_on_metrics_below_zero(sign: float) -> None:
    """Where torch's rule is right for them, it is ours."""
    scheduler = pytest.importorskip("torch", reason="the extra `ports` holds torch").optim
    for seed in range(10):
        given = options(seed) | {"threshold_mode": "abs"}
        sequence = sign * metrics(seed)
        wanted = theirs(
            lambda opt, g=given: scheduler.lr_scheduler.ReduceLROnPlateau(opt, **g), sequence
        )
        np.testing.assert_allclose(
            ours(anneal.reduce_on_plateau(**given), sequence), wanted, rtol=1e-5
        )


def test_torch_never_reduces_on_a_constant_metric_below_zero() -> None:
    """What the docstring says of mode "rel": it counts as better there, and not here."""
    scheduler = pytest.importorskip("torch", reason="the extra `ports` holds torch").optim
    sequence = np.full(8, -1.0, np.float32)
    wanted = theirs(lambda o: scheduler.lr_scheduler.ReduceLROnPlateau(o, patience=1), sequence)
    assert wanted[-1] == 1.0
    assert ours(anneal.reduce_on_plateau(patience=1), sequence)[-1] == pytest.approx(1e-3)


@pytest.mark.parametrize("seed", range(30))
def test_greedy_is_that_of_transformers(seed: int) -> None:
    """`GreedyLR`, smoothing, resets and bounds included."""
    pytest.importorskip("torch", reason="the extra `ports` holds torch")
    optimization = pytest.importorskip(
        "transformers.optimization", reason="the extra `ports` holds transformers"
    )
    if not hasattr(optimization, "GreedyLR"):
        pytest.skip("GreedyLR came with transformers 5.23")
    rng = np.random.default_rng(seed)
    given = options(seed) | {
        "warmup": int(rng.integers(0, 3)),
        "reset_start": int(rng.integers(1, 6)),
    }
    # Whether a rate is at its floor is a matter of the last bit unless all of these are exact.
    given["factor"] = 0.25 if seed % 3 else 0.5
    floor, ceiling = (0.25, 4.0) if seed % 2 else (2**-10, 128.0)
    smooth = int(rng.integers(2, 6)) if seed % 4 == 1 else 1
    sequence = np.nan_to_num(metrics(seed), nan=1.5) if smooth > 1 else metrics(seed)
    wanted = theirs(
        lambda opt: optimization.GreedyLR(
            opt, min_lr=floor, max_lr=ceiling, smooth=smooth > 1, window_size=smooth, **given
        ),
        sequence,
    )
    tx = anneal.greedy(min_scale=floor, max_scale=ceiling, window_size=smooth, **given)
    np.testing.assert_allclose(ours(tx, sequence), wanted, rtol=1e-4)
