"""SIGTERM is how clusters say that a machine is about to be taken away."""

import signal
import threading
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils


class Preempted(Exception):
    """The run was asked to end, and has: what it has made so far is in a checkpoint."""


class Preemption:
    """Takes note of SIGTERM inside its `with`, where a step that has begun is finished first."""

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> "Preemption":
        if threading.current_thread() is threading.main_thread():  # elsewhere it is not allowed
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._before)

    def _note(self, *signal: Any) -> None:
        self._asked = True

    def asked(self) -> bool:
        """Whether it has come, to this process or to any other: all end after the same step."""
        if jax.process_count() == 1:
            return self._asked
        return bool(multihost_utils.process_allgather(np.array(self._asked)).any())
