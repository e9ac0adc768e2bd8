"""A saved optimizer state, carried into the optimizer that the code builds now.

Two trees are walked together, by the names of their parts, so the saved one need not be typed:
a checkpoint read without a target (nested dictionaries) serves, whatever plan is in it.
"""

from collections import Counter
from typing import Any, Literal, NoReturn, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from .. import _checks
from .._numerics import as_float
from ..schedules._schedule import Schedule
from ._cycles import Cycles
from ._follow import InjectHyperparamsState, Plan, is_injected, plan_for
from ._metrics import MetricRule, MetricScaleState
from ._paths import GroupRatesState
from ._states import is_holder, plain, put_where

_OWNER = "resume"
_NOTHING = None  # JAX's tree without leaves: what an absent part is
State = TypeVar("State")


def resume(saved: PyTree, built: State, *, plans: Literal["built", "saved"] = "built") -> State:
    """Go on from a saved optimizer state with the optimizer that the code builds now.

    A state holds its plans, so a restored one follows the saved schedules whatever the code
    says. This decides between the two: step count, moments and all else come from `saved`, the
    plans from where `plans` says. Plans are schedules, numbers such as a weight decay, cycles,
    and the options of metric-driven transformations.

    Neither need be ours: a state of Optax's `adamw(schedule)` or `inject_hyperparams` goes into
    one of `anneal_jax.inject_hyperparams`, and back.

    Args:
      saved: the state as it was restored: a state with plans of any structure, or the nested
        dictionaries that Orbax (`checkpointer.restore(path)`, without a target) and Flax
        (`msgpack_restore`) read where structures differ.
      built: what the code builds, `tx.init(params)`; or what has it as `opt_state` (a Flax
        `TrainState`; an `nnx.Optimizer`, which is changed in place).
      plans: whose plans go on: "built", those of the code, from the current step on; or
        "saved", those of the checkpoint, whose structure `built` must share.

    Returns:
      A state of the structure of `built`, placed as it is.

    Raises:
      ValueError: if something beside plans is in one and not in the other.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> adam = anneal.inject_hyperparams(optax.adam)
        >>> params = jnp.zeros(3)
        >>> saved = adam(anneal.Cosine(1e-3, 0.0, steps=10)).init(params)
        >>> tx = adam(anneal.warmup_stable_decay(1e-4, 0, 5, total_steps=20))  # edited since
        >>> state = anneal.resume(saved, tx.init(params))
        >>> updates, state = tx.update(params, state, params)
        >>> print(anneal.hyperparams(state)["learning_rate"])
        1e-04
    """
    _checks.nearest(_OWNER, "plans", plans, ("built", "saved"))
    fresh = plans == "built"
    if not is_holder(built):
        return carried(built, saved, fresh)
    holder: Any = built
    names = ("opt_state", "step")
    parts = {n: getattr(saved, n) for n in names} if is_holder(saved) else parts_of(saved)
    found = (
        {n: parts[n] for n in names if n in parts} if "opt_state" in parts else {names[0]: saved}
    )
    old = {name: getattr(holder, name) for name in found}
    carried(old, found, fresh)  # into its variables
    return built


def carried(built: Any, saved: Any, fresh: bool = False) -> Any:
    """`built` with the numbers of `saved`: with all of them, or without plans if `fresh`."""
    saved = plain(saved)
    return put_where(built, _carried(plain(built), saved, fresh, clock=_clock(saved)))


def _carried(built: Any, saved: Any, fresh: bool, place: str = "", clock: Any = _NOTHING) -> Any:
    """`built` with the numbers of `saved`, but for plans if `fresh`; `clock`: the saved step."""
    if fresh and _is_plan(built, place):
        return _copies(built)
    if is_injected(built):
        return _injected(built, saved, fresh, place, clock)
    if _was_injected(saved):
        parts = parts_of(saved)
        return _carried(built, parts["inner_state"], fresh, place, parts["count"])
    if isinstance(built, Schedule) and isinstance(saved, Schedule):
        _check_same_shape(built, saved, place)
    names, theirs = parts_of(built), parts_of(saved)
    if "" in names or "" in theirs:  # a leaf
        return _number(built, saved, place)
    for name in sorted(theirs.keys() - names.keys()):
        _check_no_loss(theirs[name], f"{place}/{name}")
    ticks = names.keys() == {"count"} and not jax.tree.leaves(saved)  # `ScaleByScheduleState`
    new = [
        _carried(part, clock if ticks else theirs.get(name), fresh, f"{place}/{name}", clock)
        for name, part in names.items()
    ]
    new = jax.tree.unflatten(_one_level(built)[1], new)
    if fresh and isinstance(built, MetricScaleState):
        new = new._replace(accumulation_size=jnp.array(built.accumulation_size))
    return new


def _is_plan(built: Any, place: str) -> bool:
    """Whether a part that is not of a hyperparameter says what to do, not what was done."""
    no_cycles = built is None and place.endswith("/cycles")
    return no_cycles or isinstance(built, Cycles | MetricRule | GroupRatesState)


def _was_injected(saved: Any) -> bool:
    """Whether it is a state of `inject_hyperparams`, typed or not."""
    untyped = isinstance(saved, dict) and {"count", "hyperparams", "inner_state"} <= saved.keys()
    return untyped or is_injected(saved)


