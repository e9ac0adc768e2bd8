"""The size, compile time and speed of a schedule's program, for 2 cycles and for 1,000."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

import anneal_jax as anneal
from benchmarks.measure import compile_seconds, cpu_seconds, equations

STEPS = 100_000


def ours(cycles: int) -> Callable:
    """Cosine restarts with a warmup and a decaying peak."""
    return anneal.cosine_restarts(1.0, 100, cycles, value_factor=0.999, warmup_steps=10)


def segments(count: int) -> Callable:
    """Like segments of different lengths."""
    return anneal.join([anneal.Cosine(1.0, 0.0, 100 + i) for i in range(count)])


def growing(cycles: int) -> Callable:
    """Cosine restarts whose cycles grow."""
    return anneal.cosine_restarts(
        1.0, 100, cycles, steps_factor=1.001, value_factor=0.999, warmup_steps=10
    )


def optax_sgdr(cycles: int) -> Callable:
    """Optax's cosine restarts."""
    cycle = {"init_value": 0.0, "peak_value": 1.0, "decay_steps": 100, "warmup_steps": 10}
    return optax.sgdr_schedule([cycle] * cycles)


def scan_microseconds(schedule: Callable) -> float:
    """Time per step of a scan that evaluates the schedule, the fastest of five."""

    @jax.jit
    def run(first: jax.Array) -> jax.Array:
        def body(carry: tuple, _: None) -> tuple:
            step, total = carry
            return (step + 1, total + schedule(step)), None

        return jax.lax.scan(body, (first, jnp.float32(0)), None, length=STEPS)[0][1]

    cpu_seconds(lambda: run(jnp.int32(0)))
    return min(cpu_seconds(lambda: run(jnp.int32(0))) for _ in range(5)) / STEPS * 1e6


def build_seconds(make: Callable) -> float:
    """Processor time to build a schedule, the fastest of three."""
    return min(cpu_seconds(make) for _ in range(3))


def rows() -> list[tuple[str, str, str]]:
    """(what, figure, goal) for the report."""
    step = jnp.int32(7)
    constant = compile_seconds(anneal.Constant(1.0), step)
    nested = anneal.cosine_restarts(1.0, 9, 3, steps_factor=2)
    found = [
        ("1,000 growing restarts: build", f"{build_seconds(lambda: growing(1000)):.4f} s", "0.1 s"),
        (
            "20 restarts of growing restarts: build",
            f"{build_seconds(lambda: nested.repeat(20, 1.001)):.4f} s",
            "0.1 s",
        ),
    ]
    makers = {
        "restarts": (ours, 1000),
        "growing restarts": (growing, 1000),
        "like segments": (segments, 1000),
        "Optax sgdr_schedule": (optax_sgdr, 100),
    }
    for name, (make, many) in makers.items():
        few_, many_ = make(2), make(many)
        size = equations(few_, step), equations(many_, step)
        speed = scan_microseconds(few_), scan_microseconds(many_)
        compiled = compile_seconds(many_, step) - constant
        goals = ("1.1x", "0.1 s", "2x") if "Optax" not in name else ("", "", "")
        label = f"{many:,} {name}"
        found += [
            (f"{label}: equations, over 2", f"{size[1] / size[0]:.2f}x ({size[1]})", goals[0]),
            (f"{label}: compile beyond a constant's", f"{compiled:.3f} s", goals[1]),
            (
                f"{label}: time per scanned step, over 2",
                f"{speed[1] / speed[0]:.2f}x ({speed[1]:.3f} us)",
                goals[2],
            ),
        ]
    return found
