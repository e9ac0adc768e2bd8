"""Going on from a checkpoint: with which options, and by which plan.

All options are those of the checkpoint, unless the command line names others. A plan that it asks
for takes effect at the step of the checkpoint; what a state cannot change to is refused.
"""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import anneal_jax as anneal

from ..command_line import BadInput, hyphened, reject
from . import checkpoints, optimizer, schedules
from .about import TODAYS, Course, course_of, options_of
from .config import Config

# What an option of a resumed run can be:
# - this command's own (`TODAYS`), which no checkpoint keeps
# - the same for ever, as the state or the order of the text depends on it
FIXED = {"blocks", "heads", "width", "block_size", "optimizer", "seed", "steps", "batch_size"}
# - the plan, which is made anew
PLANNED = {"schedule", "schedule_config", "peak", "warmup", "cooldown", "extend_to"}
PLANNED |= {"muon_peak", "muon_cooldown", "muon_momentum"}
# - a number that the optimizer stays at. All else has no effect on what a step has left behind.
NUMBERS = {"b1", "b2", "weight_decay", "clip_norm"}


class Start(NamedTuple):
    """Where a run begins, and how it goes on from there."""

    config: Config
    course: Course
    step: int = 0
    source: Path | None = None  # folder of the run whose checkpoint it is, if any
    saved: Course | None = None  # the course that the checkpoint has, of the structure of its state
    about: dict[str, Any] | None = None  # all that the checkpoint says
    notes: tuple[str, ...] = ()


def start(config: Config, named: set[str]) -> Start:
    """The beginning that the options ask for; `named` are those that the command line names."""
    source = find(config)
    if source is None:
        file = config.schedule_config and schedules.load(config.schedule_config)
        course = Course(optimizer.plans(config, file), config.steps, None, file)
        return Start(config, course)
    with checkpoints.Checkpoints(source) as found:
        own = source == config.out and config.branch is not None  # --at was of that one
        step = chosen(found.steps(), source, None if own else config.at)
        about = found.about(step)
        if source == config.out and found.steps()[-1] > step and not config.overwrite:
            rule = f"the last, {found.steps()[-1]}, unless later ones may be lost"
            reject("at", rule, step, f"add --overwrite, or --branch {source} and another --out")
    old, saved = options_of(about), course_of(about)
    values = vars(config)
    new = dataclasses.replace(old, **{n: values[n] for n in named | TODAYS})
    if {"schedule"} & named and "schedule_config" not in named:
        new = dataclasses.replace(new, schedule_config=None)
    new, course, changed = replanned(old, new, named, saved, step)
    notes = (told(old, new, changed, saved, course, step),) if changed else ()
    return Start(new, course, step, source, saved, about, notes)


def find(config: Config) -> Path | None:
    """The folder of the run to go on from: --out's own, or that of --branch."""
    if config.resume and checkpoints.exist(config.out):
        return config.out
    if config.branch is not None:
        if not checkpoints.exist(config.branch):
            reject(
                "branch", "the folder of a run with checkpoints", config.branch, "check the path"
            )
        if config.branch.resolve() == config.out.resolve():
            reject("out", "another folder than that of --branch", config.out, "choose one")
        return config.branch
    if config.resume:
        remedy = "check the path, or leave --resume out to begin"
        reject("resume", "with the --out of a run that has checkpoints", config.out, remedy)
    for name in ("at", "extend_to", "cooldown_now"):
        if getattr(config, name) is not None:
            remedy = "add --resume, or leave it out"
            reject(name, "given with --resume or --branch", getattr(config, name), remedy)
    return None


def chosen(steps: list[int], source: Path, at: int | None) -> int:
    """The step to go on from."""
    if at is not None and at not in steps:
        have = ", ".join(map(str, steps))
        remedy = "choose one; --keep 0 keeps all"
        reject("at", f"the step of a checkpoint in {source} ({have})", at, remedy)
    return steps[-1] if at is None else at


def replanned(
    old: Config, new: Config, named: set[str], saved: Course, step: int
) -> tuple[Config, Course, set[str]]:
    """The options and the course from here on, and which options changed the plan."""
    changed = {n for n in named if getattr(old, n) != getattr(new, n)}
    for name in sorted(changed & FIXED):
        remedy = "--extend-to changes the length" if name == "steps" else "leave it out"
        reject(name, f"{getattr(old, name)}, as in the checkpoint", getattr(new, name), remedy)
    file = saved.file
    if new.schedule_config is None:
        file = None
    elif "schedule_config" in named:
        file = schedules.load(new.schedule_config)
        changed -= {"schedule_config"} if file == saved.file else set()
    changed &= PLANNED | NUMBERS | {"cooldown_now"}
    if "extend_to" in changed:
        if new.extend_to <= step:
            reject(
                "extend_to", f"above {step}, the step of the checkpoint", new.extend_to, "raise it"
            )
        if "cooldown_now" in named and new.cooldown_now is not None:
            raise BadInput("--extend-to and --cooldown-now must not both be new; give one of them.")
        new = dataclasses.replace(new, cooldown_now=None)
    course = saved._replace(file=file)
    if changed & PLANNED:
        course = Course(optimizer.plans(new, file), new.length, None, file)
        if new.cooldown_now is not None and saved.cooled_from is not None:
            course = cooled(new, course, saved.cooled_from)
    if "cooldown_now" in changed and new.cooldown_now is not None:
        course = cooled(new, course, step)
    return new, course, changed


def cooled(config: Config, course: Course, start: int) -> Course:
    """The same course up to a step, where --cooldown-now begins."""
    length = schedules.steps(config, "cooldown_now", least=1)
    plans = optimizer.cooled(course.plans, start, length)
    return course._replace(plans=plans, last=start + length, cooled_from=start)


def told(
    old: Config, new: Config, changed: set[str], saved: Course, course: Course, step: int
) -> str:
    """What holds from now on in place of what."""

    def of(config: Config, name: str) -> str:
        value = getattr(config, name)
        return "none" if value is None else str(value)

    said = [f"{hyphened(n)} {of(new, n)} for {of(old, n)}" for n in sorted(changed)]
    rates = [float(c.plans["learning_rate"](step)) for c in (saved, course)]
    return (
        f"from step {step:,} on the plan of this command line holds ({', '.join(said)}): rate "
        f"{rates[0]:.4g} -> {rates[1]:.4g}, {course.last:,} steps in all; leave it out to keep the "
        "checkpoint's."
    )


def exchanged(opt_state: Any, config: Config, course: Course) -> Any:
    """An optimizer's state with the plans and numbers of another course and other options."""
    return anneal.with_schedules(opt_state, **course.plans, **optimizer.numbers(config))
