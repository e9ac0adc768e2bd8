"""What a case is: a schedule, how to build it from numbers given by name, and its reference.

Tracers can be passed in place of the numbers. The table itself, `CASES`, is in
`tests/table.py`.
"""

import math
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jax
import numpy as np

import anneal_jax as anneal
from tests import oracle as o

LARGEST = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Case:
    """One schedule: how to build it, its reference, and its hyperparameters."""

    name: str
    build: Callable[..., anneal.Schedule]
    plan: Callable[..., o.Plan]
    floats: dict[str, float]
    ints: dict[str, int] = field(default_factory=dict)
    rounded: tuple[str, ...] = ()  # floats that only set whole lengths: no derivative
    similar: bool = False  # to another case, in all but its numbers or the formula of a segment
    stretches: bool = True
    pickles: bool = True

    @property
    def numbers(self) -> dict[str, Any]:
        return self.floats | self.ints

    def schedule(self, **changed: Any) -> anneal.Schedule:
        return self.build(**self.numbers | changed) if changed else _built(self)

    def reference(self, **changed: Any) -> o.Plan:
        return self.plan(**self.numbers | changed)


@cache
def _built(case: Case) -> anneal.Schedule:
    """A case's own schedule, which is a value: built once."""
    return case.build(**case.numbers)


COUNT = 96  # of steps to look at: the same for all cases, so that they share compiled operations


@cache
def points(case: Case) -> np.ndarray:
    """Steps to look at: the first ones, around boundaries, the last that counts, some between."""
    edges = sorted(case.reference().edges())
    edges = edges[:8] + edges[8:][-8:]
    rng = random.Random(zlib.crc32(case.name.encode()))
    found = {*range(12), *(abs(e + d) for e in edges for d in (-1, 0, 1)), LARGEST}
    near = [rng.randint(0, 2 * max(edges) + 8) for _ in range(2 * COUNT)]
    far = [10**6, 2**24 + 1, *(rng.randint(0, LARGEST) for _ in range(4))]
    for step in [*far, *(abs(e + d) for e in edges for d in (-2, 2)), *near, *range(2 * COUNT)]:
        if len(found) < COUNT:
            found.add(step)
    return np.array(sorted(found), np.int32)


@cache
def references(case: Case) -> tuple[list[o.Real], list[o.Real]]:
    """The reference values at `points(case)`, and the magnitudes that errors are relative to."""
    plan = case.reference()
    steps = points(case).tolist()
    return [plan.value(t) for t in steps], [plan.size(t) for t in steps]


def assert_close(got: Any, wanted: list[o.Real], sizes: list[o.Real] | None = None) -> None:
    """Relative error at most 1e-6; an exact zero where nothing but zero is right."""
    got = np.asarray(got)
    # Below the smallest normal number there is no relative accuracy to be had.
    normal = o.mp.mpf(float(np.finfo(got.dtype).tiny))
    assert got.shape == (len(wanted),)
    for index, (g, w, s) in enumerate(
        zip(got.tolist(), wanted, sizes or map(abs, wanted), strict=True)
    ):
        error = abs(o.mp.mpf(g) - w)
        small = normal if 0 < s < 2 * normal else 0
        assert math.isfinite(g), f"[{index}]: {g}, wanted {o.mp.nstr(w, 12)}"
        assert error <= 1e-6 * s + small, f"[{index}]: {g!r}, wanted {o.mp.nstr(w, 12)}"


def floating() -> type:
    """The type of every value: float64 with x64 on, else float32."""
    return np.float64 if jax.config.jax_enable_x64 else np.float32


def integer() -> type:
    """The type of every count: int64 with x64 on, else int32."""
    return np.int64 if jax.config.jax_enable_x64 else np.int32
