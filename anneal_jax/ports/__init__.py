"""Schedules of other frameworks, in one line each, under their own names.

A port is a thin translation: it takes the framework's arguments (without the optimizer, with
the rate that the framework takes from it) and builds core schedules. It holds no formula but the
framework's rounding: where a float logarithm puts a restart, a float32 sum a joint, a seed a
draw of noise. None of the frameworks is imported, and each port only when it is used.

Two modes, the same everywhere: `exact=True`, the default, gives what the framework gives at
every step it defines, quirks included, and then goes on as its docstring says. `exact=False`
gives what the author of the recipe meant: no rise after the end, restarts where they belong,
the peak reached. Where a framework has no quirks the two are one. Tables of the quirks are in
`docs/coming_from_*.md`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anneal_jax.ports import (
        composer as composer,
        fastai as fastai,
        jax_trainers as jax_trainers,
        keras as keras,
        optax as optax,
        timm as timm,
        torch as torch,
        transformers as transformers,
    )

_PORTS = (
    "composer",
    "fastai",
    "jax_trainers",
    "keras",
    "optax",
    "timm",
    "torch",
    "transformers",
)


if not TYPE_CHECKING:  # else a checker would take any name

    def __getattr__(name: str) -> Any:
        """Imports a port where it is first used: all eight take 50 ms."""
        match name:
            case "composer":
                import anneal_jax.ports.composer
            case "fastai":
                import anneal_jax.ports.fastai
            case "jax_trainers":
                import anneal_jax.ports.jax_trainers
            case "keras":
                import anneal_jax.ports.keras
            case "optax":
                import anneal_jax.ports.optax
            case "timm":
                import anneal_jax.ports.timm
            case "torch":
                import anneal_jax.ports.torch
            case "transformers":
                import anneal_jax.ports.transformers  # noqa: F401  (each enters itself here)
            case _:
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals()[name]  # put there by the import


def __dir__() -> list[str]:
    return sorted({*globals(), *_PORTS})
