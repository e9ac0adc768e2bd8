"""A small task for sweeps, and the plain loop that trains one member of it."""

import functools
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
_START = {
    "a": 0.5 * _DRAW.normal(size=(4, 6)).astype(np.float32),
    "b": 0.5 * _DRAW.normal(size=(6, 1)).astype(np.float32),
}


def params(key: jax.Array | None = None) -> dict[str, jax.Array]:
    """Those of all members, or a start of one's own: one draw, for draws compile slowly."""
    scale = 1.0 if key is None else 0.5 + jax.random.uniform(key)
    return jax.tree.map(lambda x: scale * jnp.asarray(x), _START)


def loss(p: Any, batch: Any) -> jax.Array:
    x, y = batch
    return jnp.mean((jnp.tanh(x @ p["a"]) @ p["b"] - y) ** 2)


def batch(t: int) -> Any:
    return X[t], Y[t]


def alone(
    optimizer: Callable[[Any], optax.GradientTransformation],
    plan: Any,
    steps: int = STEPS,
    start: Any = None,
    batches: Callable[[int], Any] = batch,
) -> tuple[np.ndarray, Any]:
    """The losses and the last parameters of one run, step by step."""
    p = params() if start is None else start
    state, found = optimizer(plan).init(p), []
    for t in range(steps):
        p, state, value = _step(optimizer)(plan, p, state, batches(t))
        found.append(float(value))
    return np.array(found), p


@functools.cache
def _step(optimizer: Callable[[Any], optax.GradientTransformation]) -> Any:
    """A step of any plan: compiled once for all of them."""

    @jax.jit
    def step(plan: Any, p: Any, state: Any, batch: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(p, batch)
        updates, state = optimizer(plan).update(grads, state, p)
        return optax.apply_updates(p, updates), state, value

    return step
