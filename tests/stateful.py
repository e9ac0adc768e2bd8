"""The table of stateful transformations that every contract of `test_stateful.py` runs over."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import anneal_jax as anneal

RATE = anneal.cosine_restarts(0.1, cycle_steps=4, cycles=5)
OTHER = anneal.cosine_restarts(0.05, cycle_steps=3, cycles=9)  # another plan, of like structure

Build = Callable[[anneal.Schedule], optax.GradientTransformation]


def _after(link: Callable[[anneal.Schedule], Any]) -> Build:
    """Adam, then the link."""
    return lambda rate: optax.chain(anneal.inject_hyperparams(optax.adam)(rate), link(rate))


STATEFUL: dict[str, Build] = {
    "partition_by_path": lambda rate: anneal.partition_by_path(
        {"bias": 0.5, "^dense/ker.*l$": 2 * rate, ".": None}, rate, inner=optax.scale_by_adam()
    ),
    "layerwise_decay": lambda rate: anneal.layerwise_decay(
        rate,
        0.5,
        depth_of=lambda path: 0 if "kernel" in path else None,
        inner=optax.scale_by_adam(),
    ),
    "reset_on_restart": lambda rate: anneal.reset_on_restart(
        anneal.inject_hyperparams(optax.adamw)(rate), rate
    ),
    "reset_on_restart, kept": lambda rate: anneal.reset_on_restart(
        anneal.inject_hyperparams(optax.adamw)(rate), rate, keep=("nu", "count")
    ),
    "reduce_on_plateau": _after(lambda _: anneal.reduce_on_plateau(patience=1, factor=0.5)),
    "greedy": _after(lambda _: anneal.greedy(patience=1, factor=0.5, window_size=2)),
    "hypergradient": lambda rate: anneal.hypergradient(
        anneal.inject_hyperparams(optax.adam)(rate), 0.05
    ),
    "hypergradient, additive": lambda rate: anneal.hypergradient(
        anneal.inject_hyperparams(optax.sgd)(rate), 0.05, mode="additive"
    ),
    "average_params, ema": _after(lambda _: anneal.average_params(decay=0.9)),
    "average_params, uniform": _after(lambda r: anneal.average_params("uniform", schedule=r)),
    "average_params, SWA": _after(
        lambda r: anneal.average_params("uniform", schedule=r, every="cycle")
    ),
    "average_params, window": _after(lambda _: anneal.average_params("window", window=3, every=2)),
    "snapshots": _after(lambda rate: anneal.snapshots(rate, keep=2)),
    "accumulate": lambda rate: anneal.accumulate(
        anneal.inject_hyperparams(optax.adam)(rate),
        anneal.PiecewiseConstant(boundaries=[2, 4], values=[1, 2, 3]),
    ),
    "everything": lambda rate: optax.chain(
        optax.clip_by_global_norm(1.0),
        anneal.reset_on_restart(
            anneal.layerwise_decay(
                rate,
                0.5,
                depth_of=lambda path: int("kernel" in path),
                inner=optax.scale_by_adam(),
            ),
            rate,
        ),
        anneal.reduce_on_plateau(patience=1, factor=0.5),
        anneal.average_params("ema", decay=0.9),
        anneal.snapshots(rate, keep=2),
    ),
}


def problem(dtype: Any = jnp.float32) -> tuple[Any, Callable[[Any, Any], Any]]:
    """Parameters of a linear model with a part that nothing depends on, and its loss."""
    x = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)
    y = x @ np.array([[1.0, -2.0], [0.5, 0.0], [2.0, 1.0]], np.float32) + 0.3
    params = {"dense": {"kernel": np.ones((3, 2)), "bias": np.zeros(2)}, "spare": np.ones(2)}

    def loss(params: Any, shift: Any = 0.0) -> Any:
        dense = jax.tree.map(lambda p: p.astype(jnp.float32), params["dense"])
        return jnp.mean((jnp.asarray(x) @ dense["kernel"] + dense["bias"] - y - shift) ** 2)

    return jax.tree.map(lambda p: jnp.asarray(p, dtype), params), loss


def stepper(tx: Any, loss: Any) -> tuple[Any, list[int]]:
    """A jitted train step with donated buffers, and a list that grows with every trace.

    Not with one of the same kinds of arguments as before: that is a program which was let go of
    between two tests, to save memory.
    """
    tx = optax.with_extra_args_support(tx)
    traces: list[int] = []
    kinds = set()

    def step(params: Any, state: Any) -> tuple[Any, Any]:
        leaves, structure = jax.tree.flatten((params, state))
        kind = structure, tuple((x.shape, x.dtype, x.weak_type) for x in map(jax.typeof, leaves))
        traces.extend([1] if kind not in kinds else [])
        kinds.add(kind)
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = tx.update(grads, state, params, value=value)
        return optax.apply_updates(params, updates), state

    return jax.jit(step, donate_argnums=(0, 1)), traces


def same(a: Any, b: Any) -> None:
    """Equal in structure, dtypes and every bit."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(np.asarray(x, np.float64), np.asarray(y, np.float64))


def close(a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-7) -> None:
    """Equal but for rounding."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(np.asarray(x, float), np.asarray(y, float), rtol, atol)


def one_clear_sentence(call: Callable[[], Any], words: list[str]) -> None:
    """That a call is rejected in one line that says what must be, and holds these words."""
    with pytest.raises(ValueError, match="must") as error:
        call()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 320
    assert [word for word in words if word not in str(error.value)] == []
