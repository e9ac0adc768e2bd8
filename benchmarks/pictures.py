"""`python -m benchmarks.pictures`: the time of pictures of long schedules, compiling included.

Another schedule is drawn before, so that matplotlib is loaded and its fonts are found.
"""

from collections.abc import Iterator

import anneal_jax as anneal
from benchmarks.measure import cpu_seconds, missed

STEPS = 10**7
GOAL = 1.0  # seconds
LONG = {
    "warmup_cosine": anneal.warmup_cosine(3e-4, 1_000, STEPS),
    "warmup_stable_decay": anneal.warmup_stable_decay(3e-4, 1_000, STEPS // 5, STEPS),
    "a million restarts": anneal.cosine_restarts(1.0, 10, cycles=10**6, value_factor=0.999999),
    "decay times cycles": anneal.Linear(1.0, 0.1, STEPS) * anneal.Triangular(0.1, 1.0, 999),
}


def _drawn(schedule: anneal.Schedule) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    schedule.plot(figure.subplots(), steps=STEPS)
    figure.draw_without_rendering()


def rows() -> Iterator[tuple[str, str, str]]:
    """What, the figure, the goal."""
    _drawn(anneal.Chebyshev(1.0, 16))
    for name, schedule in LONG.items():
        first = cpu_seconds(lambda schedule=schedule: _drawn(schedule))
        again = cpu_seconds(lambda schedule=schedule: _drawn(schedule))
        shown = f"{first:.2f} s, again {again:.2f} s{missed(first, high=GOAL)}"
        yield f"a picture of 1e7 steps, {name}: processor time", shown, "< 1 s"


if __name__ == "__main__":
    for what, figure, goal in rows():
        print(f"{what:70} {figure:40} {goal}")
