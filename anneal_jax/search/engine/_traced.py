"""A function as a jaxpr: traced once, its closure an argument, its use of arguments known."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend import core


class Traced:
    """A function as a jaxpr; what it closed over is in `consts`, to be passed as an argument."""

    def __init__(self, function: Callable[..., Any], *args: Any):
        closed, self.out = jax.make_jaxpr(function, return_shape=True)(*args)
        self.jaxpr, self.consts = closed.jaxpr, closed.consts

    def __call__(self, consts: Any, *args: Any) -> Any:
        closed = core.ClosedJaxpr(self.jaxpr, consts)
        flat = core.jaxpr_as_fun(closed)(*jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(self.out), flat)

    def uses(self, arguments: Sequence[int]) -> bool:
        """Whether it computes anything from some of its flat arguments.

        To return one as it is, is no use of it; nor is to pass it to a jitted function that
        makes no use of it.
        """
        return _used(self.jaxpr, [self.jaxpr.invars[k] for k in arguments])

    def passes_on(self, arguments: Sequence[int]) -> list[int]:
        """Which of its flat results are some of its arguments as they are."""
        return _passed(self.jaxpr, [self.jaxpr.invars[k] for k in arguments])


def _used(jaxpr: Any, variables: list[Any]) -> bool:
    variables = list(variables)
    for equation in jaxpr.eqns:
        at = [k for k, v in enumerate(equation.invars) if _among(v, variables)]
        if not at:
            continue
        if equation.primitive.name not in _CALLS:
            return True
        inner = equation.params["jaxpr"].jaxpr
        given = [inner.invars[k] for k in at]
        if _used(inner, given):
            return True
        variables += [equation.outvars[k] for k in _passed(inner, given)]
    return False


def _passed(jaxpr: Any, variables: list[Any]) -> list[int]:
    return [k for k, v in enumerate(jaxpr.outvars) if _among(v, variables)]


def _among(variable: Any, variables: list[Any]) -> bool:
    # By identity: literals, which are equal to each other, have no hash.
    return any(variable is v for v in variables)


_CALLS = ("jit", "pjit")  # the name of `jax.jit`'s primitive, in newer and in older JAX
