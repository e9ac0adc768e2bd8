"""What scheduled hyperparameters cost in a train step: AdamW on a 10M-parameter MLP."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

import anneal_jax as anneal
from benchmarks.measure import alternate

WIDTHS = (784, 2048, 2048, 2048, 10)  # 10.0M parameters
BATCH = 32
STEPS = 4  # per timed call
ROUNDS = 31


def stepper(tx: optax.GradientTransformation) -> Callable[[], object]:
    """A call that runs `STEPS` jitted train steps, with its state carried along."""
    keys = jax.random.split(jax.random.key(0), len(WIDTHS))
    shapes = zip(WIDTHS[:-1], WIDTHS[1:], keys[1:], strict=True)
    params = [jax.random.normal(k, (n, m)) / n**0.5 for n, m, k in shapes]
    x = jax.random.normal(keys[0], (BATCH, WIDTHS[0]))

    def loss(params: list) -> jax.Array:
        h = x
        for w in params[:-1]:
            h = jax.nn.relu(h @ w)
        return jnp.mean((h @ params[-1]) ** 2)

    @jax.jit
    def step(params: list, state: object) -> tuple:
        updates, state = tx.update(jax.grad(loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    carry = [(params, tx.init(params))]

    def run() -> object:
        for _ in range(STEPS):
            carry[0] = step(*carry[0])
        return carry[0]

    return run


def rows() -> list[tuple[str, str, str]]:
    """(what, figure, goal) for the report."""
    rate = anneal.warmup_cosine(1e-4, 100, 10_000)
    scheduled = anneal.inject_hyperparams(optax.adamw)(
        learning_rate=rate,
        weight_decay=anneal.Linear(0.1, 0.0, 10_000),
        b1=anneal.one_cycle_momentum(0.85, 0.95, 10_000),
    )
    ours, plain, ratio = alternate(stepper(scheduled), stepper(optax.adamw(1e-4)), ROUNDS)
    figure = f"{ratio:.3f}x ({ours / STEPS * 1e3:.1f} against {plain / STEPS * 1e3:.1f} ms)"
    what = "AdamW step, 10M parameters: three schedules injected, over optax.adamw(constant)"
    return [(what, figure, "1.02x")]
