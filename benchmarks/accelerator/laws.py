"""Curves of laws and their gradients in float64: how long, and how exact, beside the CPU's."""

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import numpy as np

import anneal_jax as anneal
from anneal_jax.laws import Law
from benchmarks.laws import LAWS, PEAK, WARMUP
from benchmarks.measure import wall_seconds

from .measurements import Clock, Measurement, Row

STEPS, SHORT, ROUNDS = 100_000, 4_000, 5
GOALS = {"curve": 25, "final loss and gradient": 150}  # milliseconds, those of a CPU


def measurements(quick: bool) -> Iterator[Measurement]:
    """Each law's error, and the time of its curve and gradient."""
    steps, short, laws = (300, 100, LAWS[:1]) if quick else (STEPS, SHORT, LAWS)
    rates = np.asarray(anneal.warmup_cosine(PEAK, WARMUP, STEPS)(np.arange(STEPS)), float)[1:]
    for law in laws:
        name = type(law).__name__
        what = f"{name}, relative error of a curve and of its gradient"
        yield Measurement(what, partial(_errors, what, law, rates[:: STEPS // short]))
        for part in GOALS:
            what = f"{name}, {part}, {steps} steps"
            yield Measurement(what, partial(_times, what, law, part, rates[:steps]))


def _gradient(law: Law, rates: jax.Array, exact: bool = False) -> jax.Array:
    return jax.grad(lambda r: law(r, exact=exact)[-1])(rates)


def _errors(what: str, law: Law, rates: np.ndarray, clock: Clock) -> Iterator[Row]:
    """Against the same law summed term by term on the CPU, where there is one to ask."""
    del clock
    with jax.enable_x64(True):
        found = law(rates), jax.jit(partial(_gradient, law))(rates)
        with jax.default_device(_cpu()):
            exact = law(rates, exact=True), jax.jit(partial(_gradient, law, exact=True))(rates)
    losses, slopes = (tuple(map(np.asarray, pair)) for pair in zip(found, exact, strict=True))
    curve = float(np.max(np.abs(losses[0] / losses[1] - 1)))
    slope = float(np.max(np.abs(slopes[0] - slopes[1])) / np.max(np.abs(slopes[1])))
    values = {"curve": curve, "gradient": slope}
    yield Row(what, f"{curve:.1e}, {slope:.1e}", "1e-6", values)


def _times(what: str, law: Law, part: str, rates: np.ndarray, clock: Clock) -> Iterator[Row]:
    with jax.enable_x64(True):
        slope = jax.jit(partial(_gradient, law))

        def run() -> jax.Array:
            return law(rates) if part == "curve" else slope(rates)

        here = _median_ms(run, clock)
        figure, values = f"{here:.1f} ms", {"ms": here}
        if jax.default_backend() != "cpu":
            with jax.default_device(_cpu()):
                values["cpu_ms"] = _median_ms(run, clock)
            figure += f" (on the CPU {values['cpu_ms']:.1f} ms)"
    yield Row(what, figure, f"{GOALS[part]} ms", values)


def _median_ms(run: Callable[[], object], clock: Clock) -> float:
    """Of a few calls; of one where time is short."""
    wall_seconds(run)  # compiles
    rounds = 1 if clock.over() else ROUNDS
    return 1e3 * statistics.median(wall_seconds(run) for _ in range(rounds))


def _cpu() -> Any:
    """The first CPU, or what is there where JAX was told to leave the CPU out."""
    try:
        return jax.devices("cpu")[0]
    except RuntimeError:
        return None
