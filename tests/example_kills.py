"""The transformer example, killed again and again: a program, for it forks before JAX has threads.

`python -m tests.example_kills FOLDER KILLS` trains in FOLDER/killed, killed by SIGKILL at so many
random moments, every second one while a checkpoint is being written; and undisturbed in
FOLDER/whole. Both must come to the same.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from examples.transformer_lm import train as training
from tests import example_runs

PACE = {"steps_per_dispatch": 2, "checkpoint_every": "2steps", "keep": 2}


def train(options: list[str], printed: Path) -> int:
    """A child process: all that it needs is imported already."""
    child = os.fork()
    if child == 0:
        output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os._exit(training.main(options))
    return child


def last(checkpoints: Path) -> int:
    return max(
        (int(path.name) for path in checkpoints.glob("*") if path.name.isdecimal()), default=-1
    )


def wait(checkpoints: Path, writing: bool, draw: random.Random) -> None:
    """Until the run has written a checkpoint, or begun to."""
    before = max(last(checkpoints), 0)
    while True:
        found = [path.name for path in checkpoints.glob("*")]
        begun = [name for name in found if "tmp" in name and int(name.split(".")[0]) > before]
        if begun if writing else last(checkpoints) > before:
            break
        time.sleep(1e-4)
    time.sleep(draw.uniform(0, 0.02 if writing else 0.3))


def main(folder: Path, kills: int) -> None:
    draw, printed = random.Random(0), folder / "printed.txt"
    options = example_runs.TINY_RESUMED | PACE | {"steps": 12 + 8 * kills, "progress": False}
    whole, killed, torn = folder / "whole", folder / "killed", 0
    assert os.waitpid(train(example_runs.command(out=whole, **options), printed), 0)[1] == 0
    begin = example_runs.command(out=killed, **options)
    resume = ["--resume", f"--out={killed}", "--no-progress"]
    for kill in range(kills):
        child = train(resume if kill else begin, printed)
        wait(killed / "checkpoints", kill % 2 == 1, draw)
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status), "it ended, or failed, before it was killed"
        torn += any("tmp" in path.name for path in (killed / "checkpoints").glob("*"))
    assert os.waitpid(train(resume, printed), 0)[1] == 0, printed.read_text()
    example_runs.check_same(whole, killed)
    print(f"{kills} kills, {torn} of them while a checkpoint was written")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
