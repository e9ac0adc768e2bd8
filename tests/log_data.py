"""The run that every log of `tests/data` holds, and how the tests read it."""

import warnings
from pathlib import Path

import numpy as np

from anneal_jax.laws import Log, read_log

DATA = Path(__file__).parent / "data"
STEPS = np.arange(10, 101, 10)
RATES = np.round(1e-3 * (1 - STEPS / 100) + 1e-5, 7)
LOSSES = np.round(2 + np.exp(-STEPS / 50), 4)
TABLE = "step,lr,loss\n0,0.1,3\n10,0.1,2\n"  # another one


def read(path: Path, **names: str) -> Log:
    """Without its warnings, which `notes` has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return read_log(path, **names)
