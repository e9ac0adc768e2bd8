"""The optimizer, and the plans that it follows: one schedule for each of its numbers that moves."""

import dataclasses
from typing import Any

import jax
import optax

import anneal_jax as anneal

from . import schedules
from .config import Config


def plans(config: Config, file: dict | None = None) -> dict[str, anneal.Schedule]:
    """The schedules of a run by the names of what they drive, as logged and as in checkpoints.

    `file` is what the file of `--schedule-config` has, where it has been read already.
    """
    if config.optimizer == "adamw":
        return {"learning_rate": schedules.build(config, file)}
    if config.schedule_config is not None:
        return schedules.read(config, ("learning_rate", "muon_rate", "momentum"), file)
    own = dataclasses.replace(config, peak=config.muon_peak, cooldown=config.muon_cooldown)
    warmup = schedules.steps(config, "warmup")
    return {
        "learning_rate": schedules.build(config),
        "muon_rate": schedules.build(own),
        "momentum": anneal.Linear(min(0.85, config.muon_momentum), config.muon_momentum, warmup),
    }


def cooled(plans: dict[str, anneal.Schedule], start: Any, steps: int) -> dict[str, anneal.Schedule]:
    """The same plans up to step `start`, from where every rate falls to 0 in so many steps."""

    def rate(plan: anneal.Schedule) -> anneal.Schedule:
        return anneal.with_cooldown(plan, start, steps, cooldown=anneal.Linear)

    return {n: rate(plan) if n.endswith("rate") else plan for n, plan in plans.items()}


def numbers(config: Config) -> dict[str, anneal.Schedule]:
    """What AdamW stays at. As plans, which `anneal.with_schedules` replaces like all others."""
    return {name: anneal.Constant(getattr(config, name)) for name in ("b1", "b2", "weight_decay")}


def make_optimizer(config: Config, plans: dict[str, anneal.Schedule]) -> Any:
    """AdamW, or Muon for the matrices of blocks beside it, following `plans`.

    The plans live in the optimizer's state: `anneal.hyperparams(state)` reads what a step used,
    `anneal.with_schedules(state, learning_rate=…)` replaces a plan in the middle of a run.
    """
    adamw = anneal.inject_hyperparams(optax.adamw, static_args="mask")(
        learning_rate=plans["learning_rate"],
        mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params),
        **numbers(config),
    )
    if config.optimizer == "adamw":
        groups = adamw
    else:
        own = anneal.inject_hyperparams(muon)(plans["muon_rate"], plans["momentum"])
        groups = anneal.partition_by_path({r"blocks/.*kernel": own, ".*": adamw})
    return optax.chain(optax.clip_by_global_norm(config.clip_norm), groups)


def muon(muon_rate: Any, momentum: Any) -> optax.GradientTransformation:
    """Optax's Muon, with names that do not collide with AdamW's in logs."""
    return optax.contrib.muon(muon_rate, beta=momentum)
