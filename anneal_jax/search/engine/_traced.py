"""The user's functions as jaxprs, and what is required of them.

A function is traced once: what it closes over becomes an argument, and its equations tell which
of its arguments it uses.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from ... import _checks
from ._plans import by_name, is_key
from ._training import Training


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


def checked_step(owner: str, training: Training) -> Callable[[Any, Any], Any]:
    """The step with the loss as float32 and a state of unchanging structure and types."""

    def step(state: Any, batch: Any) -> Any:
        out = training.step(state, batch)
        if not isinstance(out, tuple) or len(out) != 2:
            got = type(out).__name__
            remedy = "end it with `return state, loss`"
            _checks.fail(owner, "step", "a function to (state, loss)", got, remedy)
        new, loss = out
        loss = loss.get("loss") if isinstance(loss, dict) else loss
        if not _is_scalar(loss):
            rule = "a function that returns the loss, one scalar, beside the state"
            got = jax.tree.map(jnp.shape, loss)
            _checks.fail(owner, "step", rule, got, "end it with `return state, loss`")
        return _like(owner, state, new), jnp.asarray(loss).astype(jnp.float32)

    return step


def require_score(owner: str, evaluate: Traced | None) -> None:
    """Require that `evaluate` returns one scalar."""
    if evaluate is not None and jax.tree.map(jnp.shape, evaluate.out) != ():
        rule, got = "a function from a state to one scalar", evaluate.out
        _checks.fail(owner, "evaluate", rule, got, "return the held-out loss alone")


def require_plan_used(owner: str, plan: Any, init: Traced, step: Traced) -> None:
    """Require that all of a plan has a say: a step that closes over a schedule never looks at it.

    `init` takes the plan first, and `step` the state that `init` makes.
    """
    first = 0
    for name, part in by_name(plan).items():  # (in the order of the leaves)
        leaves = range(first, first + len(jax.tree.leaves(part)))
        first = leaves.stop
        if leaves and not (init.uses(leaves) or step.uses(init.passes_on(leaves))):
            what = f"plan's {name!r}" if name else "schedule"
            raise ValueError(
                f"{owner}: training must use the {what} it is given, got one that ignores it (a "
                "schedule that the step closes over is the same for all members); build the "
                "optimizer from the argument, as in lambda schedule: optax.adamw(schedule)."
            )


def _is_scalar(x: Any) -> bool:
    return hasattr(x, "dtype") and x.shape == () and jnp.issubdtype(x.dtype, jnp.floating)


def _like(owner: str, state: Any, new: Any) -> Any:
    """`new` with the types of `state`; its structure and shapes must be the same."""
    old_shapes, new_shapes = (jax.tree.map(jnp.shape, x) for x in (state, new))
    if jax.tree.structure(state) != jax.tree.structure(new) or old_shapes != new_shapes:
        rule = "a function to a state of the structure and shapes of the one it gets"
        remedy = "return the same tree, with new values"
        got = jax.tree.leaves(new_shapes, is_leaf=lambda x: isinstance(x, tuple))
        _checks.fail(owner, "step", rule, got, remedy)
    return jax.tree.map(lambda x, y: y if is_key(x) else jnp.asarray(y).astype(x.dtype), state, new)
