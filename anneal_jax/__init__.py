"""Learning-rate schedules for JAX that are values, not closures."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anneal_jax import laws as laws, ports as ports, search as search, theory as theory
    from anneal_jax._public import *  # noqa: F403  (the list of names)


if not TYPE_CHECKING:  # else a checker would take any name

    def __getattr__(name: str) -> Any:
        """Imports what is named where it is first used: the command line's help needs no JAX."""
        match name:
            case "laws":
                import anneal_jax.laws
            case "ports":
                import anneal_jax.ports
            case "search":
                import anneal_jax.search
            case "theory":
                import anneal_jax.theory  # noqa: F401  (each enters itself into this module)
            case "Scale":
                from anneal_jax._deprecated import warn

                warn("anneal_jax.Scale", "anneal_jax.TimeScale")
                return __getattr__("TimeScale")
            case _:
                _bring_in(name)
        return globals()[name]  # put there by the import

    def _bring_in(name: str) -> None:
        """All names of `_public`, among them `name`."""
        if not name.startswith("_") or name == "__version__":
            import anneal_jax._public

            public = vars(anneal_jax._public).items()
            here = globals()
            here |= {n: x for n, x in public if n[0] != "_" or n == "__version__"} | here
        if name not in globals():
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        _bring_in("Schedule")
        return sorted({*globals(), "laws", "ports", "search", "theory"})
