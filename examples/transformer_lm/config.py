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
    """Train a transformer on text, with a learning-rate schedule of your choice."""

    # Data and output
    text: tuple[Path, ...] = ()  # UTF-8 files to learn from; none: Python's own help topics
    # Folder that `python -m examples.transformer_lm.prepare` wrote, in place of --text: for texts
    # that are larger than memory, or read often.
    prepared: Path | None = None
    tokenizer: Literal["characters", "bpe"] = "characters"  # bpe: pairs of bytes, learnt from it
    vocabulary: int = 1024  # tokens of the bpe tokenizer
    out: Path = Path("runs/transformer_lm")  # folder for all that the run leaves behind
    overwrite: bool = False  # replace the results of an earlier run in that folder
    seed: int = 0  # whole number from which initialisation, batches and sample all follow

    # Model: nanoGPT's CPU configuration, 0.80 M parameters, so that results compare
    blocks: int = 4  # layers of attention and MLP, one after the other
    heads: int = 4  # attention patterns per block; they share the width
    width: int = 128  # numbers per token in the residual stream, a multiple of twice the heads
    block_size: int = 64  # tokens of context
    dropout: float = 0.0  # share of what blocks say that training leaves out

    # Length
    steps: int = 2000  # optimizer steps: 1.5 M tokens, some two minutes of one CPU core
    batch_size: int = 12  # sequences per optimizer step
    accumulate: int = 1  # parts that a batch is computed in, one after the other, to save memory

    # Schedule: durations take any unit of anneal_jax.Horizon: "5%", "100steps", "50ktok"

    # Learning rate over the run: wsd (warm up, hold, cool down to 0), cosine and linear (warm up,
    # fall to 0), restarts (three cosines), one_cycle, inverse_sqrt, constant.
    schedule: str = "wsd"
    # Any other schedule in a .json or .toml file that anneal_jax.from_config reads, with durations
    # in steps or units ("5%"). It replaces --schedule, --peak, --warmup and --cooldown.
    schedule_config: Path | None = None
    peak: float = 4e-3  # highest learning rate of AdamW
    warmup: str = "5%"  # duration of the rise from 0 to the peak
    cooldown: str = "50%"  # duration of wsd's fall to 0

    # Optimizer
    optimizer: Literal["adamw", "muon"] = "adamw"  # muon: matrices of blocks; AdamW elsewhere
    b1: float = 0.9  # decay of the mean of gradients (momentum)
    b2: float = 0.99  # decay of the mean of their squares
    weight_decay: float = 0.1  # strength of the pull of matrices to 0
    clip_norm: float = 1.0  # largest norm of a gradient; longer ones are cut to it
    muon_peak: float = 0.02  # highest rate of Muon, whose schedule is --schedule, too
    muon_cooldown: str = "50%"  # duration of its fall, in wsd
    muon_momentum: float = 0.95  # where its momentum arrives after the warmup, from 0.85

    # Checkpoints
    checkpoint_every: str = "10%"  # duration between checkpoints, each after a whole dispatch
    # Checkpoints to keep: this many of the last, and the one of the lowest held-out loss; 0: all,
    # for a run that others branch from.
    keep: int = 2
    resume: bool = False  # go on from the last checkpoint in --out, with its options and plan
    branch: Path | None = None  # begin from a checkpoint of the run in that folder, and leave it be
    at: int | None = None  # step of the checkpoint to resume or branch from; the last, if not said
    extend_to: int | None = None  # new length in steps of a resumed run: plans are made anew for it
    cooldown_now: str | None = None  # duration of a fall to 0 that begins where the run resumes
    # Duration of a cooldown that every evaluation tries on the side: what would the loss be if the
    # run ended now? The run itself is not changed by it.
    preview_cooldown: str | None = None

    # Devices
    # Their number along each axis: data (copies that share a batch), fsdp (those that also share
    # the parameters), model (heads and MLPs in parts). All devices are used; -1 is what is left.
    mesh: str = "data=-1"
    # Precision of matrix products; auto: float32 on a CPU, bfloat16 elsewhere.
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    remat: bool = False  # compute blocks anew in the backward pass: less memory, more time
    # This is one of several processes, on one or more hosts. SLURM and TPU pods need this alone;
    # elsewhere give the three that follow.
    distributed: bool = False
    coordinator: str | None = None  # host:port of process 0
    processes: int | None = None  # how many there are
    process: int | None = None  # which of them this is, from 0

    # Running
    steps_per_dispatch: int = 50  # steps inside one jitted scan: what Python costs is shared
    # Duration between evaluations, each on all of the held-out text, after a whole dispatch.
    evaluate_every: str = "10%"
    sample_length: int = 400  # tokens that the trained model writes at the end; 0: none
    prompt: str = "\n"  # what it goes on from
    temperature: float = 0.8  # spread of the sample: below 1 plays safe, above 1 is adventurous
    top_k: int | None = None  # draw among that many of the likeliest tokens
    top_p: float | None = None  # draw among the likeliest tokens that together have this chance
    progress: bool = True  # show the progress bar

    def __post_init__(self) -> None:
        for name in (
            "blocks", "heads", "width", "block_size", "steps", "batch_size", "accumulate",
            "steps_per_dispatch",
        ):  # fmt: skip
            at_least_one(name, getattr(self, name))
        if self.width % (2 * self.heads):
            fits = 2 * self.heads * max(1, round(self.width / 2 / self.heads))
            rule = f"divisible by twice --heads {self.heads}"
            reject("width", rule, self.width, f"try --width {fits}")
        if self.batch_size % self.accumulate:
            rule = f"a divisor of --batch-size {self.batch_size}"
            reject("accumulate", rule, self.accumulate, "choose one")
        for name in ("peak", "muon_peak", "clip_norm", "temperature"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                reject(name, "a positive number", value, "pass one, such as 1e-3")
        below = {"b1": 1, "b2": 1, "muon_momentum": 1, "dropout": 1, "weight_decay": math.inf}
        for name, most in below.items():
            if not 0 <= getattr(self, name) < most:
                rule = f"at least 0 and below {most:g}"
                reject(name, rule, getattr(self, name), f"the default is {getattr(Config, name)}")
        if self.sample_length < 0:
            reject("sample_length", "at least 0", self.sample_length, "0 writes no sample")
        if self.keep < 0:
            reject("keep", "at least 0", self.keep, "0 keeps all checkpoints")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            reject("top_p", "above 0 and at most 1", self.top_p, "leave it out for all tokens")
        if self.top_k is not None:
            at_least_one("top_k", self.top_k)

    @property
    def length(self) -> int:
        """Optimizer steps that plans are made for."""
        return self.steps if self.extend_to is None else self.extend_to


def parse(arguments: Sequence[str] | None = None) -> Config:
    """The configuration that command-line arguments (by default this program's) ask for."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return command_line.parse(Config, "python -m examples.transformer_lm", arguments)


def at_least_one(option: str, value: int) -> None:
    """Reject a count below 1."""
    if value < 1:
        reject(option, "at least 1", value, f"the default is {getattr(Config, option)}")
