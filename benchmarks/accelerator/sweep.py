"""64 schedules in one program, against a loop that compiles for each."""

import time
from collections.abc import Iterator
from functools import partial

from benchmarks import sweeps

from .measurements import Clock, Measurement, Row

LOOPED = 4  # members that the loop trains, for time's sake; its time is then scaled up


def measurements(quick: bool) -> Iterator[Measurement]:
    """The two models of `benchmarks.sweeps`."""
    small = {"looped": 1, "steps": 4, "members": 2} if quick else {"looped": LOOPED}
    for make in [sweeps.mlp] if quick else [sweeps.mlp, sweeps.transformer]:
        task = make()._replace(**small)
        what = f"{task.members} schedules of a {task.name}"
        yield Measurement(what, partial(_rows, what, task))


def _rows(what: str, task: sweeps.Task, clock: Clock) -> Iterator[Row]:
    del clock
    ours, loop, least = (
        measure(task, time.perf_counter) for measure in (sweeps.swept, sweeps.looped, sweeps.floor)
    )
    values = {"sweep_s": ours, "loop_s": loop, "warm_steps_s": least}
    yield Row(
        f"{what}: Optax loop over one sweep", f"{loop / ours:.1f}x ({ours:.1f} s)", "10x", values
    )
    figure = f"{ours / least:.2f}x"
    yield Row(f"{what}: one sweep over {task.members} times a warm step", figure)
