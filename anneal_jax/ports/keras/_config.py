"""What Keras saves: a schedule, or an optimizer that has one."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ... import _checks
from ...schedules._constant import Constant
from ...schedules._schedule import Schedule
from .. import _arguments, _settings
from ._decays import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from ._restarts import CosineDecayRestarts
from ._warmup import WarmUp

_OWNER = "from_config"
_OPTIMIZERS = """
    Adadelta Adafactor Adagrad Adam AdamW AdamWeightDecay Adamax Ftrl Lamb Lion Muon Nadam RMSprop
    SGD ScheduleFreeAdamW
"""
_AROUND = ("compile_config", "training_config", "optimizer", "optimizer_config", "inner_optimizer")
_TELL = {"beta_1", "clipnorm", "decay", "epsilon", "momentum", "use_ema", "weight_decay"}
_HOME = {"keras", "tf_keras"}
_DEEPEST = 8  # configs inside each other: twice what Keras makes
_KNOWN = _settings.Known.of(
    {"learning_rate", "decay", "warmup_steps"},
    others="weight_decay weight_decay_rate learning_rate_power adam_lr_ratio",
)


def from_config(config: Mapping[str, Any], *, exact: bool = True) -> Schedule:
    """The schedule of a dict that Keras saved.

    It is what `keras.optimizers.schedules.serialize` returns; an optimizer, serialized or its
    `get_config()`, whose `learning_rate` is read (and `decay`, which optimizers of Keras 2 have);
    or what holds an optimizer: a LossScaleOptimizer, a model's compile config. Transformers'
    `WarmUp`, as in the model cards of its TensorFlow side, is read too.

    Args:
      config: with `class_name` and `config`, or with `learning_rate`.
      exact: as in the class, where that has it.

    Raises:
      ValueError: if the class or one of its arguments is not one of Keras's, or an optimizer has
        no `learning_rate`, but a key that resembles it.

    Example:
        >>> from anneal_jax.ports import keras
        >>> config = {"initial_learning_rate": 1.0, "decay_steps": 4, "alpha": 0.0}
        >>> config = {"class_name": "CosineDecay", "config": config}
        >>> print(keras.from_config(config)(2).round(3))
        0.5
        >>> optimizer = {"name": "adam", "learning_rate": config, "beta_1": 0.9}
        >>> print(keras.from_config(optimizer)(2).round(3))
        0.5
    """
    _checks.flag(_OWNER, "exact", exact)
    optimizer = _optimizer(config)
    if optimizer is None:
        return _schedule(config, exact)
    known = _settings.checked(_OWNER, "config", optimizer, _KNOWN, "pass get_config()")
    if "learning_rate" not in known:
        keys = list(known)
        _checks.fail(_OWNER, "config", "of an optimizer, with learning_rate", keys, "add it")
    if known.get("warmup_steps"):  # of ScheduleFreeAdamW, which has no schedule to read
        remedy = "that warmup is the optimizer's own; see optax.contrib.schedule_free"
        _checks.fail(_OWNER, "warmup_steps", "0", known["warmup_steps"], remedy)
    rate = known["learning_rate"]
    found = _schedule(rate, exact) if isinstance(rate, Mapping) else _constant(rate)
    decay = _settings.number(_OWNER, "decay", known.get("decay") or 0.0, least=0)
    return found if decay == 0 else found * InverseTimeDecay(1.0, 1, decay)


def ignored_keys(config: Mapping[str, Any]) -> list[str]:
    """The keys of an optimizer's config that `from_config` does not read.

    Args:
      config: as there; of a schedule's every key is read.

    Returns:
      Their names, in order.

    Example:
        >>> from anneal_jax.ports import keras
        >>> keras.ignored_keys({"name": "sgd", "learning_rate": 0.1, "momentum": 0.9})
        ['name', 'momentum']
    """
    return _settings.unread(_optimizer(config), _KNOWN)


def _optimizer(config: Any) -> Mapping[str, Any] | None:
    """The config of the optimizer that this is, or holds; None where it is another class."""
    for _ in range(_DEEPEST):
        if not isinstance(config, Mapping):
            return None
        name, inside = config.get("class_name"), config.get("config")
        holder = next((key for key in _AROUND if isinstance(config.get(key), Mapping)), None)
        if holder is not None:
            config = config[holder]
        elif name is None:
            return config if "learning_rate" in config or _tells(config) else None
        elif not isinstance(inside, Mapping) or name in list(_CLASSES):
            return None
        elif "inner_optimizer" in inside:
            config = inside
        else:
            return inside if name in _OPTIMIZERS.split() or _tells(inside) else None
    return None


def _tells(config: Mapping[str, Any]) -> bool:
    """Whether a config has what optimizers have, and schedules have not."""
    return not _TELL.isdisjoint(key for key in config if isinstance(key, str))


def _constant(rate: Any) -> Schedule:
    return Constant(_settings.number(_OWNER, "learning_rate", rate, least=0))


def _schedule(config: Any, exact: bool, depth: int = 0) -> Schedule:
    """A schedule, and the schedules in it."""
    if not (isinstance(config, Mapping) and {"class_name", "config"} <= set(config)):
        rule, remedy = "a dict with class_name and config", "pass what serialize returns"
        _checks.fail(_OWNER, "config", rule, config, remedy)
    if depth > _DEEPEST:
        remedy = "it would go on for ever; look for a config that holds itself"
        _checks.fail(_OWNER, "config", f"at most {_DEEPEST} deep", "a deeper one", remedy)
    name, given = _named(config), config["config"]
    if not isinstance(given, Mapping):
        _checks.fail(name, "config", "a dict of arguments", given, "pass what serialize returns")
    build = _CLASSES[name]
    parameters = inspect.signature(build).parameters
    for argument in given:
        _checks.nearest(name, "argument", argument, set(parameters) - {"exact"})
    needed = {p.name for p in parameters.values() if p.default is p.empty}
    missing = sorted(needed - set(given))
    if missing:
        _checks.fail(name, "config", f"given {', '.join(missing)}", dict(given), "add that")
    arguments = dict(given)
    if build is WarmUp:
        arguments["decay_schedule_fn"] = _after(given["decay_schedule_fn"], exact, depth + 1)
    mode: dict[str, Any] = {"exact": exact} if "exact" in parameters else {}
    return build(**arguments, **mode)


def _named(config: Mapping[str, Any]) -> str:
    """The class of a schedule, which is not one of the user's."""
    name, module = config["class_name"], config.get("module") or "keras"
    if not isinstance(module, str):
        _checks.fail(_OWNER, "module", "a name", module, "pass what serialize returns")
    foreign = module.partition(".")[0] not in _HOME or config.get("registered_name")
    if foreign and name != "WarmUp":
        shown = name[:50] if isinstance(name, str) else type(name).__name__
        reason = f"{shown} is a class of your own (module {module[:50]!r})"
        remedy = "write it as a function of the step and pass that to anneal_jax.as_schedule"
        raise ValueError(f"{_OWNER}: {reason}, whose code is not in its config; {remedy}.")
    _checks.nearest(_OWNER, "class_name", name, _CLASSES)
    return name


def _after(config: Any, exact: bool, depth: int) -> Schedule:
    """What follows a warmup; in a run that was shorter than that, the decay has less than no steps.

    There TensorFlow takes a decay to be at its end.
    """
    arguments = config.get("config") if isinstance(config, Mapping) else None
    if isinstance(arguments, Mapping) and config.get("class_name") == "PolynomialDecay":
        steps = _settings.parsed(arguments.get("decay_steps"))
        if isinstance(steps, int | float) and steps < 0 and not arguments.get("cycle"):
            end = arguments.get("end_learning_rate", 0.0001)
            return Constant(_arguments.number("PolynomialDecay", "end_learning_rate", end))
    return _schedule(config, exact, depth)


_CLASSES: dict[str, Callable[..., Schedule]] = {
    build.__name__: build
    for build in (
        ExponentialDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
        InverseTimeDecay,
        CosineDecay,
        CosineDecayRestarts,
        WarmUp,
    )
}
