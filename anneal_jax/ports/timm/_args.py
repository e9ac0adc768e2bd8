"""Schedules from the arguments of timm's training script."""

from collections.abc import Mapping
from typing import Any

from ... import _checks
from ..._types import IntScalarLike, RealScalarLike
from ...schedules._schedule import Schedule
from .. import _arguments, _settings
from ._factory import create_scheduler

_OWNER = "from_args"

# timm's training script has other names, and other values where an argument is missing.
_ARGS: dict[str, tuple[str, Any]] = {
    "num_epochs": ("epochs", 100),
    "decay_epochs": ("decay_epochs", 30),
    "decay_milestones": ("decay_milestones", (30, 60)),
    "warmup_epochs": ("warmup_epochs", 5),
    "cooldown_epochs": ("cooldown_epochs", 0),
    "patience_epochs": ("patience_epochs", 10),
    "decay_rate": ("decay_rate", 0.1),
    "min_lr": ("min_lr", 0.0),
    "warmup_lr": ("warmup_lr", 1e-5),
    "warmup_prefix": ("warmup_prefix", False),
    "noise": ("lr_noise", None),
    "noise_pct": ("lr_noise_pct", 0.67),
    "noise_std": ("lr_noise_std", 1.0),
    "noise_seed": ("seed", 42),
    "cycle_mul": ("lr_cycle_mul", 1.0),
    "cycle_decay": ("lr_cycle_decay", 0.1),
    "cycle_limit": ("lr_cycle_limit", 1),
    "k_decay": ("lr_k_decay", 1.0),
    "decay_fn": ("lr_decay_fn", None),
    "stable_timescale": ("lr_stable_timescale", None),
}
_KNOWN = _settings.Known.of(
    {"sched", "sched_on_updates", "eval_metric", "lr", *(name for name, _ in _ARGS.values())},
    others="""
        lr_base lr_base_size lr_base_scale weight_decay layer_decay layer_decay_min_scale
        layer_decay_no_opt_scale model_ema_decay model_ema_warmup epoch_repeats start_epoch
        mixup_off_epoch train_size_schedule train_size_schedule_spread train_batches_per_epoch
        train_steps_per_epoch use_multi_epochs_loader
    """,
    words="epochs epoch cooldown cycle milestones patience decay",
)


def from_args(
    args: Mapping[str, Any],
    base_lr: RealScalarLike | None = None,
    steps_per_epoch: IntScalarLike | None = None,
    *,
    exact: bool = True,
) -> Schedule:
    """The schedule of a run of timm's training script, in optimizer steps.

    Where timm's schedule counts epochs (`sched_on_updates` is not set), each value is held for
    an epoch. What an argument is where it is missing is what it is in timm's `scheduler_kwargs`.
    What says nothing of a schedule is left alone: `ignored_keys` names it.

    Args:
      args: what its `args.yaml` holds. `"sched"` is needed.
      base_lr: the rate that the script gives to the optimizer; None: `args["lr"]`. Where that is
        null, the script computes it from `lr_base` and the batch, which the file does not hold.
      steps_per_epoch: optimizer steps in an epoch.
      exact: as in the scheduler that `args["sched"]` names.

    Raises:
      ValueError: if a name is unknown, or an argument out of its range; if `base_lr` and the
        file's `lr` differ, or are missing; and for a key that is not read but resembles one.

    Example:
        >>> from anneal_jax.ports import timm
        >>> args = {"sched": "cosine", "lr": 1.0, "epochs": 2, "warmup_epochs": 0}
        >>> print(timm.from_args(args, steps_per_epoch=10)([0, 9, 10, 20]).round(3))
        [1.  1.  0.5 0. ]
    """
    args = _settings.checked(_OWNER, "args", args, _KNOWN, "pass vars(args)")
    if "sched" not in args:
        _checks.fail(_OWNER, "args", 'a dict with "sched" in it', list(args), "add it")
    remedy = "count the batches of an epoch"
    _arguments.required(_OWNER, "steps_per_epoch", steps_per_epoch, remedy)
    steps = _arguments.steps(_OWNER, "steps_per_epoch", steps_per_epoch, least=1)
    given: dict[str, Any] = {
        name: args.get(*key) if name == "decay_fn" else _settings.parsed(args.get(*key))
        for name, key in _ARGS.items()
    }
    on_updates = args.get("sched_on_updates", False)
    _checks.flag(_OWNER, "sched_on_updates", on_updates)
    if on_updates:
        given |= {"step_on_epochs": False, "updates_per_epoch": steps}
    metric = args.get("eval_metric", "top1")
    if not isinstance(metric, str):
        _checks.fail(_OWNER, "eval_metric", "the name of a metric", metric, "name one, as 'top1'")
    given["plateau_mode"] = "min" if "loss" in metric else "max"
    rate = _rate(args, base_lr)
    schedule, _ = create_scheduler(args["sched"], rate, **given, exact=exact)
    return schedule if on_updates else schedule.every(steps)


def ignored_keys(args: Mapping[str, Any]) -> list[str]:
    """The arguments that `from_args` does not read.

    Args:
      args: as there.

    Returns:
      Their names, in the order of the file.

    Example:
        >>> from anneal_jax.ports import timm
        >>> timm.ignored_keys({"sched": "cosine", "lr": 0.1, "model": "vit_b_16"})
        ['model']
    """
    return _settings.unread(args, _KNOWN)


def _rate(args: Mapping[str, Any], base_lr: RealScalarLike | None) -> Any:
    """The rate that is given, or the file's own."""
    own = args.get("lr")
    if own is not None:
        own = _settings.number(_OWNER, "lr", own, least=0)
    if base_lr is None:
        remedy = "pass lr_base scaled to the batch, as the script does; the file has no lr"
        return _arguments.required(_OWNER, "base_lr", own or None, remedy)
    rate = _arguments.number(_OWNER, "base_lr", base_lr, least=0)
    if own and _checks.known(rate) and rate != own:  # the script takes an lr of 0 for none
        remedy = "leave it out, or take lr out of args"
        _checks.fail(_OWNER, "base_lr", f"the lr of args, {own}", base_lr, remedy)
    return rate
