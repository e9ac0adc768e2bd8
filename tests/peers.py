"""The frameworks that ports translate from: how tests import them, and compare with them."""

import importlib
import importlib.util
import sys
import types
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import settings

import anneal_jax as anneal
from tests.numpy_eval import evaluate

COUNT = 192  # of steps, at most: one shape for all, so that schedules share their programs
# The schedules of Transformers by their names, each with what is its own.
TRANSFORMERS: dict[str, dict[str, Any]] = {
    "linear": {},
    "cosine": {"num_cycles": 1.5},
    "cosine_with_restarts": {"num_cycles": 3},
    "polynomial": {"lr_end": 0.02, "power": 2.0},
    "constant": {},
    "constant_with_warmup": {},
    "inverse_sqrt": {"timescale": 7},
    "cosine_with_min_lr": {"min_lr": 0.02},
    "cosine_warmup_with_min_lr": {"min_lr": 0.02, "warmup_lr_rate": 0.1},
    "warmup_stable_decay": {"num_decay_steps": 12, "min_lr_ratio": 0.1},
}
parity = settings(max_examples=40, deadline=None)  # how often a port is compared


def peer(name: str, *, package: str | None = None) -> Any:
    """The module `name` of a framework; skips where it is not installed.

    With `package`, the top-level package that `name` is in, that package's own `__init__` is
    passed over: its schedulers need less than all of it does.
    """
    top = package or name.partition(".")[0]
    found = importlib.util.find_spec(top)
    if found is None:
        pytest.skip(
            f"{top} is not installed: pip install 'anneal_jax[ports]'", allow_module_level=True
        )
    if package is not None and package not in sys.modules:
        bare = types.ModuleType(package)
        bare.__path__ = list(found.submodule_search_locations or [])
        bare.__spec__ = found
        sys.modules[package] = bare
    return importlib.import_module(name)


@jax.jit
def _program(schedule: anneal.Schedule, steps: jax.Array) -> jax.Array:
    return jnp.vectorize(schedule.value_at)(steps)


def values(schedule: anneal.Schedule, count: int, x64: bool) -> np.ndarray:
    """The first values of a schedule, with x64 on or off whatever it is outside.

    NumPy computes them from the traced program: to compile one for each of the hundreds of
    structures that ports build took two thirds of the time. That XLA's programs give the same is
    promised by the contract tests of every kind of schedule; of ports, the doctests and the
    tests of quirks run compiled ones.
    """
    with jax.enable_x64(x64):
        steps = np.minimum(np.arange(COUNT), count - 1).astype(np.int64 if x64 else np.int32)
        return evaluate(_program, schedule, steps).astype(np.float64)[:count]


def value_at(schedule: anneal.Schedule, step: int) -> np.ndarray:
    """One value in double precision, computed likewise."""
    with jax.enable_x64(True):
        return evaluate(_program, schedule, np.asarray(max(step, 0), np.int64))


def assert_parity(
    schedule: anneal.Schedule, wanted: Sequence[float], peak: float | None = None
) -> None:
    """The schedule's values from step 0 on are `wanted`.

    To 1e-6 of the peak in float32, to 1e-12 of it in float64.
    """
    reference = np.asarray(wanted, np.float64)
    assert reference.ndim == 1
    assert 0 < len(reference) <= COUNT
    peak = float(np.abs(reference).max()) if peak is None else peak
    for x64, tolerance in ((False, 1e-6), (True, 1e-12)):
        got = values(schedule, len(reference), x64)
        error = np.abs(got - reference)
        worst = int(np.argmax(error))
        assert error[worst] <= tolerance * peak, (
            f"x64={x64}, step {worst}: {got[worst]!r}, wanted {reference[worst]!r}"
        )
