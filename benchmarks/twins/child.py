"""A process that trains one side: what starts it and asks it, and what it does.

It prints a line of JSON with what it found out while it got ready, then one for every line that
it reads: the time of a round. It ends when its input does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from .model import Model

ROOT = Path(__file__).resolve().parents[2]
Round = Callable[[], dict[str, Any]]  # trains, waits for the end, and says what there is to say


class Child:
    """The process of one side, "jax" or "torch"; a context manager, which ends it."""

    def __init__(
        self, side: str, model: Model, python: str = sys.executable, core: int | None = None
    ) -> None:
        """Start it; with `core`, on that core alone and with one thread."""
        threads = {} if core is None else {"OMP_NUM_THREADS": "1"}
        pinned = [] if core is None else ["--core", str(core)]
        on_cpu = {"JAX_PLATFORMS": "cpu"} if model.device == "cpu" else {}
        # Two processes share one GPU: neither may take all of its memory at once.
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        shared = {
            "CUDA_VISIBLE_DEVICES": visible,
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.6",
        }

        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed by __exit__)
        self._process = subprocess.Popen(
            [python, "-m", __name__, side, json.dumps(model), *pinned],
            cwd=ROOT,
            env=os.environ | threads | on_cpu | shared | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        self.side = side

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def ready(self, seconds: float = 600.0) -> dict[str, Any]:
        """What it found out while it got ready: parameters, seconds that took, the batch."""
        return self._answer(seconds)

    def measure(self, seconds: float = 600.0) -> dict[str, Any]:
        """`wall_ms` and `cpu_ms` of a step, over one round."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, which the answer tells
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return self._answer(seconds)

    def _answer(self, seconds: float) -> dict[str, Any]:
        """The next line of JSON; raises when there is none within the time."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(max(seconds, 0), stop)
        timer.start()
        try:
            for line in self._process.stdout or []:
                if line.startswith("{"):
                    return json.loads(line)
        finally:
            timer.cancel()
        if late.is_set():
            raise TimeoutError(f"the {self.side} side was not done within {seconds:.0f} s")
        self._said.seek(0)
        last = (self._said.read().strip().splitlines() or ["it said nothing"])[-1]
        raise RuntimeError(f"the {self.side} side ended: {last}")


def serve(side: str, model: Model) -> None:
    """What the process does."""
    begin = time.perf_counter()
    facts, train = import_module(f"{__package__}.{side}_side").start(model)
    train()  # compiles, or tries what it chose
    print(json.dumps(facts() | {"ready_s": time.perf_counter() - begin}), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        train()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        each = {"wall_ms": wall / model.steps * 1e3, "cpu_ms": cpu / model.steps * 1e3}
        print(json.dumps(facts() | each), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("side")
    parser.add_argument("model", type=json.loads)
    parser.add_argument("--core", type=int)
    options = parser.parse_args()
    if options.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.core})
    serve(options.side, Model(*options.model))
