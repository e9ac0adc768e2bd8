"""Learning-rate schedules by name. To add one, add a line to `SCHEDULES`."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import anneal_jax as anneal

from ..command_line import BadInput, nearest, reject
from .config import Config


def horizon(config: Config) -> anneal.Horizon:
    """How long the run is, and what its units are in steps."""
    return anneal.Horizon(
        total=config.steps, batch_size=config.batch_size, tokens_per_example=config.block_size
    )


def steps(config: Config, option: str, least: int = 0) -> int:
    """The duration that an option gives, such as "5%", in optimizer steps."""
    try:
        count = horizon(config)(getattr(config, option))
    except ValueError as error:  # anneal's own sentence, which cannot know the option
        raise BadInput(f"--{option.replace('_', '-')}: {error}") from None
    if count < least:
        reject(option, f"at least {least} steps", repr(getattr(config, option)), "lengthen it")
    return count


SCHEDULES: dict[str, Callable[[Config], anneal.Schedule]] = {
    "wsd": lambda c: anneal.warmup_stable_decay(
        c.peak, steps(c, "warmup"), steps(c, "cooldown"), c.steps, cooldown=anneal.Linear
    ),
    "cosine": lambda c: anneal.warmup_cosine(c.peak, steps(c, "warmup"), c.steps),
    "linear": lambda c: anneal.warmup_linear(c.peak, steps(c, "warmup"), c.steps),
    # 1 + 2 + 4 cycle lengths fill the run; rounded up, so that the last does not end early.
    "restarts": lambda c: anneal.cosine_restarts(
        c.peak, -(-c.steps // 7), cycles=3, steps_factor=2
    ),
    "one_cycle": lambda c: anneal.one_cycle(c.peak, c.steps),
    "inverse_sqrt": lambda c: anneal.warmup_inverse_sqrt(c.peak, steps(c, "warmup")),
    "constant": lambda c: anneal.warmup_constant(c.peak, steps(c, "warmup")),
}


def build(config: Config) -> anneal.Schedule:
    """The schedule that the configuration names or points to."""
    try:
        if config.schedule_config is not None:
            return anneal.from_config(_read(config.schedule_config), horizon(config))
        if config.schedule not in SCHEDULES:
            names = ", ".join(SCHEDULES)
            remedy = nearest(config.schedule, SCHEDULES) or "choose one of these"
            reject("schedule", f"one of {names}", repr(config.schedule), remedy)
        return SCHEDULES[config.schedule](config)
    except ValueError as error:  # anneal's own sentences name argument, rule, value and remedy
        raise BadInput(str(error)) from None


def _read(path: Path) -> dict:
    readers = {".json": json.loads, ".toml": tomllib.loads}
    if path.suffix not in readers:
        reject("schedule_config", "a .json or .toml file", path, "save it as one of these")
    try:
        return readers[path.suffix](path.read_text(encoding="utf-8"))
    except OSError as error:
        reject("schedule_config", "a readable file", path, f"check the path ({error.strerror})")
    except ValueError as error:
        reject("schedule_config", f"valid {path.suffix[1:].upper()}", path, f"mend it ({error})")
