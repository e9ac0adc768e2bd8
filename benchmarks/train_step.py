"""What schedules and stateful transformations cost in a train step: AdamW, 10M parameters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

import anneal_jax as anneal
from benchmarks.measure import alternate

WIDE = (784, 2048, 2048, 2048, 10)  # 10.0M parameters in 4 layers
DEEP = (640,) * 25  # 9.8M parameters in 24 layers
BATCH = 32
STEPS = 4  # per timed call
ROUNDS = 31


def stepper(
    tx: optax.GradientTransformation,
    widths: tuple[int, ...] = WIDE,
    steps: int = STEPS,
    scan: bool = False,
) -> Callable[[], Any]:
    """A call that runs that many jitted train steps, with its state carried along.

    With `scan` they are one program, else a dispatch each.
    """
    tx = optax.with_extra_args_support(tx)
    keys = jax.random.split(jax.random.key(0), len(widths))
    shapes = zip(widths[:-1], widths[1:], keys[1:], strict=True)
    params = [jax.random.normal(k, (n, m)) / n**0.5 for n, m, k in shapes]
    x = jax.random.normal(keys[0], (BATCH, widths[0]))

    def loss(params: list) -> jax.Array:
        h = x
        for w in params[:-1]:
            h = jax.nn.relu(h @ w)
        return jnp.mean((h @ params[-1]) ** 2)

    def step(params: list, state: Any) -> tuple:
        value, grads = jax.value_and_grad(loss)(params)
        updates, state = tx.update(grads, state, params, value=value)
        return optax.apply_updates(params, updates), state

    def scanned(params: list, state: Any) -> tuple:
        return jax.lax.scan(lambda carry, _: (step(*carry), None), (params, state), None, steps)[0]

    donating = jax.jit(scanned if scan else step, donate_argnums=(0, 1))  # as train loops do
    carry = [(params, tx.init(params))]

    def run() -> Any:
        for _ in range(1 if scan else steps):
            carry[0] = donating(*carry[0])
        return carry[0]

    return run


def _adamw(*last: optax.GradientTransformation) -> optax.GradientTransformation:
    return optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(1e-4), *last)


def rows() -> list[tuple[str, str, str]]:
    """(what, figure, goal) for the report."""
    rate = anneal.warmup_cosine(1e-4, 100, 10_000)
    restarts = anneal.cosine_restarts(1e-4, 1000)
    injected = anneal.inject_hyperparams(optax.adamw)(
        learning_rate=rate,
        weight_decay=anneal.Linear(0.1, 0.0, 10_000),
        b1=anneal.one_cycle_momentum(0.85, 0.95, 10_000),
    )
    plain = optax.adamw(1e-4)
    one_group = _adamw(anneal.scale_by_learning_rate(rate))
    layers = _adamw(anneal.layerwise_decay(rate, 0.9, depth_of=int))  # paths are "0" to "23"
    rules = {f"^{i}$": 0.9 ** (23 - i) for i in range(24)}
    groups = _adamw(anneal.partition_by_path(rules, rate))
    inner = optax.adamw(restarts)
    pairs = [
        ("three schedules injected, over optax.adamw(constant)", injected, plain, WIDE, "1.02x"),
        ("layerwise_decay with 24 groups, over one group", layers, one_group, DEEP, "1.05x"),
        ("partition_by_path with 24 groups, over one group", groups, one_group, DEEP, "1.05x"),
        (
            "reset_on_restart, over its inner optimizer",
            anneal.reset_on_restart(inner, restarts),
            inner,
            WIDE,
            "1.05x",
        ),
        *(
            (f"{name}, over none", optax.chain(plain, link), plain, WIDE, "")
            for name, link in [
                ("reduce_on_plateau", anneal.reduce_on_plateau()),
                ("average_params (ema)", anneal.average_params()),
                ("snapshots of 4", anneal.snapshots(restarts, keep=4)),
            ]
        ),
        ("hypergradient, over its inner", anneal.hypergradient(plain, 0.02), plain, WIDE, ""),
    ]
    return [
        (f"AdamW step, 10M parameters: {what}", _figure(ours, theirs, widths), goal)
        for what, ours, theirs, widths, goal in pairs
    ]


def _figure(
    ours: optax.GradientTransformation,
    theirs: optax.GradientTransformation,
    widths: tuple[int, ...],
) -> str:
    a, b, ratio = alternate(stepper(ours, widths), stepper(theirs, widths), ROUNDS)
    return f"{ratio:.3f}x ({a / STEPS * 1e3:.1f} against {b / STEPS * 1e3:.1f} ms)"
