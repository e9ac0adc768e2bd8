"""Settings that programs write, and changes to them such as a hand or a fault makes."""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from anneal_jax.ports import keras, timm, torch, transformers

TRAINER = {
    "learning_rate": 2e-4,
    "lr_scheduler_type": "cosine_with_min_lr",
    "lr_scheduler_kwargs": {"min_lr_rate": 0.1, "num_cycles": 0.5},
    "warmup_ratio": 0.1,
    "max_steps": 100,
}
PLATEAU = {
    "lr_scheduler_type": "reduce_lr_on_plateau",
    "lr_scheduler_kwargs": {"eps": 1e-9, "min_lr": 1e-5, "patience": 3},
}
AXOLOTL = {
    "learning_rate": 2e-4,
    "lr_scheduler": "cosine",
    "cosine_min_lr_ratio": 0.1,
    "cosine_constant_lr_ratio": 0.8,
    "num_epochs": 3,
    "warmup_steps": 10,
    "max_steps": 100,
}
TIMM = {
    "sched": "cosine",
    "lr": 5e-4,
    "epochs": 20,
    "warmup_epochs": 3,
    "warmup_prefix": True,
    "lr_noise": [0.4, 0.9],
    "lr_cycle_mul": 2.0,
    "lr_cycle_limit": 2,
    "decay_milestones": [5, 9],
    "decay_epochs": 4,
    "eval_metric": "top1",
    "seed": 3,
}
DECAY = {
    "class_name": "PolynomialDecay",
    "config": {"initial_learning_rate": 2e-5, "decay_steps": 60, "end_learning_rate": 0.0},
}
WARMED = {"initial_learning_rate": 2e-5, "decay_schedule_fn": DECAY, "warmup_steps": 10}
KERAS = {
    "module": "keras.optimizers",
    "class_name": "AdamW",
    "config": {
        "name": "adamw",
        "decay": 0.0,
        "learning_rate": {
            "module": "transformers.optimization_tf",
            "class_name": "WarmUp",
            "config": WARMED,
            "registered_name": "WarmUp",
        },
        "beta_1": 0.9,
    },
    "registered_name": "AdamW",
}

_BASE = {"last_epoch": 4, "_last_lr": [0.05], "base_lrs": [0.1], "_step_count": 5}
_GROUP = {"lr": 0.05, "initial_lr": 0.04, "max_lr": 1.0, "min_lr": 4e-6, "swa_lr": 0.03}
_PHASES = [
    {"start_lr": "initial_lr", "end_lr": "max_lr", "end_step": 2.0},
    {"start_lr": "max_lr", "end_lr": "min_lr", "end_step": 9},
]
TORCH: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 5, "gamma": 0.5},
    "MultiStepLR": {"milestones": {3: 1, 9: 2}, "gamma": 0.5},
    "ConstantLR": {"factor": 0.5, "total_iters": 7},
    "LinearLR": {"start_factor": 0.2, "end_factor": 1.0, "total_iters": 7},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {"total_iters": 9, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 9, "eta_min": 0.01},
    "CosineAnnealingWarmRestarts": {"T_0": 3, "T_i": 6, "T_mult": 2, "T_cur": 1, "eta_min": 0.0},
    "CyclicLR": {
        "max_lrs": [1.0],
        "total_size": 13.0,
        "step_ratio": 5 / 13,
        "mode": "exp_range",
        "gamma": 0.99,
        "scale_mode": "cycle",
        "_scale_fn_custom": None,
    },
    "OneCycleLR": {"_schedule_phases": _PHASES, "_anneal_func_type": "cos", "total_steps": 10},
    "SWALR": {"anneal_epochs": 10, "_anneal_strategy": "cos"},
    "LambdaLR": {"lr_lambdas": [None]},
}
_PAIR = [_BASE | TORCH["LinearLR"], _BASE | TORCH["CosineAnnealingLR"]]


def _torch(kind: Any) -> Callable[[Any], Any]:
    def read(saved: Any) -> Any:
        return torch.from_scheduler(
            saved.get("scheduler"), kind, saved.get("groups"), total_steps=9
        )

    return read


def _checkpoint(saved: Any) -> Any:
    return torch.from_scheduler(saved, ["SequentialLR", "LinearLR", "CosineAnnealingLR"])


Case = tuple[Callable[[Any], Any], Mapping[str, Any]]
CASES: dict[str, Case] = {
    "trainer": (lambda c: transformers.from_training_arguments(c, 100), TRAINER),
    "plateau": (lambda c: transformers.from_training_arguments(c, 100), PLATEAU),
    "axolotl": (lambda c: transformers.from_training_arguments(c, 100), AXOLOTL),
    "timm": (lambda c: timm.from_args(c, steps_per_epoch=5), TIMM),
    "keras": (keras.from_config, KERAS),
    "keras schedule": (keras.from_config, DECAY),
    **{
        name: (_torch(name), {"scheduler": _BASE | own, "groups": [_GROUP]})
        for name, own in TORCH.items()
    },
    "checkpoint": (
        _checkpoint,
        {
            "epoch": 4,
            "optimizer": {"param_groups": [_GROUP]},
            "lr_schedulers": [
                {"last_epoch": 4, "_last_lr": [0.05], "_milestones": [7], "_schedulers": _PAIR}
            ],
        },
    ),
}

_STRANGE: list[Any] = [
    *(None, True, False, 0, 1, -1, 2.5, 1e300, -1e-300, float("nan"), float("inf"), 2**31, 2**70),
    *("", "x", "²", "1e-3", "cosine", "nan", "9" * 5000, b"x", [], [[]], (1,), ["x"], [1, "x"]),
    *([0.5] * 3, {}, {"a": 1}, {1: 2}, {"class_name": "Adam"}, object(), lambda t: t),
]


def places(config: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values in dicts and lists."""
    entries = config.items() if isinstance(config, Mapping) else enumerate(config)
    for key, value in entries:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from places(value, (*at, key))


def mutated(config: Mapping[str, Any], draw: random.Random) -> Any:
    """A config of which one to three values are gone, misspelt or strange."""
    config = copy.deepcopy(config)
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        found = list(places(config))
        if not found:
            return config
        *path, key = draw.choice(found)
        inside: Any = config
        for part in path:
            inside = inside[part]
        kind = draw.random()
        if kind < 0.15:
            del inside[key]
        elif kind < 0.3 and isinstance(inside, dict) and isinstance(key, str):
            cut = draw.randrange(max(len(key), 1))
            inside[key[:cut] + key[cut + 1 :]] = inside.pop(key)
        else:
            inside[key] = copy.copy(draw.choice(_STRANGE))
    return config
