"""Strictness around everything that is ours, and what all tests share.

A module that runs foreign code which needs JAX's own promotion rules overrides the fixture
`strict` with one of the same name.
"""

import ctypes
import gc
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import jax
import pytest

# Read when the first array is made: an accelerator in the machine stays out of it.
jax.config.update("jax_platforms", "cpu")

# What one process has compiled, no other does again: neither a worker nor a child process, nor
# the next run, nor this one after letting go of it. What is kept is found by its program, options
# and versions, so nothing stale is met.
COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "compiled"
MOST_COMPILED = 1 << 29  # bytes: beyond them a run begins anew
KEPT = {
    "JAX_COMPILATION_CACHE_DIR": str(COMPILED),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}
if KEPT.keys().isdisjoint(os.environ):
    os.environ.update(KEPT)  # for child processes
    jax.config.update("jax_compilation_cache_dir", str(COMPILED))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)

pytest.register_assert_rewrite("tests.cases", "tests.stateful")

from tests.cases import Case  # noqa: E402  (after the line above, to be rewritten by it)
from tests.compiling import compile_quickly  # noqa: E402
from tests.table import CASES  # noqa: E402

_SETTINGS = {
    "deadline": None,  # a first call compiles
    "database": None,
    "print_blob": True,
    "suppress_health_check": [hypothesis.HealthCheck.too_slow],
}
hypothesis.settings.register_profile("fixed", derandomize=True, **_SETTINGS)
hypothesis.settings.register_profile("explore", max_examples=2000, **_SETTINGS)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


MEMORY = 19 << 26  # bytes in use, in one process, above which compiled programs are let go
MARGIN = 1 << 28  # bytes that may come on top of what did not go, before the next attempt


def _resident() -> int:
    """Bytes of memory that this process holds; where only the most it ever held is known, that."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "win32":
        return 0  # nothing in the standard library says it
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


# Tracing makes many objects and few cycles of them; collecting as seldom as this spares an eighth
# of the time of all tests.
gc.set_threshold(100_000, 50, 50)


class Memory:
    """Lets go of compiled programs between tests, once they fill the memory.

    JAX keeps each until the process ends. What a fixture shares is compiled again where it is
    called next; within a test nothing goes, so that a test may count compilations.
    """

    def __init__(self) -> None:
        self.limit = MEMORY

    def pytest_runtest_logfinish(self) -> None:
        if _resident() <= self.limit:
            return
        jax.clear_caches()
        gc.collect()
        if sys.platform == "linux":  # freed memory goes back to the system when glibc is told to
            getattr(ctypes.CDLL(None), "malloc_trim", bool)(0)
        self.limit = max(MEMORY, _resident() + MARGIN)


def pytest_configure(config: pytest.Config) -> None:
    """Watch over the doctests too, which hooks of this file's own would not see."""
    config.pluginmanager.register(Memory(), "memory")
    if not hasattr(config, "workerinput") and _size(COMPILED) > MOST_COMPILED:
        shutil.rmtree(COMPILED)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*"))


PEERS = ("torch", "transformers", "timm", "keras", "fastai", "composer")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in one line which comparisons with other frameworks were not made."""
    absent = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if absent:
        names = ", ".join(absent)
        line = f"not compared with {names}: not installed, see CONTRIBUTING.md, To add a port"
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """No implicit promotion of dtypes or ranks."""
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(autouse=True, scope="module")
def optimization(request: pytest.FixtureRequest) -> None:
    """Optimize programs only in modules marked `optimized`, which hold numbers to the last digits.

    Compiling is most of what the others cost, and `tests/compiling.py` makes it cheap for them.
    """
    compile_quickly(request.node.get_closest_marker("optimized") is None)


@pytest.fixture(params=CASES, ids=[case.name for case in CASES], scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    """Every case in turn; tests of one case run together, so that they share what is compiled."""
    return request.param
