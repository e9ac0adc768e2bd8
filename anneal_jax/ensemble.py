"""Ensembles of parameters: snapshots of one run, or a population trained side by side.

The members of an ensemble are one tree, like the parameters with an axis of members in front:
what `anneal_jax.snapshots` collects, and what `jax.vmap` over training gives.
"""

from collections.abc import Callable, Iterable, Sized
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from . import _checks
from ._numerics import as_float, wide
from ._progress import progress_bar
from ._types import Array
from .transforms import SnapshotsState
from .transforms._states import find, plain

_COMBINE = ("probabilities", "logits", "members")


def members(opt_state: PyTree, last: int | None = None) -> PyTree:
    """The snapshots in an optimizer state, oldest first.

    Args:
      opt_state: an optimizer state of any nesting with `anneal_jax.snapshots` in it, or what
        has one as `opt_state` (a Flax `TrainState`, an `nnx.Optimizer`).
      last: number of snapshots to give out, the newest; None: all.

    Returns:
      A tree like the parameters, each array with an axis of members in front.

    Raises:
      ValueError: if there are no snapshots yet, or fewer than `last`.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp, optax
        >>> rate = anneal.cosine_restarts(0.1, cycle_steps=2, cycles=2)
        >>> tx = optax.chain(optax.sgd(rate), anneal.snapshots(rate, keep=5))
        >>> params = {"w": jnp.ones(3)}
        >>> state = tx.init(params)
        >>> for _ in range(4):
        ...     updates, state = tx.update(params, state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> anneal.ensemble.members(state)["w"].shape
        (2, 3)
    """
    state = _snapshots("members", opt_state)
    taken, size = int(state.taken), state.steps.shape[0]
    there = min(taken, size)
    if there == 0:
        remedy = "train to the end of a cycle of the schedule that snapshots follows"
        _checks.fail("members", "opt_state", "one that has snapshots", "none yet", remedy)
    _last("members", last, there)
    order = jnp.arange(taken - (last or there), taken) % size
    return jax.tree.map(lambda ring: _on_device(ring)[order], state.ring)


def member_steps(opt_state: PyTree) -> list[int]:
    """After how many updates each of the `members` was taken, oldest first.

    Args:
      opt_state: as for `members`.

    Returns:
      Numbers of updates; empty before the first snapshot.

    Raises:
      ValueError: if nothing in `opt_state` takes snapshots.
    """
    state = _snapshots("member_steps", opt_state)
    taken, size = int(state.taken), state.steps.shape[0]
    return [int(state.steps[i % size]) for i in range(max(0, taken - size), taken)]


def predict(
    apply_fn: Callable[..., PyTree],
    snapshots: PyTree,
    x: PyTree,
    *,
    last: int | None = None,
    combine: Literal["probabilities", "logits", "members"] = "probabilities",
) -> PyTree:
    r"""The prediction of an ensemble: all members in one `vmap`, then their mean.

    - combine "probabilities": `mean_m softmax(apply_fn(params_m, x))`
    - combine "logits": `mean_m apply_fn(params_m, x)` (also for regression)
    - combine "members": `apply_fn(params_m, x)` for every member, along a first axis

    Args:
      apply_fn: function from the parameters of one member (or whatever tree `snapshots`
        stacks, such as `{"params": ..., "batch_stats": ...}`) and `x` to logits, classes last.
      snapshots: a tree with an axis of members in front, as `members` returns it.
      x: a batch, the same for all members.
      last: number of members to ask, the last ones; None: all.
      combine: what is made of the members' outputs, one of the three above.

    Returns:
      Probabilities or outputs; means are at least float32.

    Raises:
      ValueError: for an unknown `combine`, or if there are fewer than `last` members.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp
        >>> weights = jnp.array([[1.0, 0.0], [0.0, 1.0]])  # two members
        >>> print(anneal.ensemble.predict(lambda w, x: w * x, weights, 1.0))
        [0.5 0.5]

    Reference: Huang et al., [Snapshot Ensembles](https://arxiv.org/abs/1704.00109), 2017.
    """
    _checks.nearest("predict", "combine", combine, _COMBINE)
    sizes = {jnp.shape(leaf)[:1] for leaf in jax.tree.leaves(snapshots)}
    if len(sizes) != 1 or sizes == {()}:
        rule = "a tree whose arrays all have the members as first axis"
        remedy = "pass what anneal_jax.ensemble.members returns"
        _checks.fail("predict", "snapshots", rule, sorted(sizes), remedy)
    _last("predict", last, sizes.pop()[0])
    if last is not None:
        snapshots = jax.tree.map(lambda leaf: leaf[-last:], snapshots)
    outputs = jax.vmap(apply_fn, in_axes=(0, None))(snapshots, x)
    if combine == "members":
        return outputs
    if combine == "probabilities":
        outputs = jax.tree.map(lambda y: jax.nn.softmax(wide(y), axis=-1), outputs)
    return jax.tree.map(lambda y: jnp.mean(wide(y), axis=0), outputs)


