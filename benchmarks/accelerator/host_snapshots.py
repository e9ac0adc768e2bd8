"""Snapshots in the memory of the host: the same as those on the device, and what they cost."""

from collections.abc import Iterator
from functools import partial

import jax
import numpy as np
import optax

import anneal_jax as anneal
from benchmarks import train_step
from benchmarks.measure import alternate, wall_seconds

from .measurements import FAILED, Clock, Measurement, Row

CYCLE, KEEP, STEPS, ROUNDS = 5, 3, 20, 9
SELDOM = 10**6  # steps of a cycle none of whose ends is met


def measurements(quick: bool) -> Iterator[Measurement]:
    """Are they right, where do they lie, and how long does a step take with and without one."""
    widths = (4, 8, 4) if quick else train_step.WIDE
    yield Measurement("snapshots(host=True), the copies", partial(_copies, widths))
    often = ((1, "a snapshot in every step"), (SELDOM, "steps without a snapshot"))
    for cycle, when in often[:1] if quick else often:
        what = f"snapshots(host=True), {when}: over none"
        steps, rounds = (2, 1) if quick else (STEPS, ROUNDS)
        yield Measurement(what, partial(_times, what, widths, cycle, steps, rounds))


def _chain(cycle: int, host: bool) -> optax.GradientTransformationExtraArgs:
    rate = anneal.cosine_restarts(1e-4, cycle)
    return optax.chain(optax.adamw(rate), anneal.snapshots(rate, KEEP, host=host))


def _copies(widths: tuple[int, ...], clock: Clock) -> Iterator[Row]:
    """Both rings in one program, since two programs may round differently."""
    del clock
    rate = anneal.cosine_restarts(1e-4, CYCLE)
    links = [anneal.snapshots(rate, KEEP, host=host) for host in (True, False)]
    chain = optax.chain(optax.adamw(rate), *links)
    _, state = train_step.stepper(chain, widths, steps=CYCLE * (KEEP + 1))()
    kinds = {leaf.sharding.memory_kind for leaf in jax.tree.leaves(state[1].ring)}
    there, here = (jax.device_get(anneal.ensemble.members(ring)) for ring in state[1:])
    same = all(map(np.array_equal, jax.tree.leaves(there), jax.tree.leaves(here)))
    said = "the same as on the device" if same else f"{FAILED}not those of the device"
    yield Row("snapshots(host=True), the copies", said, "the same")
    yield Row("snapshots(host=True), their memory", ", ".join(sorted(kinds)), "pinned_host")


def _times(
    what: str, widths: tuple[int, ...], cycle: int, steps: int, rounds: int, clock: Clock
) -> Iterator[Row]:
    """On the host, and beside it on the device, over an optimizer that keeps none."""
    make = partial(train_step.stepper, widths=widths, steps=steps)
    none, values = make(optax.adamw(anneal.cosine_restarts(1e-4, cycle))), {}
    for name in ("device", "host"):
        some = make(_chain(cycle, name == "host"))
        a, b, ratio = alternate(some, none, rounds, wall_seconds, clock.over)
        values[name] = {"ratio": ratio, "ms": a / steps * 1e3, "none_ms": b / steps * 1e3}
    host, here = values["host"], values["device"]
    figure = f"{host['ratio']:.2f}x ({host['ms']:.2f} against {host['none_ms']:.2f} ms)"
    yield Row(what, f"{figure}; on the device {here['ratio']:.2f}x", "", values)