def _injected(built: Any, saved: Any, fresh: bool, place: str, clock: Any) -> Any:
    """The state of `inject_hyperparams`, ours or Optax's, from one of them or from none."""
    if _was_injected(saved):
        parts = parts_of(saved)
    elif fresh:
        parts = {"inner_state": saved, "count": _step(saved, clock, place)}
    else:
        rule = "one with hyperparameters in it where plans is 'saved'"
        _refuse(place, rule, "one without", "leave plans at 'built'")

    def part(name: str, clock: Any = _NOTHING) -> Any:
        return _carried(getattr(built, name), parts.get(name), fresh, f"{place}/{name}", clock)

    if not fresh:
        return built._replace(**{name: part(name) for name in built._fields})
    count = part("count")
    state = built._replace(count=count, inner_state=part("inner_state", count))
    if isinstance(built, InjectHyperparamsState):
        return _replanned(state, parts_of(parts.get("hyperparams")))
    if "hyperparams_states" in built._fields:  # how far Optax's schedules are
        ticks = {
            k: _carried(x, _NOTHING, fresh, k, count) for k, x in built.hyperparams_states.items()
        }
        state = state._replace(hyperparams_states=ticks)
    return state._replace(hyperparams=_copies(built.hyperparams))


def _step(saved: Any, clock: Any, place: str) -> Any:
    """How many steps a state without hyperparameters has made, or what is around it."""
    step = _clock(saved)
    if step is None and clock is None:
        remedy = "put it into tx.init(params) by state._replace(count=..., inner_state=...)"
        _refuse(place, "a state that says how many steps were made", "one that does not", remedy)
    return clock if step is None else step


def _replanned(state: InjectHyperparamsState, used: dict[str, Any]) -> InjectHyperparamsState:
    """The state with the plans it was built with, from its count on; `used`: the last values."""
    plans, values = [], dict(state.hyperparams)
    for plan in state.schedules:
        fresh = plan_for(plan.name, plan.schedule, state.count)
        values[plan.name] = as_float(_unboxed(used.get(plan.name, fresh.value)))
        plans.append(Plan(fresh.schedule, values[plan.name], fresh.held, plan.name))
    # (Copies: no buffer may be in the state twice.)
    return state._replace(hyperparams=_copies(values), schedules=_copies(tuple(plans)))


def _clock(saved: Any) -> Any:
    """How many steps a state has made: what its schedules say, else all else that counts."""
    numbers = _numbers(saved)
    beneath = Counter(place[:n] for place, _, _ in numbers for n in range(len(place) + 1))
    counts = [(p, int(x)) for p, name, x in numbers if name == "count" and not jnp.ndim(x)]
    alone = {step for place, step in counts if beneath[place] == 1}
    found = alone or {step for _, step in counts}
    return found.pop() if len(found) == 1 else None


def _numbers(tree: Any) -> list[tuple[tuple[str, ...], str, Any]]:
    """Place, name and value of every leaf; a Flax variable of a count is that count."""
    found = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        *place, name = ("", *(_text([key]) for key in path))
        if (place[-1:], name) == (["count"], "value"):
            *place, name = place
        found.append((tuple(place), name, leaf))
    return found


def _number(built: Any, saved: Any, place: str = "") -> Any:
    """The saved number or array, in the precision of the built one."""
    saved = _unboxed(saved)
    old, new = _kind(built), _kind(saved)
    if old is None or new is None or old[1:] != new[1:]:
        _refuse(place, _described(built), _described(saved))
    if not hasattr(built, "dtype"):
        return saved
    array = jnp.asarray(saved)
    return array if array.dtype == built.dtype else array.astype(built.dtype)


def _copies(tree: Any) -> Any:
    return jax.tree.map(jnp.array, tree)


def _described(x: Any) -> str:
    kind, parts = _kind(x), [*parts_of(x)]
    more = ", ..." if len(parts) > 4 else ""
    several = f"parts called {', '.join(parts[:4])}{more}" if parts else "nothing"
    return several if kind is None else f"{kind[0]}{[*kind[1]]}"


def _kind(x: Any) -> Any:
    """Dtype, shape and whether counts: of a number or an array; None for anything else."""
    if not isinstance(x, int | float) and not hasattr(x, "dtype"):
        return None
    dtype = jnp.result_type(x)
    return dtype, jnp.shape(x), jnp.issubdtype(dtype, jnp.inexact)


def _check_no_loss(part: Any, place: str) -> None:
    """Require that what has no place in `built` is at most a count of steps."""
    if any(name != "count" for _, name, _ in _numbers({place.rpartition("/")[2]: part})):
        _refuse(place, "absent, as it is in built", "a part of a state")


def _check_same_shape(built: Schedule, saved: Schedule, place: str) -> None:
    if jax.tree.structure(built) != jax.tree.structure(saved):
        remedy = "build the optimizer with the saved schedule, or leave plans at 'built'"
        kinds = [type(x).__name__ for x in (built, saved)]
        rule = f"a plan of the structure of the built one, a {kinds[0]}"
        _refuse(place, rule, f"a {kinds[1]} of another", remedy)


def parts_of(x: Any) -> dict[str, Any]:
    """The parts of a tree by name, `{"": x}` for a leaf; typed and untyped trees alike."""
    return {_text(path): part for path, part in _one_level(x)[0]}


def _unboxed(x: Any) -> Any:
    """The array in a variable of Flax that was saved as a tree of its own."""
    return x["value"] if isinstance(x, dict) and x.keys() == {"value"} else x


def _one_level(x: Any) -> Any:
    return jax.tree_util.tree_flatten_with_path(x, is_leaf=lambda part: part is not x)


def _text(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True)


def _refuse(
    place: str,
    rule: str,
    got: str,
    remedy: str = "build the optimizer that was saved (only plans may differ)",
) -> NoReturn:
    where = f" at {place.lstrip('/')[-80:]!r}" if place else ""
    raise ValueError(f"{_OWNER}: saved{where} must be {rule}, got {got}; {remedy}.")
