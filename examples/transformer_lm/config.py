"""What a run is made of. Every field is a command-line option: `--peak 3e-3`."""

import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from .. import command_line
from ..command_line import reject


@dataclasses.dataclass(frozen=True)
class Config:
    """Train a small transformer on text, with a learning-rate schedule of your choice."""

    # Data and output
    text: tuple[Path, ...] = ()  # UTF-8 files to learn from; none: Python's own help topics
    out: Path = Path("runs/transformer_lm")  # folder for CSV, TensorBoard events, figure and sample
    overwrite: bool = False  # replace the results of an earlier run in that folder
    seed: int = 0  # whole number from which initialisation, batches and sample all follow

    # Model: nanoGPT's CPU configuration, 0.80 M parameters, so that results compare
    blocks: int = 4  # layers of attention and MLP, one after the other
    heads: int = 4  # attention patterns per block; they share the width
    width: int = 128  # numbers per character in the residual stream, a multiple of the heads
    block_size: int = 64  # characters of context

    # Length
    steps: int = 2000  # optimizer steps: 1.5 M characters, some two minutes of one CPU core
    batch_size: int = 12  # sequences per step

    # Schedule: durations take any unit of anneal_jax.Horizon: "5%", "100steps", "50ktok"

    # Learning rate over the run: wsd (warm up, hold, cool down to 0), cosine and linear (warm up,
    # fall to 0), restarts (three cosines), one_cycle, inverse_sqrt, constant.
    schedule: str = "wsd"
    # Any other schedule in a .json or .toml file that anneal_jax.from_config reads, with durations
    # in steps or units ("5%"). It replaces --schedule, --peak, --warmup and --cooldown.
    schedule_config: Path | None = None
    peak: float = 4e-3  # highest learning rate; 4 times nanoGPT's, as decaying to 0 allows
    # Duration of the rise from 0 to the peak. 2% came out 0.01 nats worse on a development split.
    warmup: str = "5%"
    # Duration of wsd's fall to 0. Matters little: 25, 50 and 70% differ by less than seeds do.
    cooldown: str = "50%"

    # Optimizer: AdamW
    b1: float = 0.9  # decay of the mean of gradients (momentum); 0.95 came out no better there
    b2: float = 0.99  # decay of the mean of their squares; 0.95 came out 0.01 nats worse there
    weight_decay: float = 0.1  # strength of the pull of matrices to 0
    # Largest norm of a gradient; longer ones are cut to it. A rare bad batch must not undo a
    # hundred good ones.
    clip_norm: float = 1.0

    # Running

    # Precision of matrix products; auto: float32 on a CPU, bfloat16 elsewhere.
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    steps_per_dispatch: int = 50  # steps inside one jitted scan; 1 would cost 1.5 times as much
    # Duration between evaluations, each on all of the held-out text, after a whole dispatch.
    evaluate_every: str = "10%"
    sample_length: int = 400  # characters that the trained model writes at the end; 0: none
    temperature: float = 0.8  # spread of the sample: below 1 plays safe, above 1 is adventurous
    progress: bool = True  # show the progress bar

    def __post_init__(self) -> None:
        for name in ("blocks", "heads", "width", "block_size", "steps", "batch_size"):
            at_least_one(name, getattr(self, name))
        at_least_one("steps_per_dispatch", self.steps_per_dispatch)
        if self.width % self.heads:
            remedy = f"try --width {self.heads * max(1, round(self.width / self.heads))}"
            reject("width", f"divisible by --heads {self.heads}", self.width, remedy)
        for name in ("peak", "clip_norm", "temperature"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                reject(name, "a positive number", value, "pass one, such as 1e-3")
        for name, most in (("b1", 1.0), ("b2", 1.0), ("weight_decay", math.inf)):
            if not 0 <= getattr(self, name) < most:
                rule = f"at least 0 and below {most:g}"
                reject(name, rule, getattr(self, name), f"the default is {getattr(Config, name)}")
        if self.sample_length < 0:
            reject("sample_length", "at least 0", self.sample_length, "0 writes no sample")


def parse(arguments: Sequence[str] | None = None) -> Config:
    """The configuration that command-line arguments (by default this program's) ask for."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return command_line.parse(Config, "python -m examples.transformer_lm", arguments)


def at_least_one(option: str, value: int) -> None:
    """Reject a count below 1."""
    if value < 1:
        reject(option, "at least 1", value, f"the default is {getattr(Config, option)}")
