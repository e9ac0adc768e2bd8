"""Schedules from the settings that Trainer, and programs around it, are started with.

LLaMA-Factory's files hold TrainingArguments; axolotl's spell and round some of them otherwise,
and name shapes of their own.
"""

import inspect
import math
from collections.abc import Mapping
from typing import Any

from ... import _checks
from ..._types import IntScalarLike
from ...schedules._schedule import Schedule
from .. import _arguments, _settings
from . import _axolotl
from ._by_name import BUILDERS, OURS, get_scheduler, keywords, spelled

_OWNER = "from_training_arguments"
_READ = (
    "learning_rate",
    "lr_scheduler_type",
    "lr_scheduler_kwargs",
    "warmup_steps",
    "warmup_ratio",
    "max_steps",
)
_KEYWORDS = {name for build in BUILDERS.values() for name in inspect.signature(build).parameters}
_KNOWN = _settings.Known.of(
    {*_READ, *_axolotl.READ},
    elsewhere=dict.fromkeys(_KEYWORDS - {*OURS}, "lr_scheduler_kwargs"),
    others="""
        learning_rate_mapping embedding_lr embedding_lr_scale embedding_learning_rate dion_lr
        dion_learning_rate lr_groups loraplus_lr_ratio loraplus_lr_embedding lr_div_factor
        profiler_warmup_steps sync_warmup_rollouts noise_schedule
    """,  # rates of single parameters, and what is none: of Trainer's, axolotl's, LLaMA-Factory's
)


def from_training_arguments(
    args: Mapping[str, Any], num_training_steps: IntScalarLike | None = None, *, exact: bool = True
) -> Schedule:
    """The schedule that Trainer builds from its TrainingArguments, given as a dict.

    Read are `learning_rate` (5e-5), `lr_scheduler_type` ("linear"), `lr_scheduler_kwargs` (a
    dict or JSON), `warmup_steps` (below 1 a fraction, of which the ceiling is taken, as of
    `warmup_ratio`, which older versions have beside it) and `max_steps`. Files of LLaMA-Factory
    hold these; the phases of "warmup_stable_decay" that they leave open are as there.

    A file of axolotl is known by `lr_scheduler`, `num_epochs`, `micro_batch_size` or a name
    below. Its defaults are then axolotl's ("cosine"; a warmup of 3%, at most 100 steps; a
    `warmup_ratio` is rounded down), and `cosine_min_lr_ratio`, `cosine_constant_lr_ratio`,
    `lr_quadratic_warmup` and the schedule "rex" are read too.

    All else is left alone: `ignored_keys` names it.

    Args:
      args: from `TrainingArguments.to_dict()`, or a configuration file.
      num_training_steps: optimizer steps in all; a `max_steps` above 0 overrides it.
      exact: as in `get_scheduler`.

    Raises:
      ValueError: as `get_scheduler`; if no number of steps is known; and for a key that is not
        read but resembles one that is, or belongs into `lr_scheduler_kwargs`.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> args = {"learning_rate": 1.0, "lr_scheduler_type": "cosine", "warmup_ratio": 0.25}
        >>> print(transformers.from_training_arguments(args, 8)([0, 1, 2, 5, 8]).round(3))
        [0.  0.5 1.  0.5 0. ]
    """
    remedy = "pass TrainingArguments.to_dict()"
    args = _settings.checked(_OWNER, "args", args, _KNOWN, remedy)
    given = {key: value for key, value in args.items() if value is not None}
    total = _settings.number(_OWNER, "max_steps", given.get("max_steps", -1))
    total = num_training_steps if total <= 0 else total
    name = _name(given)
    if name != "constant":
        remedy = "pass the number of optimizer steps, or args with max_steps"
        _arguments.required(_OWNER, "num_training_steps", total, remedy)
    if total is not None:
        total = _arguments.steps(_OWNER, "num_training_steps", total)
    rate = _settings.number(_OWNER, "learning_rate", given.get("learning_rate", 5e-5), least=0)
    steps = total or 0
    warmup = _warmup(given, steps)
    more = keywords(_OWNER, given.get("lr_scheduler_kwargs"))
    if _axolotl.shapes(given, name):
        return _axolotl.build(given, name, rate, warmup, steps, more, exact)
    if name == "warmup_stable_decay" and not {"stage", "finetuning_type"}.isdisjoint(given):
        more = _open_phases(steps - warmup) | more
    return get_scheduler(name, rate, warmup, total, more, exact=exact)


def ignored_keys(args: Mapping[str, Any]) -> list[str]:
    """The keys of a file that `from_training_arguments` does not read.

    Args:
      args: as there.

    Returns:
      Their names, in the order of the file.

    Example:
        >>> from anneal_jax.ports import transformers
        >>> transformers.ignored_keys({"learning_rate": 1e-4, "bf16": True, "seed": 1})
        ['bf16', 'seed']
    """
    return _settings.unread(args, _KNOWN)


def _name(given: Mapping[str, Any]) -> Any:
    """The name of the schedule, in either spelling."""
    names = [spelled(given[k]) for k in ("lr_scheduler_type", "lr_scheduler") if k in given]
    if len(names) == 2 and names[0] != names[1]:
        rule, remedy = f"the same as lr_scheduler_type, {names[0]!r}", "leave one of them out"
        _checks.fail(_OWNER, "lr_scheduler", rule, names[1], remedy)
    return names[0] if names else ("cosine" if _axolotl.wrote(given) else "linear")


def _warmup(given: Mapping[str, Any], total: Any) -> int:
    """The steps of the warmup."""
    steps = _settings.number(_OWNER, "warmup_steps", given.get("warmup_steps", 0), least=0)
    ratio = given.get("warmup_ratio", 0.0)
    ratio = _settings.number(_OWNER, "warmup_ratio", ratio, least=0, most=1)
    if _axolotl.wrote(given):
        return _axolotl.warmup(given, steps, ratio, total)
    if steps == 0:  # the fraction of versions before 5, which counts only then
        steps = math.ceil(total * ratio)
    elif steps < 1:
        steps = math.ceil(total * steps)
    return int(steps)


def _open_phases(rest: int) -> dict[str, int]:
    """What LLaMA-Factory sets where its file does not."""
    return {"num_stable_steps": rest // 3, "num_decay_steps": rest - rest // 3}
