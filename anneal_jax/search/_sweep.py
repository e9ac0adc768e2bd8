"""Training a population of plans in one compiled program."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jax.sharding import Mesh
from jaxtyping import PyTree

from .. import _deprecated
from .._types import RealScalarLike
from ._halving import Halving, survivors
from ._options import OWNER, Options, columns_of
from ._result import SweepResult, result_of
from .engine import (
    Engine,
    Executables,
    PlanLike,
    Trainer,
    Training,
    batches_of,
    progress_bar,
    stacked_plans,
)


def sweep(
    training: Training,
    schedules: PlanLike | Sequence[PlanLike],
    batches: PyTree | Iterable[PyTree] | Callable[..., PyTree],
    *,
    steps: int | Sequence[int] | None = None,
    seeds: int | Sequence[int] = 1,
    labels: Mapping[str, Any] | None = None,
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

    Schedules are data, so members that differ in peak, warmup, length, shape parameters or any
    other hyperparameter share a program. Those of another structure (a WSD among cosines) are a
    group of their own, with a program of its own.

    On an accelerator all members that fit its memory train side by side (`jax.vmap`); on a CPU as
    many as fit its cache, slice after slice in the same program. With a `mesh`, each device takes
    its share of the members; so do the hosts after `jax.distributed.initialize`. A population
    that needs more memory than there is (by the estimate of the compiled program) trains in parts,
    and the result's `note` says so.

    Args:
      training: how one member trains; see `Training`.
      schedules: a list of plans, or one tree whose arrays have an axis of plans in front (as
        `jax.vmap` over a recipe gives). A plan is a schedule, or a dictionary of schedules and
        numbers, such as `{"learning_rate": schedule, "weight_decay": 0.1}`.
      batches: stacked arrays, `[steps, ...]`; an iterable of batches; or a function of the step
        that makes a batch inside the program. Every member sees the same, unless `per_member`.
      steps: how many to train, a number or one for each plan; may be left out where `batches`
        are stacked.
      seeds: how many members, from 0, or which ones, to train with each plan.
      labels: columns by name, a value for each plan, for table and pictures; by default the
        numbers in which plans differ, by their place in the schedule.
      evaluate: from a final state to a scalar to be small: the held-out loss.
      window: without `evaluate`, a final loss is the mean of that many last steps; by default a
        twentieth of them.
      halving: stops early what does badly; see `Halving`.
      per_member: batches have an axis of members (after that of steps), plan by plan and seed by
        seed; a function takes the step and the member's number.
      keep: how many of the best members' final states to return.
      mesh: devices to spread members over.
      axis: the axis of `mesh` to do it along.
      lanes: members side by side on a device; by default see above.
      memory_limit: bytes that may be used on each device; by default what is free.
      steps_per_dispatch: between two looks at the losses; 50 by default.
      progress: whether to show a bar where the standard error is a terminal.
      compiled: deprecated; `tune` trains one population after another by the same program. (A
        dictionary that carries programs from one call to the next.)

    Returns:
      A `SweepResult`. After Ctrl-C, with what there is by then.

    Raises:
      ValueError: if training ignores its schedule or returns no loss; if no member has a finite
        loss at step 0; for plans with different names, batches that do not suffice, and a mesh
        without the axis or whose axis does not divide the members.

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
        executables = compiled.setdefault("executables", executables)
    return swept(training, schedules, batches, options, executables)


def swept(
    training: Training, schedules: Any, batches: Any, options: Options, executables: Executables
) -> SweepResult:
    """As `sweep`, with what earlier ones compiled."""
    source = batches_of(OWNER, batches)
    roster = options.roster(stacked_plans(OWNER, schedules), source.steps)
    options.check(roster)
    columns = columns_of(options.labels, roster)
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
