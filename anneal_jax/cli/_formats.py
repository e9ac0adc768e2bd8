"""What a file of settings looks like: which program wrote it."""

from collections.abc import Mapping
from typing import Any

_TELL = {
    "transformers": {
        "lr_scheduler_type", "lr_scheduler", "per_device_train_batch_size", "warmup_ratio",
        "micro_batch_size",
    },
    "timm": {"sched", "sched_on_updates", "warmup_lr", "lr_cycle_mul", "lr_k_decay"},
    "maxtext": {
        "learning_rate_schedule_steps", "lr_schedule_type", "warmup_steps_fraction",
        "learning_rate_final_fraction", "cosine_learning_rate_final_fraction",
    },
    "levanter": {"lr_schedule", "min_lr_ratio", "rewarmup", "num_train_steps"},
    "keras": {"class_name", "compile_config", "optimizer_config", "inner_optimizer", "beta_1"},
}  # fmt: skip
_LOGS = {"log_history", "history"}
_FUNCTIONS = ("_target_", "schedule", "name")  # keys that name a function of Optax


def looks_like(data: Any) -> str | None:
    """The program that wrote this; "anneal" for a config of ours, "fit", "log", or None."""
    if isinstance(data, list):
        rows = [row for row in data[:3] if isinstance(row, Mapping)]
        return "log" if any("loss" in " ".join(map(str, row)) for row in rows) else None
    if not isinstance(data, Mapping):
        return None
    keys = {key for key in data if isinstance(key, str)}
    if "kind" in keys:
        return "anneal"
    if keys & _LOGS:
        return "log"
    if {"law", "members"} <= keys:
        return "fit"
    if function_of_optax(data):
        return "optax"
    if isinstance(data.get("scheduler"), Mapping) and {"max_duration", "optimizer"} & keys:
        return "composer"
    if {"last_epoch", "base_lrs"} <= keys or "lr_schedulers" in keys:
        return "torch"
    inner = data.get("optimizer")
    if isinstance(inner, Mapping) and keys & {"trainer"}:
        return "levanter"
    counts = {name: len(tell & keys) for name, tell in _TELL.items()}
    best = max(counts, key=lambda name: counts[name])
    if counts[best]:
        return best
    return "keras" if isinstance(inner, Mapping) or {"learning_rate", "momentum"} <= keys else None


def function_of_optax(data: Mapping[str, Any]) -> str | None:
    """The function of Optax that a dict names."""
    for key in _FUNCTIONS:
        name = data.get(key)
        if isinstance(name, str) and (name.startswith("optax.") or name.endswith("_schedule")):
            return name.rpartition(".")[2]
    return None
