"""Learning-rate schedules by name. To add one, add a line to `SCHEDULES`."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import anneal_jax as anneal

from ..command_line import BadInput, hyphened, nearest, reject, unread
from .config import Config


def horizon(config: Config, total: int | None = None) -> anneal.Horizon:
    """How long the run is, unless `total` says otherwise, and what its units are in steps."""
    return anneal.Horizon(
        total=config.length if total is None else total,
        batch_size=config.batch_size,
        tokens_per_example=config.block_size,
    )


def steps(config: Config, option: str, least: int = 0) -> int:
    """The duration that an option gives, such as "5%", in optimizer steps."""
    try:
        count = horizon(config)(getattr(config, option))
    except ValueError as error:  # anneal's own sentence, which cannot know the option
        raise BadInput(f"{hyphened(option)}: {error}") from None
    if count < least:
        reject(option, f"at least {least} steps", repr(getattr(config, option)), "lengthen it")
    return count


SCHEDULES: dict[str, Callable[[Config], anneal.Schedule]] = {
    "wsd": lambda c: anneal.warmup_stable_decay(
        c.peak, steps(c, "warmup"), steps(c, "cooldown"), c.length, cooldown=anneal.Linear
    ),
    "cosine": lambda c: anneal.warmup_cosine(c.peak, steps(c, "warmup"), c.length),
    "linear": lambda c: anneal.warmup_linear(c.peak, steps(c, "warmup"), c.length),
    # Cycles of 1, 2 and 4 sevenths; stretched, so that they end with the run to the very step.
    "restarts": lambda c: anneal.cosine_restarts(c.peak, 100, cycles=3, steps_factor=2).stretch(
        c.length / 700
    ),
    "one_cycle": lambda c: anneal.one_cycle(c.peak, c.length),
    "inverse_sqrt": lambda c: anneal.warmup_inverse_sqrt(c.peak, steps(c, "warmup")),
    "constant": lambda c: anneal.warmup_constant(c.peak, steps(c, "warmup")),
}


def build(config: Config, file: dict | None = None) -> anneal.Schedule:
    """The schedule that the configuration names or points to; `file`: what that file has."""
    if config.schedule_config is not None:
        return read(config, ("learning_rate",), file)["learning_rate"]
    try:
        if config.schedule not in SCHEDULES:
            names = ", ".join(SCHEDULES)
            remedy = nearest(config.schedule, SCHEDULES) or "choose one of these"
            reject("schedule", f"one of {names}", repr(config.schedule), remedy)
        return SCHEDULES[config.schedule](config)
    except ValueError as error:  # anneal's own sentences name argument, rule, value and remedy
        raise BadInput(str(error)) from None


def read(
    config: Config, names: tuple[str, ...], file: dict | None = None
) -> dict[str, anneal.Schedule]:
    """The plans of these names in the file of `--schedule-config`, or in what was read from it.

    They stand there by name (`{"learning_rate": {…}, …}`), or a learning rate alone and bare.
    """
    path = config.schedule_config
    found = load(path) if file is None else file
    if names == ("learning_rate",) and "learning_rate" not in found:
        found = {"learning_rate": found}
    if found.keys() != set(names):
        rule = f"a file with the plans {', '.join(names)}"
        reject("schedule_config", rule, f"{path} with {', '.join(found)}", "name each plan")
    try:
        return {name: anneal.from_config(found[name], horizon(config)) for name in names}
    except ValueError as error:
        raise BadInput(f"--schedule-config {path}: {error}") from None


def remarks(
    config: Config, schedule: anneal.Schedule, given: set[str], last: int | None = None
) -> list[str]:
    """What the user may not expect: options without an effect, and a plan of another length.

    `last` is where the run ends, if not with the plans that its options ask for.
    """
    said = unread(given, without_effect(config))
    for name in ("evaluate_every", "checkpoint_every"):
        if name in given and steps(config, name) < config.steps_per_dispatch:
            every = f"every {config.steps_per_dispatch} steps: lower --steps-per-dispatch for more"
            said.append(f"{hyphened(name)} {getattr(config, name)} comes to {every}.")
    told = horizon(config, last).misfit(schedule)
    return [*said, f"{told}."] if told else said


def without_effect(config: Config) -> dict[str, str]:
    """Options that are not read, each with the one that is the reason."""
    file, noted = config.schedule_config, Noted(config)
    if file is None:
        build(noted)
    chosen = f"--schedule {config.schedule}" if file is None else f"--schedule-config {file}"
    why = dict.fromkeys({"schedule", "peak", "warmup", "cooldown"} - noted.read, chosen)
    muon = ("muon_peak", "muon_cooldown", "muon_momentum")
    if config.optimizer != "muon":
        why |= dict.fromkeys(muon, f"--optimizer {config.optimizer}")
    elif file is not None:
        why |= dict.fromkeys(muon, chosen)
    if config.tokenizer != "bpe":
        why["vocabulary"] = f"--tokenizer {config.tokenizer}"
    if config.prepared is not None:
        why |= dict.fromkeys(("tokenizer", "vocabulary"), f"--prepared {config.prepared}")
    if not config.sample_length:
        sample = ("prompt", "temperature", "top_k", "top_p")
        why |= dict.fromkeys(sample, "--sample-length 0")
    return why


class Noted:
    """A configuration that notes which of its options are read."""

    def __init__(self, config: Config):
        self._config, self.read = config, set()

    def __getattr__(self, name: str) -> object:
        self.read.add(name)
        return getattr(self._config, name)


def load(path: Path) -> dict:
    """What a file for `--schedule-config` has."""
    readers = {".json": json.loads, ".toml": tomllib.loads}
    if path.suffix not in readers:
        reject("schedule_config", "a .json or .toml file", path, "save it as one of these")
    try:
        return readers[path.suffix](path.read_text(encoding="utf-8"))
    except OSError as error:
        reject("schedule_config", "a readable file", path, f"check the path ({error.strerror})")
    except ValueError as error:
        reject("schedule_config", f"valid {path.suffix[1:].upper()}", path, f"mend it ({error})")
