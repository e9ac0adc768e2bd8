"""How one member of a population trains: two pure functions.

`init(plan, key)` makes the state of a member whose plan is a schedule (or a dictionary of
schedules and numbers); `step(state, batch)` takes one optimizer step. The plan is an argument,
never a closure: so one compiled program trains members with different plans.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import PyTree

from ... import _checks
from ..._types import Array, RealScalarLike
from ...schedules._schedule import Schedule
from ...transforms import InjectHyperparamsState, with_schedules
from ...transforms._states import find

PlanLike: TypeAlias = Schedule | Mapping[str, Schedule | RealScalarLike | Array | np.ndarray]
"""What a member trains with: a schedule, or schedules and numbers by name."""


class LossState(NamedTuple):
    """State of a member of `Training.from_loss`.

    Attributes:
      plan: the member's schedule, or its dictionary of schedules and numbers.
      params: its parameters.
      opt_state: the state of its optimizer.
      key: random key of the next step, where the loss takes keys; else None.
    """

    plan: PlanLike
    params: PyTree
    opt_state: optax.OptState
    key: Array | None


class Training(NamedTuple):
    """How one member of a population trains.

    Two builders cover most uses: `from_loss` (a loss, an optimizer, parameters) and `from_step`
    (a train step that is there already).

    Args:
      init: function from a plan and a random key (`jax.random.key`) to a state, any pytree.
      step: function from a state and a batch to the next state and the loss of the step, a scalar
        (or a dictionary of scalars, one of them `"loss"`).
      begin: optimizer step that new states stand at; above 0 in the middle of a run.

    Example:
        >>> import anneal_jax as anneal, jax, jax.numpy as jnp, optax
        >>> def init(schedule, key):
        ...     return schedule, jnp.int32(0), jnp.ones(3)
        >>> def step(state, batch):
        ...     schedule, count, w = state
        ...     loss, slope = jax.value_and_grad(lambda w: jnp.sum((w - batch) ** 2))(w)
        ...     return (schedule, count + 1, w - schedule(count) * slope), loss
        >>> training = anneal.search.Training(init, step)
    """

    init: Callable[[Any, Array], PyTree]
    step: Callable[[Any, Any], tuple[PyTree, Any]]
    begin: int = 0

    @classmethod
    def from_loss(
        cls,
        loss: Callable[..., RealScalarLike],
        optimizer: Callable[..., optax.GradientTransformation],
        params: PyTree | Callable[[Array], PyTree],
        *,
        keyed: bool = False,
    ) -> "Training":
        """Training by gradients of a loss.

        Args:
          loss: function `loss(params, batch)` to a scalar; with `keyed`,
            `loss(params, batch, key)`.
          optimizer: function from a member's schedule to an optimizer: `optax.adamw`, or
            `lambda schedule: optax.chain(optax.clip(1.0), optax.sgd(schedule))`. A plan that is a
            dictionary is passed as keywords; `anneal_jax.inject_hyperparams(...)` takes schedules
            for all of them.
          params: initial parameters of all members, or a function from a random key to the
            initial parameters of one.
          keyed: whether the loss takes a random key (for dropout, say).

        Returns:
          A `Training` whose states are `LossState(plan, params, opt_state, key)`.

        Raises:
          ValueError: if `optimizer` is no function; later, if the loss is no scalar.

        Example:
            >>> import anneal_jax as anneal, jax.numpy as jnp, optax
            >>> def loss(w, batch):
            ...     return jnp.mean((w - batch) ** 2)
            >>> training = anneal.search.Training.from_loss(loss, optax.adamw, jnp.zeros(3))
        """
        if not callable(optimizer):
            rule = "a function from a schedule to an optimizer"
            remedy = "pass optax.adamw itself, or lambda schedule: optax.adamw(schedule)"
            got = type(optimizer).__name__
            _checks.fail("Training.from_loss", "optimizer", rule, got, remedy)
        _checks.flag("Training.from_loss", "keyed", keyed)

        def built(plan: Any) -> optax.GradientTransformationExtraArgs:
            if isinstance(plan, dict):
                require_keywords("Training.from_loss", "optimizer", optimizer, plan)
            tx = optimizer(**plan) if isinstance(plan, dict) else optimizer(plan)
            return optax.with_extra_args_support(tx)

        def init(plan: Any, key: Array) -> LossState:
            first, rest = jax.random.split(key)
            start: Any = params(first) if callable(params) else params
            return LossState(plan, start, built(plan).init(start), rest if keyed else None)

        def step(state: LossState, batch: Any) -> tuple[LossState, Array]:
            plan, start, opt_state, key = state
            extra = ()
            if key is not None:
                key, now = jax.random.split(key)
                extra = (now,)
            value, grads = jax.value_and_grad(_scalar(loss))(start, batch, *extra)
            updates, opt_state = built(plan).update(grads, opt_state, start, value=value)
            return LossState(plan, optax.apply_updates(start, updates), opt_state, key), value

        return cls(init, step)

    @classmethod
    def from_step(cls, step: Callable[[Any, Any], tuple[PyTree, Any]], state: PyTree) -> "Training":
        """Training by an existing train step, jitted or not.

        Its optimizer holds its schedules in the state (`anneal_jax.inject_hyperparams`,
        `scale_by_learning_rate`, `partition_by_path`, ...): a plan replaces them there. A plan
        that is a schedule is the learning rate's; a dictionary goes by the names that
        `anneal_jax.hyperparams` gives. All members start from copies of `state`, which is left
        as it is.

        Args:
          step: function from a state and a batch to the next state and the loss.
          state: any pytree with the parameters and the optimizer state: a tuple, a Flax
            `TrainState`.

        Returns:
          A `Training` whose states are like `state`; its `begin` is the optimizer's count.

        Raises:
          ValueError: if no optimizer in `state` holds a schedule.

        Example:
            >>> import anneal_jax as anneal, jax, jax.numpy as jnp, optax
            >>> tx = anneal.inject_hyperparams(optax.sgd)(learning_rate=0.1)
            >>> @jax.jit
            ... def step(state, batch):
            ...     w, opt_state = state
            ...     loss, slope = jax.value_and_grad(lambda w: jnp.sum((w - batch) ** 2))(w)
            ...     updates, opt_state = tx.update(slope, opt_state, w)
            ...     return (optax.apply_updates(w, updates), opt_state), loss
            >>> state = (jnp.zeros(3), tx.init(jnp.zeros(3)))
            >>> training = anneal.search.Training.from_step(step, state)
        """
        links = [s for _, s in find(state, lambda x: isinstance(x, InjectHyperparamsState))]
        if not links:
            remedy = "build the optimizer with anneal_jax.inject_hyperparams, or use from_loss"
            rule, got = "one that holds schedules", type(state).__name__
            _checks.fail("Training.from_step", "state", rule, got, remedy)

        def init(plan: Any, key: Array) -> Any:
            del key
            return with_schedules(state, **(plan if isinstance(plan, dict) else _rate(plan)))

        return cls(init, step, max(int(jnp.max(link.count)) for link in links))


def require_training(owner: str, training: Any) -> None:
    """Require a `Training` of two functions."""
    fits = isinstance(training, Training) and callable(training.init) and callable(training.step)
    if not fits:
        remedy = "build it with Training.from_loss or Training.from_step"
        rule = "a Training of two functions, init and step"
        _checks.fail(owner, "training", rule, type(training).__name__, remedy)


def require_keywords(owner: str, name: str, function: Callable[..., Any], words: Any) -> None:
    """Require that a function takes those keywords, and can do without others."""
    try:
        inspect.signature(function).bind(**dict.fromkeys(words))
    except TypeError as error:
        rule = f"a function of the keywords {sorted(words)}"
        remedy = "use the names of its arguments"
        _checks.fail(owner, name, rule, str(error), remedy)
    except ValueError:  # of what has no signature to look at
        return


def _rate(plan: Any) -> dict[str, Any]:
    return {"learning_rate": plan}


def _scalar(loss: Callable[..., Any]) -> Callable[..., Any]:
    """`loss`, required to return a scalar."""

    def checked(*args: Any) -> Any:
        value = loss(*args)
        if jnp.ndim(value) if hasattr(value, "dtype") else not isinstance(value, float):
            rule = "a function that returns one scalar"
            got = jax.tree.map(jnp.shape, value)
            remedy = "return the mean loss of the batch alone"
            _checks.fail("Training.from_loss", "loss", rule, got, remedy)
        return value

    return checked