def refresh_batch_stats(
    statistics: Callable[..., PyTree],
    params: PyTree,
    batches: Iterable[PyTree],
    *,
    progress: bool = True,
) -> PyTree:
    """Batch-norm statistics for parameters that were averaged, or for members of an ensemble.

    An average of parameters was never run, and running statistics belong to the parameters at
    the end of the run; both need statistics of their own: their mean over `batches`, all with
    the same weight. (Of a variance that is the mean within batches, as in torch's
    `update_bn`; large batches make it that of the data.)

    With Flax, `BatchNorm(momentum=0.0)` makes the running statistics those of the batch:

    ```python
    def statistics(params, batch):  # one function, defined once: it is compiled once
        _, new = model.apply({"params": params}, batch, train=True, mutable="batch_stats")
        return new["batch_stats"]


    stats = refresh_batch_stats(jax.vmap(statistics, in_axes=(0, None)), members, batches)
    predict(model.apply, {"params": members, "batch_stats": stats}, x)
    ```

    Args:
      statistics: function from parameters and one batch to the statistics of that batch alone.
      params: first argument of `statistics`: one set of parameters, or (with `jax.vmap`) the
        stacked members of an ensemble.
      batches: batches of one shape.
      progress: whether to show a bar, where the standard error is a terminal.

    Returns:
      A tree like what `statistics` returns.

    Raises:
      ValueError: if there are no batches.

    Example:
        >>> import anneal_jax as anneal, jax.numpy as jnp
        >>> batches = [jnp.array([1.0, 3.0]), jnp.array([5.0, 7.0])]
        >>> stats = anneal.ensemble.refresh_batch_stats(
        ...     lambda w, x: {"mean": jnp.mean(w * x)}, jnp.array(2.0), batches, progress=False
        ... )
        >>> print(stats["mean"])
        8.0
    """
    compiled = jax.jit(statistics)
    mean = None
    total = len(batches) if isinstance(batches, Sized) else None
    with progress_bar("refresh_batch_stats", total, "batch", progress) as bar:
        for count, batch in enumerate(batches, start=1):
            new = jax.tree.map(_as_mean, compiled(params, batch))
            mean = new if mean is None else _blend(mean, new, jnp.asarray(1 / count))
            bar.update()
    if mean is None:
        _checks.fail("refresh_batch_stats", "batches", "at least one", "none", "pass some data")
    return mean


@jax.jit
def _blend(mean: PyTree, new: PyTree, share: Array) -> PyTree:
    return jax.tree.map(lambda m, x: m + share.astype(m.dtype) * (x - m), mean, new)


def _as_mean(x: Any) -> Array:
    """`x` as something to average: whole numbers too."""
    return wide(x) if jnp.issubdtype(jnp.result_type(x), jnp.inexact) else as_float(x)


def _snapshots(owner: str, opt_state: PyTree) -> SnapshotsState:
    found = [s for _, s in find(opt_state, lambda x: isinstance(x, SnapshotsState))]
    if len(found) != 1:
        remedy = "put anneal_jax.snapshots last into the chain, once"
        rule, there = "one with snapshots", f"{type(opt_state).__name__} with {len(found)}"
        _checks.fail(owner, "opt_state", rule, there, remedy)
    state = plain(found[0])
    if not _checks.known(state.taken) or jnp.ndim(state.taken):
        remedy = "call it outside of jit, on one member of a population at a time"
        _checks.fail(owner, "opt_state", "that of one run, and known", state.taken, remedy)
    return state


def _last(owner: str, last: int | None, there: int) -> None:
    if last is not None and not (isinstance(last, int) and 1 <= last <= there):
        rule = f"from 1 to {there}, the number of members"
        _checks.fail(owner, "last", rule, last, "correct it")


def _on_device(ring: Array) -> Array:
    """A ring that may be in the memory of the host, where one can compute with it."""
    ring = jnp.asarray(ring)
    return jax.device_put(ring, ring.sharding.with_memory_kind("device"))
