"""Measuring on a shared, noisy machine: one core, alternate A and B, compare medians."""

import math
import os
import statistics
import time
from collections.abc import Callable

import jax


def pin_to_one_core() -> None:
    """Keep this process, and the threads XLA will start, on one core (where Linux allows it).

    Call it before JAX starts its thread pool, i.e. before the first computation.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def missed(value: float, low: float = -math.inf, high: float = math.inf, tried: str = "") -> str:
    """Nothing where a figure meets its goal; else by how much not, and what was tried."""
    by = max(low - value, value - high)
    return f" (missed by {by:.2g}{tried and '; tried: ' + tried})" if by > 0 else ""


def cpu_seconds(run: Callable[[], object]) -> float:
    """Processor time of one call, all threads; what other processes do does not count."""
    begin = time.process_time()
    jax.block_until_ready(run())
    return time.process_time() - begin


def wall_seconds(run: Callable[[], object]) -> float:
    """Time of one call until its result is there: for accelerators, whose work no CPU time has."""
    begin = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - begin


def alternate(
    a: Callable[[], object],
    b: Callable[[], object],
    rounds: int,
    seconds: Callable[[Callable[[], object]], float] = cpu_seconds,
    enough: Callable[[], bool] = lambda: False,
) -> tuple[float, float, float]:
    """Median seconds of `a` and of `b`, and the median of their ratios round by round.

    After a round no other begins once there is `enough`.
    """
    seconds(a), seconds(b)  # warm
    pairs = []
    for i in range(rounds):
        if pairs and enough():
            break
        order = (a, b) if i % 2 == 0 else (b, a)
        times = [seconds(f) for f in order]
        pairs.append(tuple(times if i % 2 == 0 else reversed(times)))
    first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
    return first, second, statistics.median(x / y for x, y in pairs)


def equations(function: Callable, *args: object) -> int:
    """Equations in the jaxpr of `function`, nested ones included."""

    def count(jaxpr: jax.extend.core.Jaxpr) -> int:
        inner = (jax.extend.core.jaxprs_in_params(e.params) for e in jaxpr.eqns)
        return len(jaxpr.eqns) + sum(count(j) for js in inner for j in js)

    return count(jax.make_jaxpr(function)(*args).jaxpr)


def compile_seconds(function: Callable, *args: object) -> float:
    """Processor time to trace, lower and compile, the fastest of five fresh starts."""
    times = []
    for _ in range(5):
        jax.clear_caches()
        begin = time.process_time()
        jax.jit(lambda *a: function(*a)).lower(*args).compile()
        times.append(time.process_time() - begin)
    return min(times)
