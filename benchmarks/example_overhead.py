"""What logging every step and a checkpoint every 100 steps add to the transformer example.

`python -m benchmarks.example_overhead`, some minutes of one core: in one process, 100 steps with
and without, in turns, by processor time, that of the threads which write included.
"""

import dataclasses
import math
import tempfile
from pathlib import Path

from examples.transformer_lm import data, state as states, train as training
from examples.transformer_lm.checkpoints import Checkpoints
from examples.transformer_lm.config import Config
from examples.transformer_lm.report import Report

from .measure import alternate, missed

DISPATCHES, ROUNDS = 2, 9  # of `steps_per_dispatch` steps each
GOALS = {"logging": 1.02, "checkpoint": 1.03}  # times the processor time without


def measure(folder: Path) -> dict[str, tuple[float, float, float]]:
    """Seconds of 100 steps with and without, and the ratio."""
    config = Config(out=folder, progress=False)
    corpus = data.load((), None, "characters", 0, config.block_size)
    run = training.make_run(config, corpus)
    count = config.steps_per_dispatch
    config = dataclasses.replace(config, steps=DISPATCHES * count * 8 * ROUNDS)
    now = {"state": training.make_state(run), "step": 0}
    steps = training.make_train_steps(run)

    def train(report=None, saved=None):
        for _ in range(DISPATCHES):
            first, now["step"] = now["step"], now["step"] + count
            batches = training.make_batches(run, first, count)
            now["state"], rows = steps(now["state"], batches)
            if report:
                report.steps(first, rows)
        if report:
            report.flush()
        if saved:
            saved.save(now["step"], now["state"], states.facts(run), math.nan)
            saved.wait()
        return now["state"]

    with Report(config, tuple(run.plans)) as report, Checkpoints(folder, 2) as saved:
        ways = {"logging": lambda: train(report), "checkpoint": lambda: train(saved=saved)}
        return {name: alternate(way, train, ROUNDS) for name, way in ways.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, (with_it, without, ratio) in measure(Path(folder)).items():
            seconds = f"{with_it:.3f} s with and {without:.3f} s without"
            note = missed(ratio, high=GOALS[name])
            print(f"{name}: {(ratio - 1) * 100:+.1f}% of 100 steps ({seconds}){note}")


if __name__ == "__main__":
    main()
