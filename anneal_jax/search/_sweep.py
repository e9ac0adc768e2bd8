"""Training a population of plans in one compiled program."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jax.sharding import Mesh
from jaxtyping import PyTree
from numpy.typing import ArrayLike

from .. import _checks, _deprecated
from .._progress import progress_bar
from .._types import RealScalarLike
from ._columns import columns_of
from ._halving import Halving, survivors
from ._options import OWNER, Options
from ._result import SweepResult, result_of
from .engine import (
    Engine,
    Executables,
    PlanLike,
    Trainer,
    Training,
    batches_of,
    require_training,
    stacked_plans,
)


def sweep(
    training: Training,
    schedules: PlanLike | Sequence[PlanLike],
    batches: PyTree | Iterable[PyTree] | Callable[..., PyTree],
    *,
    steps: int | Sequence[int] | None = None,
    seeds: int | Sequence[int] = 1,
    labels: Mapping[str, ArrayLike] | None = None,
    evaluate: Callable[[PyTree], RealScalarLike] | None = None,
    window: int | None = None,
    halving: Halving | None = None,
    per_member: bool = False,
    keep: int = 0,
    mesh: Mesh | None = None,
    axis: str = "members",
    lanes: int | None = None,
    memory_limit: int | None = None,
    steps_per_dispatch: int | None = None,
    progress: bool = True,
    compiled: dict[str, Any] | None = None,
) -> SweepResult:
    """Train with every one of many schedules, all by one compiled program.

    A member is one training run: one plan with one seed. Schedules are data, so members that
    differ in peak, warmup, length, shape parameters or any other hyperparameter share a program.
    Plans of another structure (a warmup–stable–decay among cosines) have a program of their own.

    On an accelerator all members that fit its memory train side by side (`jax.vmap`); on a CPU as
    many as fit its cache, slice after slice in the same program. With a `mesh`, each device takes
    its share of the members; so do the hosts after `jax.distributed.initialize`. A population
    that needs more memory than is free (by the estimate of the compiled program) trains in parts,
    and the result's `note` says so.

    Args:
      training: the initialization and the step of one member; see `Training`.
      schedules: list of plans, or one tree whose arrays have a leading axis of plans (as
        `jax.vmap` over a recipe returns). A plan is a schedule, or a dictionary of schedules and
        numbers, such as `{"learning_rate": schedule, "weight_decay": 0.1}`.
      batches: stacked arrays of shape `[steps, ...]`; an iterable of batches; or a function from
        the step to a batch, traced into the program. All members see the same batches, unless
        `per_member`.
      steps: number of training steps, for all plans or one for each; by default the length of
        stacked `batches`.
      seeds: number of members for each plan, seeded 0, 1, ...; or a list of their seeds.
      labels: columns for the table and pictures, by name, one value for each plan; by default
        the numbers in which the plans differ, named as their recipe names them (`peak_value`),
        or by their place in the schedule.
      evaluate: function from a final state to the score of a member, such as the held-out loss;
        lower is better.
      window: number of last steps whose mean training loss is the final loss, without
        `evaluate`; by default a twentieth of the steps.
      halving: rule by which the worse plans are stopped early; see `Halving`.
      per_member: whether each member has batches of its own: arrays with an axis of members
        after that of steps (plan by plan, seed by seed), or a function of step and member.
      keep: number of the best members whose final states are returned.
      mesh: devices over which members are spread.
      axis: axis of `mesh` along which members are spread.
      lanes: number of members that train side by side on a device; by default as above.
      memory_limit: bytes that may be used on each device; by default what is free.
      steps_per_dispatch: number of steps between two visits of the host, which records losses
        and sees Ctrl-C; by default 50.
      progress: whether to show a bar, where the standard error is a terminal.
      compiled: deprecated: dictionary that carries compiled programs from call to call; `tune`
        trains one population after another by the same program.

    Returns:
      A `SweepResult`; after Ctrl-C, with what was trained by then.

    Raises:
      ValueError: if training ignores its schedule or returns no loss; if no member has a finite
        loss at step 0; for plans with different names, too few batches, a mesh without the
        axis or whose axis does not divide the members; for an option without effect.

    Example:
        >>> import anneal_jax as anneal, jax, jax.numpy as jnp, optax
        >>> def loss(w, batch):
        ...     return jnp.sum((w - batch) ** 2)
        >>> training = anneal.search.Training.from_loss(loss, optax.sgd, jnp.zeros(3))
        >>> peaks = jnp.array([0.001, 0.01, 0.1])
        >>> schedules = jax.vmap(lambda peak: anneal.warmup_cosine(peak, 5, 50))(peaks)
        >>> result = anneal.search.sweep(
        ...     training, schedules, jnp.ones((50, 3)), labels={"peak": peaks}, progress=False
        ... )
        >>> result.best_index, result.curves.shape
        (2, (3, 50))
    """
    options = Options(
        steps=steps,
        seeds=seeds,
        labels=labels,
        evaluate=evaluate,
        window=window,
        halving=halving,
        per_member=per_member,
        keep=keep,
        mesh=mesh,
        axis=axis,
        lanes=lanes,
        memory_limit=memory_limit,
        steps_per_dispatch=steps_per_dispatch,
        progress=progress,
    )
    executables = Executables()
    if compiled is not None:
        _deprecated.warn("sweep(compiled=...)", "tune(...), whose sweeps share what they compile")
        found = compiled.get("executables") if isinstance(compiled, dict) else compiled
        if not isinstance(found, Executables | None):
            rule = "a dictionary, empty at first"
            _checks.fail(OWNER, "compiled", rule, compiled, "leave it out")
        executables = compiled.setdefault("executables", executables)
    return swept(training, schedules, batches, options, executables)


def swept(
    training: Training, schedules: Any, batches: Any, options: Options, executables: Executables
) -> SweepResult:
    """As `sweep`, with what earlier ones compiled."""
    require_training(OWNER, training)
    source = batches_of(OWNER, batches)
    roster = options.roster(stacked_plans(OWNER, schedules), source.steps)
    options.check(roster)
    columns = columns_of(OWNER, options.labels, roster.stacks, len(roster.end))
    longest = int(roster.end.max())
    settings, evaluate = options.settings(longest), options.evaluate
    engine = Engine(OWNER, training, source, roster.ends, settings, evaluate, executables)
    record, kept = engine.record, []
    total = sum(int(roster.end[stack.places].max()) for stack in roster.stacks)
    begin = time.perf_counter()
    with progress_bar(OWNER, total, "step", options.progress) as bar, record.interruptible():
        for stack in roster.stacks:
            for trainer in engine.trainers(stack, roster.members(stack), len(roster.seed)):
                bar.set_postfix_str(engine.notes[-1])
                _train(trainer, options, longest, bar)
                if options.keep:
                    kept.append(trainer.best(options.keep))
    took = f"{len(record.ends)} members, {int(record.steps.sum()):,} steps in "
    took += f"{time.perf_counter() - begin:.1f} s"
    note = "; ".join(filter(None, [took, *dict.fromkeys(engine.notes), record.interruption]))
    return result_of(record, roster, columns, kept, options, note)


def _train(trainer: Trainer, options: Options, longest: int, bar: Any) -> None:
    """Train to the end, or until Ctrl-C; at each rung, stop all but the best."""
    members = trainer.beyond(0)
    end, window = int(members.end.max()), options.last(longest)
    plans = len(np.unique(members.plan))
    rungs = {} if options.halving is None else options.halving.rungs(plans, end)
    for step in trainer.train([*rungs, end], bar):
        if step in rungs:
            trainer.score(step, window)
            alive = trainer.beyond(step)
            best = survivors(alive.plan, trainer.scores(alive), rungs[step])
            trainer.stop(step, alive.take(~np.isin(alive.plan, best)))
    trainer.score(end if rungs else 0, window)
