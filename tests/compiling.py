"""How tests compile: quickly, for a test runs its programs a few times and pays for compiling."""

import functools
import os
from typing import Any

import jax
from jax._src import compiler  # private: without the name used below tests are slower, not wrong

# Each operation is written by XLA's plain emitter, and in one piece: half the time of compiling.
OPTIONS = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 1}
PLAIN = getattr(compiler, "get_compile_options", None)


@functools.cache
def known_options() -> dict[str, Any]:
    """Those of them that this XLA has: they are no part of JAX's API."""

    def known(name: str) -> bool:
        try:
            jax.jit(lambda: 0, compiler_options={name: OPTIONS[name]})()
        except jax.errors.JaxRuntimeError:
            return False
        return True

    return {name: value for name, value in OPTIONS.items() if known(name)}


def _with_options(*args: Any, env_options_overrides: Any = None, **options: Any) -> Any:
    """What JAX asks of XLA for each program, also for one operation outside of `jax.jit`."""
    assert PLAIN is not None
    overrides = known_options() | dict(env_options_overrides or {})
    return PLAIN(*args, env_options_overrides=overrides, **options)


def compile_quickly(quick: bool) -> None:
    """Turn optimization off or on, in this process and for the child processes that it starts."""
    if jax.config.read("jax_disable_most_optimizations") == quick:
        return
    flags = [f"--{name}={str(value).lower()}" for name, value in known_options().items()]
    others = [flag for flag in os.environ.get("XLA_FLAGS", "").split() if flag not in flags]
    # Read by this process when it began; an XLA that does not know a flag would not start.
    os.environ["XLA_FLAGS"] = " ".join([*others, *flags] if quick else others)
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = str(quick)
    jax.config.update("jax_disable_most_optimizations", quick)
    if PLAIN is not None:
        compiler.get_compile_options = _with_options if quick else PLAIN
    jax.clear_caches()  # what is compiled already would be called either way
