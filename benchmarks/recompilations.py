"""Recompilations of a train step while the plan changes, ours and Optax's."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

import anneal_jax as anneal

PLANS = [(1e-3, 10, 100), (2e-3, 20, 100), (3e-3, 10, 200), (4e-3, 0, 300), (5e-3, 50, 10**6)]


def _count(run: Callable[[Callable], None]) -> int:
    """How often the step that `run` is handed is traced."""
    traces = []

    def traced(function: Callable) -> Callable:
        def wrapper(*args: object, **extra: object) -> object:
            traces.append(1)
            return function(*args, **extra)

        return jax.jit(wrapper)

    run(traced)
    return len(traces)


def _ours(traced: Callable) -> None:
    tx = anneal.inject_hyperparams(optax.adamw)(anneal.warmup_cosine(*PLANS[0]))
    params = jnp.ones(10)
    state, step = tx.init(params), traced(tx.update)
    for plan in PLANS:
        state = anneal.with_schedules(state, learning_rate=anneal.warmup_cosine(*plan))
        _, state = step(params, state, params)


def _optax(traced: Callable) -> None:
    params = jnp.ones(10)
    for peak, warmup, total in PLANS:
        schedule = optax.warmup_cosine_decay_schedule(0.0, peak, warmup, total)
        tx = optax.inject_hyperparams(optax.adamw)(schedule)
        traced(tx.update)(params, tx.init(params), params)


def _stateful(traced: Callable) -> None:
    """Five cycles, drops on a plateau, snapshots, and another plan after each cycle."""
    rate = anneal.cosine_restarts(*PLANS[0][:2])
    inner = anneal.inject_hyperparams(optax.adamw)(rate)
    tx = optax.chain(
        anneal.reset_on_restart(inner, rate),
        anneal.reduce_on_plateau(patience=3),
        anneal.snapshots(rate, keep=2),
    )
    params = jnp.ones(10)
    state, step = tx.init(params), traced(tx.update)
    for peak, _, _ in PLANS:
        for _ in range(10):
            _, state = step(params, state, params, value=jnp.ones(()))
        plan = anneal.cosine_restarts(peak, 10)
        state = anneal.with_schedules(state, learning_rate=plan, cycles=plan)
    assert anneal.hyperparams(state)["plateau_scale"] < 1
    assert len(anneal.ensemble.member_steps(state)) == 2


def rows() -> list[tuple[str, str, str]]:
    """(what, figure, goal) for the report."""
    what = "compilations of a train step over five plans (peak, warmup, total)"
    cycles = "compilations over five cycles, drops on a plateau, snapshots and five plans"
    return [
        (f"{what}, ours", str(_count(_ours)), "1"),
        (f"{what}, Optax", str(_count(_optax)), ""),
        (cycles, str(_count(_stateful)), "1"),
    ]
