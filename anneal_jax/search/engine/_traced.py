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
from ._data import misfit, strong
from ._plans import by_name
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


def traced_init(owner: str, training: Training, *args: Any) -> Traced:
    """From a plan and a seed to a state, as strongly typed arrays."""

    def init(plan: Any, seed: Any) -> Any:
        state = training.init(plan, jax.random.key(seed))
        if (found := misfit(state)) is not None:
            rule = f"a function to a state of arrays and numbers{found[0]}"
            remedy = "keep what is no data out of the state (equinox.partition, for instance)"
            _checks.fail(owner, "init", rule, found[1], remedy)
        return jax.tree.map(strong, state)

    return Traced(init, *args)


def traced_step(owner: str, training: Training, state: Any, batch: Any) -> Traced:
    """The step of a state that has the types which the step leaves as they are.

    A plain loop of a step that changes types (bfloat16 parameters by a float32 rate) has the new
    ones from its second step on; here all steps have them.
    """
    found = set()
    while True:
        traced = Traced(_checked_step(owner, training), state, batch)
        new = jax.tree.map(_abstract, traced.out[0])
        if _types(new) == _types(state):
            return traced
        _require_settling(owner, state, new, found)
        state = new


def _require_settling(owner: str, state: Any, new: Any, found: set[Any]) -> None:
    """Require types that can become those of `new`, which no state had before."""
    found.add(_types(state))
    pairs = list(zip(_types(state), _types(new), strict=True))
    lossy = [(x, y) for x, y in pairs if _kind(x) > _kind(y)]
    if lossy or _types(new) in found:
        x, y = next((x, y) for x, y in lossy or pairs if x != y)
        rule = "a function to a state of the types of the one it gets"
        _checks.fail(owner, "step", rule, f"{y} for {x}", "cast what it returns")


def _kind(dtype: Any) -> int:
    """Which numbers a type has: truth values, whole, real or complex ones; keys have no number."""
    kinds = (jnp.bool_, jnp.integer, jnp.floating, jnp.complexfloating, jax.dtypes.extended)
    return next(k for k, kind in enumerate(kinds) if jnp.issubdtype(dtype, kind))


def _types(state: Any) -> tuple[Any, ...]:
    return tuple(x.dtype for x in jax.tree.leaves(state))


def _abstract(x: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype)  # strongly typed


def _checked_step(owner: str, training: Training) -> Callable[[Any, Any], Any]:
    """The step with the loss as float32 and a state of unchanging structure."""

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
        _require_same_shapes(owner, state, new)
        return jax.tree.map(strong, new), jnp.asarray(loss).astype(jnp.float32)

    return step


def traced_score(owner: str, evaluate: Callable[[Any], Any], state: Any) -> Traced:
    """`evaluate`, required to return one scalar."""

    def score(state: Any) -> Any:
        value = evaluate(state)
        if misfit(value) is not None or jax.tree.map(jnp.shape, value) != ():
            rule = "a function from a state to one scalar"
            _checks.fail(owner, "evaluate", rule, value, "return the held-out loss alone")
        return value

    return Traced(score, state)


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


def _require_same_shapes(owner: str, state: Any, new: Any) -> None:
    old_shapes, new_shapes = (jax.tree.map(jnp.shape, x) for x in (state, new))
    if jax.tree.structure(state) != jax.tree.structure(new) or old_shapes != new_shapes:
        rule = "a function to a state of the structure and shapes of the one it gets"
        remedy = "return the same tree, with new values"
        got = jax.tree.leaves(new_shapes, is_leaf=lambda x: isinstance(x, tuple))
        _checks.fail(owner, "step", rule, got, remedy)
