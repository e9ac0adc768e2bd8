"""What a checkpoint says beside the state, as plain data: options, plans, text and model."""

import typing
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import anneal_jax as anneal

from ..command_line import BadInput
from .config import Config

# Options that are a command's own: no checkpoint keeps them.
TODAYS = {"out", "overwrite", "resume", "branch", "at", "progress", "distributed", "coordinator"}
TODAYS |= {"processes", "process"}


class Course(NamedTuple):
    """How a run goes: what moves the optimizer's numbers, and where it ends."""

    plans: dict[str, anneal.Schedule]
    last: int  # optimizer steps at its end
    cooled_from: int | None = None  # where the last --cooldown-now began
    file: dict | None = None  # what --schedule-config had in it when the run began


def write(config: Config, course: Course, corpus: str, shape: Any) -> dict[str, Any]:
    """What a checkpoint says beside the state, as JSON has it."""
    kept = {n: v for n, v in vars(config).items() if n not in TODAYS}
    names = ("jax", "flax", "optax", "orbax-checkpoint")
    return {
        "options": {n: _plain(value) for n, value in kept.items()},
        "plans": {name: anneal.to_config(plan) for name, plan in course.plans.items()},
        **{n: getattr(course, n) for n in ("last", "cooled_from", "file")},
        "corpus": corpus,
        "shape": shape._asdict(),
        "versions": {name: version(name) for name in names} | {"anneal_jax": anneal.__version__},
    }


def course_of(about: dict[str, Any]) -> Course:
    plans = {name: anneal.from_config(plan) for name, plan in about["plans"].items()}
    return Course(plans, about["last"], about["cooled_from"], about["file"])


def options_of(about: dict[str, Any]) -> Config:
    """The options of the run that saved it."""
    kinds = typing.get_type_hints(Config)
    values = {}
    for name, value in about["options"].items():
        if name not in kinds:
            raise BadInput(f"the checkpoint has an option {name}, which this program has not.")
        path = kinds[name] in (Path, Path | None) and value is not None
        values[name] = Path(value) if path else value
    return Config(**values | {"text": tuple(map(Path, values["text"]))})


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def check(about: dict[str, Any], source: Path, corpus: str, shape: Any) -> None:
    """Refuse a checkpoint of another text or another model."""
    for what, saved, now, remedy in (
        ("text", about["corpus"], corpus, "give that text, or begin another run"),
        ("model", *_differing(about["shape"], shape._asdict()), "begin another run"),
    ):
        if saved != now:
            raise BadInput(
                f"the checkpoint in {source} must be of the {what} of this run, {now}, got one of "
                f"{saved}; {remedy}."
            )


def _differing(one: dict[str, Any], other: dict[str, Any]) -> tuple[str, str]:
    """What two shapes of a model do not share; precision and the like leave parameters be."""
    names = [n for n in other if n not in ("dropout", "dtype", "remat") and one.get(n) != other[n]]
    return tuple(", ".join(f"{n} {shape.get(n)}" for n in names) for shape in (one, other))
