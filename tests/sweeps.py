"""A small task for sweeps, and the plain loop that trains one member of it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

STEPS = 24
_DRAW = np.random.default_rng(0)
X = _DRAW.normal(size=(STEPS, 8, 4)).astype(np.float32)
Y = np.sin(X.sum(-1, keepdims=True))
DATA = (X, Y)


def params(key: jax.Array | None = None) -> dict[str, jax.Array]:
    a, b = jax.random.split(jax.random.key(7) if key is None else key)
    return {"a": 0.5 * jax.random.normal(a, (4, 6)), "b": 0.5 * jax.random.normal(b, (6, 1))}


def loss(p: Any, batch: Any) -> jax.Array:
    x, y = batch
    return jnp.mean((jnp.tanh(x @ p["a"]) @ p["b"] - y) ** 2)


def batch(t: int) -> Any:
    return X[t], Y[t]


def alone(
    tx: optax.GradientTransformation,
    steps: int = STEPS,
    start: Any = None,
    batches: Callable[[int], Any] = batch,
) -> tuple[np.ndarray, Any]:
    """The losses and the last parameters of one run, step by step."""
    p = params() if start is None else start
    state = tx.init(p)

    @jax.jit
    def step(p: Any, state: Any, batch: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(p, batch)
        updates, state = tx.update(grads, state, p)
        return optax.apply_updates(p, updates), state, value

    found = []
    for t in range(steps):
        p, state, value = step(p, state, batches(t))
        found.append(float(value))
    return np.array(found), p
