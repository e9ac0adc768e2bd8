"""A fit as plain data: what `Fit.save` writes, and how it is read again."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .. import _checks
from ._functional import FunctionalScalingLaw
from ._law import Law
from ._level import LevelLaw
from ._momentum import MomentumLaw
from ._multi_power import MultiPowerLaw
from ._range import Range

_KINDS = (LevelLaw, MomentumLaw, MultiPowerLaw, FunctionalScalingLaw)


def as_data(
    *,
    law: Law,
    members: Law,
    residuals: tuple[np.ndarray, ...],
    held_out: float,
    converged: bool,
    seen: Range,
) -> dict[str, Any]:
    """The fields of a fit as numbers, strings, lists and dictionaries."""
    return {
        "law": type(law).__name__,
        "parameters": {name: float(value) for name, value in vars(law).items()},
        "members": {name: np.asarray(v).tolist() for name, v in vars(members).items()},
        "residuals": [run.tolist() for run in residuals],
        "held_out": held_out,
        "converged": converged,
        "seen": seen._asdict(),
    }


def read(owner: str, path: str | Path, kind: type[Law] | None) -> dict[str, Any]:
    """The fields of a fit from a file of what `as_data` gives, as JSON."""
    data = json.loads(Path(path).read_text())
    kinds = {one.__name__: one for one in (*_KINDS, *([kind] if kind else []))}
    name = data.get("law") if isinstance(data, dict) else None
    if name not in kinds:
        remedy = "pass its class as kind" if name else "pass a file that Fit.save wrote"
        _checks.fail(owner, "the law in path", f"one of {', '.join(kinds)}", name, remedy)
    return {
        "law": kinds[name](**data["parameters"]),
        "members": _batch(kinds[name], data["members"]),
        "residuals": tuple(np.array(run) for run in data["residuals"]),
        "held_out": data["held_out"],
        "converged": data["converged"],
        "seen": Range(**data["seen"]),
    }


def _batch(kind: type[Law], parameters: dict[str, list[float]]) -> Law:
    """Many laws as one, whose parameters are arrays."""
    like = kind(**dict.fromkeys(parameters, 0.5))
    leaves = [np.array(parameters[field.name]) for field in dataclasses.fields(kind)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)
