"""What Keras saves of a schedule."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ... import _checks
from ...schedules._schedule import Schedule
from ._decays import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from ._restarts import CosineDecayRestarts


def from_config(config: Mapping[str, Any], *, exact: bool = True) -> Schedule:
    """The schedule of a dict that `keras.optimizers.schedules.serialize` made.

    Args:
      config: with `class_name` and `config`, and perhaps `module` and `registered_name`. In the
        config of an optimizer it stands at `["config"]["learning_rate"]`.
      exact: as in the class, where that has it.

    Raises:
      ValueError: if the class or one of its arguments is not one of Keras's.

    Example:
        >>> from anneal_jax.ports import keras
        >>> config = {"initial_learning_rate": 1.0, "decay_steps": 4, "alpha": 0.0}
        >>> print(keras.from_config({"class_name": "CosineDecay", "config": config})(2).round(3))
        0.5
    """
    owner = "from_config"
    if not (isinstance(config, Mapping) and {"class_name", "config"} <= set(config)):
        rule = "a dict with class_name and config"
        _checks.fail(owner, "config", rule, config, "pass what serialize returns")
    name, module = config["class_name"], config.get("module") or "keras"
    if module.partition(".")[0] != "keras" or config.get("registered_name"):
        reason = f"{name} is a class of your own (module {module!r})"
        remedy = "write it as a function of the step and pass that to anneal_jax.as_schedule"
        raise ValueError(f"{owner}: {reason}, whose code is not in its config; {remedy}.")
    _checks.nearest(owner, "class_name", name, _CLASSES)
    build = _CLASSES[name]
    parameters = inspect.signature(build).parameters
    for argument in config["config"]:
        _checks.nearest(name, "argument", argument, set(parameters) - {"exact"})
    needed = {p.name for p in parameters.values() if p.default is p.empty}
    missing = sorted(needed - set(config["config"]))
    if missing:
        _checks.fail(name, "config", f"given {', '.join(missing)}", config["config"], "add that")
    mode: dict[str, Any] = {"exact": exact} if "exact" in parameters else {}
    return build(**config["config"], **mode)


_CLASSES: dict[str, Callable[..., Schedule]] = {
    build.__name__: build
    for build in (
        ExponentialDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
        InverseTimeDecay,
        CosineDecay,
        CosineDecayRestarts,
    )
}
