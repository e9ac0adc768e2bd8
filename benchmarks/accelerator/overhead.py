"""What three schedules in the optimizer state cost a train step of AdamW, over constants.

Two ways to call a step: one dispatch for each, as most loops do, where the host must keep up
with more leaves; and all in one scan, where only the device's work counts.
"""

from collections.abc import Iterator
from functools import partial

import jax
import optax

import anneal_jax as anneal
from benchmarks import train_step
from benchmarks.measure import alternate, wall_seconds

from . import device
from .measurements import Clock, Measurement, Row

SIZES = {  # widths of an MLP, steps of a timed call
    "10M": (train_step.WIDE, 100),
    "350M": ((784, *(8192,) * 6, 10), 20),
}
QUICK = {"tiny": ((4, 8, 4), 2)}
ROUNDS = 15
GOAL = "1.02x"


def measurements(quick: bool) -> Iterator[Measurement]:
    """Each size, called in both ways; quickly, in one scan."""
    for name, (widths, steps) in (QUICK if quick else SIZES).items():
        for scan in (True,) if quick else (True, False):
            how = "in a scan" if scan else "one by one"
            what = f"AdamW step, {name} parameters, {how}: three schedules over constants"
            run = partial(_rows, what, widths, steps, scan, 1 if quick else ROUNDS)
            yield Measurement(what, run)


def injected() -> optax.GradientTransformation:
    """AdamW whose rate, decay and momentum follow schedules."""
    return anneal.inject_hyperparams(optax.adamw)(
        learning_rate=anneal.warmup_cosine(1e-4, 100, 10_000),
        weight_decay=anneal.Linear(0.1, 0.0, 10_000),
        b1=anneal.one_cycle_momentum(0.85, 0.95, 10_000),
    )


def _rows(
    what: str, widths: tuple[int, ...], steps: int, scan: bool, rounds: int, clock: Clock
) -> Iterator[Row]:
    jax.clear_caches()
    make = partial(train_step.stepper, widths=widths, steps=steps, scan=scan)
    ours, theirs, ratio = alternate(
        make(injected()), make(optax.adamw(1e-4)), rounds, wall_seconds, clock.over
    )
    a, b = (seconds / steps * 1e3 for seconds in (ours, theirs))
    values = {"ratio": ratio, "ms": a, "constants_ms": b, "peak_bytes": device.peak()}
    yield Row(what, f"{ratio:.3f}x ({a:.3f} against {b:.3f} ms)", GOAL, values)
