"""Sweeps of 64 schedules in one program, and range tests, against loops that compile each time."""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import anneal_jax as anneal
from anneal_jax import search

MEMBERS = 64
Clock = Callable[[], float]  # seconds: of the processor, or on an accelerator of the wall


class Task(NamedTuple):
    """A model to sweep schedules on."""

    name: str
    loss: Callable[[Any, Any], jax.Array]
    params: Any
    batch: Any
    steps: int  # of the longest schedule
    looped: int  # members that the Optax loop trains, for time's sake; then scaled up
    members: int = MEMBERS


def mlp() -> Task:
    """16 - 64 - 64 - 1, batches of 64."""
    keys = jax.random.split(jax.random.key(0), 4)
    sizes = (16, 64, 64, 1)
    shapes = zip(sizes[:-1], sizes[1:], keys, strict=False)
    params = [(jax.random.normal(k, (n, m)) / n**0.5, jnp.zeros(m)) for n, m, k in shapes]

    def loss(params: Any, batch: Any) -> jax.Array:
        x, y = batch
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        return jnp.mean((x @ w + b - y) ** 2)

    x = jax.random.normal(keys[3], (64, 16))
    return Task("MLP", loss, params, (x, jnp.sin(x[:, :1])), 400, MEMBERS)


def transformer() -> Task:
    """Two layers of width 64, 8 sequences of 32 tokens."""
    width, vocabulary, time_ = 64, 64, 32
    keys = iter(jax.random.split(jax.random.key(0), 16))

    def draw(*shape: int) -> jax.Array:
        return jax.random.normal(next(keys), shape) * 0.05

    def block() -> dict[str, jax.Array]:
        return {
            "qkv": draw(width, 3 * width),
            "out": draw(width, width),
            "up": draw(width, 4 * width),
            "down": draw(4 * width, width),
        }

    params = {
        "tokens": draw(vocabulary, width),
        "positions": draw(time_, width),
        "blocks": [block(), block()],
    }

    def norm(x: jax.Array) -> jax.Array:
        x = x - x.mean(-1, keepdims=True)
        return x * jax.lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-5)

    def heads(x: jax.Array) -> jax.Array:
        return x.reshape(*x.shape[:-1], 4, -1)

    def loss(params: Any, tokens: jax.Array) -> jax.Array:
        x = params["tokens"][tokens[:, :-1]] + params["positions"][None]
        for b in params["blocks"]:
            q, k, v = (heads(y) for y in jnp.split(norm(x) @ b["qkv"], 3, -1))
            x = (
                x
                + jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(x.shape) @ b["out"]
            )
            x = x + jax.nn.gelu(norm(x) @ b["up"]) @ b["down"]
        logits = norm(x) @ params["tokens"].T
        return optax.softmax_cross_entropy_with_integer_labels(logits, tokens[:, 1:]).mean()

    tokens = jax.random.randint(next(keys), (8, time_ + 1), 0, vocabulary)
    return Task("2-layer transformer", loss, params, tokens, 40, 8)


def plans(task: Task) -> list[tuple[float, int, int]]:
    """Peak, warmup and total of each member."""
    draw = np.random.default_rng(0)
    peaks = 10.0 ** draw.uniform(-4, -2, task.members)
    totals = draw.integers(task.steps // 2, task.steps + 1, task.members)
    return [(float(p), int(0.1 * t), int(t)) for p, t in zip(peaks, totals, strict=True)]


def swept(task: Task, clock: Clock = time.process_time) -> float:
    """Seconds of one sweep, compilation included."""
    jax.clear_caches()
    begin = clock()
    schedules = [anneal.warmup_cosine(*plan) for plan in plans(task)]
    training = search.Training.from_loss(task.loss, optax.adamw, task.params)
    result = search.sweep(
        training, schedules, lambda _: task.batch, steps=[p[2] for p in plans(task)], progress=False
    )
    assert set(result.table["status"]) == {"finished"}
    return clock() - begin


def looped(task: Task, clock: Clock = time.process_time) -> float:
    """Seconds of the loop that rebuilds and recompiles for every schedule."""
    jax.clear_caches()
    begin = clock()
    for peak, warmup, total in plans(task)[: task.looped]:
        step, state = _optax_step(task, optax.warmup_cosine_decay_schedule(0, peak, warmup, total))
        for _ in range(total):
            state, _ = step(state)
        jax.block_until_ready(state)
    return (clock() - begin) * task.members / task.looped


def floor(task: Task, clock: Clock = time.process_time) -> float:
    """Seconds of one member's warm steps, times as many as the population takes."""
    return _warm_step(task, clock) * sum(total for _, _, total in plans(task))


def _optax_step(task: Task, schedule: Any) -> tuple[Callable[[Any], Any], Any]:
    tx = optax.adamw(schedule)

    def step(state: Any) -> Any:
        params, opt_state = state
        loss, grads = jax.value_and_grad(task.loss)(params, task.batch)
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), loss

    return jax.jit(step), (task.params, tx.init(task.params))


def _warm_step(task: Task, clock: Clock = time.process_time) -> float:
    step, state = _optax_step(task, optax.constant_schedule(1e-3))
    state, _ = jax.block_until_ready(step(state))
    begin = clock()
    for _ in range(100):
        state, _ = step(state)
    jax.block_until_ready(state)
    return (clock() - begin) / 100


def _range_test(task: Task) -> float:
    """A range test of 100 steps, over 100 warm train steps and one compilation."""
    jax.clear_caches()
    begin = time.process_time()
    step, state = _optax_step(task, optax.constant_schedule(1e-3))
    jax.block_until_ready(step(state))
    other = time.process_time() - begin + 100 * _warm_step(task)
    jax.clear_caches()
    begin = time.process_time()
    training = search.Training.from_loss(task.loss, optax.adamw, task.params)
    search.lr_range_test(training, lambda _: task.batch, diverged=None, high=0.1, progress=False)
    return (time.process_time() - begin) / other


def rows() -> list[tuple[str, str, str]]:
    """(what, figure, goal) for the report."""
    found = []
    for task, goal in [(mlp(), "10x"), (transformer(), "")]:
        ours, loop, least = (
            statistics.median(f(task) for _ in range(3 if f is not looped else 1))
            for f in (swept, looped, floor)
        )
        what = f"{MEMBERS} schedules of a {task.name}"
        found += [
            (f"{what}: Optax loop over one sweep", f"{loop / ours:.1f}x ({ours:.1f} s)", goal),
            (f"{what}: one sweep over {MEMBERS} times a warm step", f"{ours / least:.2f}x", ""),
        ]
        ratio = statistics.median(_range_test(task) for _ in range(5))
        what = f"lr_range_test of a {task.name} over 100 warm steps and a compilation"
        found.append((what, f"{ratio:.2f}x", "1.3x"))
    return found
