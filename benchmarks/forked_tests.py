"""Runs tests of a checkout's copy in a fork, so that nothing imported or compiled is left over.

What the tests need of others (JAX above all) is imported once, before; the copy itself and its
tests anew by every fork.
"""

import collections
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutations import functions

PREIMPORTED = ["jax", "numpy", "scipy", "optax", "equinox", "mpmath", "coverage"]
# What is no part of the core; a folder's name or a file's.
OTHERS = {"__init__", "_version", "_types", "_deprecated", "_exponential_sums", "_last_iterate"}
OTHERS |= {"laws", "transforms", "ports", "search", "theory", "ensemble", "plot", "cli"}


def core(tree: Path) -> list[Path]:
    """The files of the core, relative to the checkout."""
    found = [path.relative_to(tree) for path in sorted((tree / "anneal_jax").rglob("*.py"))]
    return [path for path in found if not OTHERS & {path.stem, *path.parts}]


def preimport() -> None:
    """Import what is not the copy's, once for all forks."""
    for name in PREIMPORTED:
        importlib.import_module(name)


class Recorder:
    """A pytest plugin: chooses and orders the tests; notes times, failures and functions."""

    def __init__(self, chosen: Sequence[str] | None, coverage: Any = None) -> None:
        self.order = None if chosen is None else {name: k for k, name in enumerate(chosen)}
        self.coverage, self.group = coverage, ""
        self.seconds: dict[str, float] = {}  # of CPU
        self.failed: list[str] = []
        self.groups: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        began = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - began
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.order is not None:
            kept = [item for item in items if item.nodeid in self.order]
            items[:] = sorted(kept, key=lambda item: self.order[item.nodeid])

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Tests of one case share what they trace, so they enter functions as a group."""
        case = getattr(item, "callspec", None) and item.callspec.params.get("case")
        name = case.name if case else getattr(item, "originalname", item.name)
        group = f"{item.nodeid.partition('::')[0]}::{name}"
        self.groups[item.nodeid] = group
        if self.coverage and group != self.group:
            self.group = group
            sys.modules["jax"].clear_caches()
            self.coverage.switch_context(group)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(f"collection of {report.nodeid}")


def files(copy: Path, names: Iterable[str]) -> list[str]:
    """The test files of these names, and the core's own for their doctests."""
    found = [p for name in names for p in sorted((copy / "tests").rglob(f"test_{name}.py"))]
    return [*(str(path.relative_to(copy)) for path in found), *map(str, core(copy))]


def _child(copy: Path, tests: list[str], recorder: Recorder, stop: bool) -> dict[str, Any]:
    """What pytest finds in the copy; in a process that has not imported it yet."""
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    out = os.open(copy.parent / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1), os.dup2(out, 2)
    options = ["-q", "-n0", "-pno:cacheprovider", "-Wignore::pytest.PytestAssertRewriteWarning"]
    if recorder.coverage:
        recorder.coverage.start()
    try:
        code = pytest.main([*options, *["-x"] * stop, *tests], plugins=[recorder])
    except BaseException as error:  # an interpreter that cannot even import it
        return {"failed": [f"{type(error).__name__} on the way"], "seconds": {}}
    failed = recorder.failed or ([f"exit code {code}"] if code else [])
    found = {"failed": failed, "seconds": recorder.seconds, "groups": recorder.groups}
    if recorder.coverage:
        recorder.coverage.stop()
        found["entered"] = _entered(copy, recorder.coverage.get_data())
    return found


def _entered(copy: Path, data: Any) -> dict[str, list[str]]:
    """The groups of tests that run a line of each function, by the function's file and name."""
    entered: dict[str, set[str]] = collections.defaultdict(set)
    for path in core(copy):
        groups = data.contexts_by_lineno(str(copy / path))
        for line, name in functions((copy / path).read_text()).items():
            entered[f"{path}:{name}"].update(group for group in groups.get(line, ()) if group)
    return {name: sorted(groups) for name, groups in entered.items()}


def run(
    copy: Path,
    tests: list[str],
    limit: float,
    chosen: Sequence[str] | None = None,
    measured: bool = False,
) -> dict[str, Any]:
    """Fork, run test files there, or up to the first failure those chosen of their tests.

    At most `limit` seconds of CPU. With `measured`, also which functions they enter.
    """
    result, began = copy.parent / "result.json", time.time()
    result.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 5))
        sys.dont_write_bytecode = not measured  # a stale one would hide the next mutant
        include = [str(copy / path) for path in core(copy)]
        coverage = sys.modules["coverage"].Coverage(data_file=None, include=include)
        recorder = Recorder(chosen, coverage if measured else None)
        found = _child(copy, tests, recorder, stop=chosen is not None)
        result.write_text(json.dumps(found))
        os._exit(0)
    _, status, usage = os.wait4(pid, 0)
    found = {"failed": ["a crash, or no end"], "seconds": {}}
    if status == 0:
        found = json.loads(result.read_text())
    return found | {"cpu": usage.ru_utime + usage.ru_stime, "wall": time.time() - began}
