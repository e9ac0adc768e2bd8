"""Training a population of plans in one compiled program."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from .. import _checks
from ._halving import Halving
from ._options import Options, ends_of, seeds_of
from ._result import SweepResult
from .engine._batches import Batches, BatchesEnded
from .engine._memory import Fitted, fitted
from .engine._plans import Group, grouped, labelled
from .engine._program import Programs
from .engine._record import Members, Record
from .engine._run import Run, blocks
from .engine._training import Training

_OWNER = "sweep"


class _Compiled(NamedTuple):
    """A program, how many members it was compiled for, and functions whose ids are in its key."""

    programs: Programs
    fit: Fitted
    members: int
    functions: Any


Compiled = dict[Any, _Compiled]  # by all else that a program depends on

_AT_ONCE = 50  # steps in a dispatch: more spare little, and Ctrl-C waits for them


def sweep(
    training: Training,
    schedules: Any,
    batches: Any,
    *,
    steps: int | Sequence[int] | None = None,
    seeds: int | Sequence[int] = 1,
    labels: Mapping[str, Any] | None = None,
    evaluate: Callable[[Any], Any] | None = None,
    window: int | None = None,
    halving: Halving | None = None,
    per_member: bool = False,
    keep: int = 0,
    mesh: Mesh | None = None,
    axis: str = "members",
    lanes: int | None = None,
    memory_limit: int | None = None,
    steps_per_dispatch: int | None = None,
    compiled: Compiled | None = None,
    progress: bool = True,
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
      compiled: an empty dictionary, for the programs of this call; passed again, it spares their
        compilation where training, shapes and options are the same, and members as many or fewer.
      progress: whether to show a bar.

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
        >>> result.best, result.curves.shape
        (2, (3, 50))
    """
    if mesh is not None:  # without explicit axes, of which the user's functions know nothing
        mesh = Mesh(mesh.devices, mesh.axis_names)
    groups = grouped(_OWNER, schedules)
    seed = seeds_of(seeds)
    source = Batches(_OWNER, batches)
    ends = ends_of(steps, source.steps, sum(len(g.places) for g in groups))
    longest, members = int(ends.max()), len(ends) * len(seed)
    at_once = _AT_ONCE if steps_per_dispatch is None else steps_per_dispatch
    _checks.steps(_OWNER, "steps_per_dispatch", at_once, least=1, remedy="leave it out")
    at_once = min(at_once, longest)
    window = max(1, longest // 20) if window is None else window
    options = Options(window, halving, at_once, per_member, mesh, axis, lanes, memory_limit, keep)
    options.check(ends, len(seed), groups)
    source.prepare(longest, at_once, members if per_member else None)
    columns = labelled(_OWNER, labels, groups)
    record = Record(_OWNER, np.repeat(ends, len(seed)))
    kept: list[tuple[np.ndarray, Any]] = []
    notes: list[str] = []
    begin = time.perf_counter()
    with _bar(groups, ends, progress) as bar, record.interruptible():
        for group in groups:
            every = _members(group, seed, ends)
            programs, fit = _program(
                training, group, source, every, evaluate, options, {}
                if compiled is None else compiled,
            )  # fmt: skip
            parts = _parts(every, fit.size, len(seed))
            notes.append(_note(fit, every, parts, options))
            bar.set_postfix_str(notes[-1])
            for part in parts:
                run = Run(programs, fit, source, group.plans, part, record, options.devices)
                _train(run, part, options, bar)
                kept += _best_states(run, part, record, options)
    took = f"{members} members, {int(record.steps.sum()):,} steps in "
    took += f"{time.perf_counter() - begin:.1f} s"
    note = "; ".join(filter(None, [took, *dict.fromkeys(notes), record.interruption]))
    return _result(record, groups, columns, seed, kept, note, options)


def _program(
    training: Training,
    group: Group,
    source: Batches,
    members: Members,
    evaluate: Callable[[Any], Any] | None,
    options: Options,
    compiled: Compiled,
) -> tuple[Programs, Fitted]:
    """The program of a group, from an earlier call if it is there."""
    masked = len(np.unique(members.end)) > 1
    structures = _structure(group.shape), _structure(source.example)
    functions = (*training, evaluate, source.function)
    settings = options._replace(window=0, halving=None, keep=0)  # (matters of the host alone)
    key = (structures, masked, settings, tuple(id(f) for f in functions))
    count = len(members.row)
    if key not in compiled or compiled[key].members < count:  # (a larger one takes fewer, too)
        programs = Programs(
            _OWNER, training, group.shape, source,
            per_member=options.per_member, evaluate=evaluate, mesh=options.mesh, axis=options.axis,
        )  # fmt: skip
        fit = fitted(
            _OWNER, programs, source,
            members=count, devices=options.devices, at_once=options.at_once,
            masked=masked, lanes=options.lanes, memory_limit=options.memory_limit,
        )  # fmt: skip
        compiled[key] = _Compiled(programs, fit, count, functions)
    return compiled[key].programs, compiled[key].fit


def _structure(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((jnp.shape(x), x.dtype) for x in leaves)


def _train(run: Run, part: Members, options: Options, bar: Any) -> None:
    """Train one part to its end, or until Ctrl-C."""
    end = int(part.end.max())
    plans = len(np.unique(part.plan))
    rungs = {} if options.halving is None else options.halving.rungs(plans, end)
    try:
        for first, count in blocks([*sorted(rungs), end], options.at_once):
            run.advance(first, count)
            bar.update(count)
            if first + count in rungs:
                run.score(first + count, options.window)
                run.halve(first + count, rungs[first + count])
        run.score(end if rungs else 0, options.window)
    except (KeyboardInterrupt, BatchesEnded):
        run.settle()
        raise


def _best_states(run: Run, part: Members, record: Record, options: Options) -> list[Any]:
    if not options.keep:
        return []
    ids = part.member[~record.stopped[part.member]]
    ids = ids[_lowest(record.score[ids], options.keep)]
    return [(ids, run.states(ids))]


def _lowest(scores: np.ndarray, count: int) -> np.ndarray:
    """Places of the lowest, best first; what is not finite comes last."""
    return np.argsort(np.nan_to_num(scores, nan=np.inf), kind="stable")[:count]


def _result(
    record: Record,
    groups: Sequence[Group],
    columns: Mapping[str, np.ndarray],
    seed: np.ndarray,
    kept: list[tuple[np.ndarray, Any]],
    note: str,
    options: Options,
) -> SweepResult:
    status, final = record.outcome(options.window)
    plans = len(final) // len(seed)
    table = {
        "plan": np.repeat(np.arange(plans), len(seed)),
        **{name: np.repeat(x, len(seed), axis=0) for name, x in columns.items()},
        "seed": np.tile(seed, plans),
        "steps": record.steps,
        "status": status,
        "final_loss": final,
    }
    ids, states = np.zeros(0, int), None
    if kept:
        ids = np.concatenate([i for i, _ in kept])
        best = _lowest(final[ids], options.keep)
        ids = ids[best]
        states = jax.tree.map(lambda *xs: jnp.concatenate(xs)[best], *(s for _, s in kept))
    return SweepResult(table, record.losses, states, ids, note, tuple(groups))


def _members(group: Group, seed: np.ndarray, ends: np.ndarray) -> Members:
    """Plan by plan and seed by seed."""
    row = np.repeat(np.arange(len(group.places)), len(seed))
    plan = group.places[row]
    which = np.tile(np.arange(len(seed)), len(group.places))
    return Members(row, plan, seed[which], plan * len(seed) + which, ends[plan])


def _parts(members: Members, size: int, seeds: int) -> list[Members]:
    """As many members as a program takes; those of one plan together, where that is possible."""
    size = size // seeds * seeds or size
    order = np.argsort(-members.end, kind="stable")  # long runs with long ones
    return [members.take(order[k : k + size]) for k in range(0, len(order), size)]


def _note(fit: Fitted, members: Members, parts: list[Members], options: Options) -> str:
    count = len(members.row)
    side = f"{fit.lanes} at a time" + (
        f" on each of {options.devices} devices" if options.devices > 1 else ""
    )
    cut = f", in {len(parts)} parts of {fit.size} for want of memory" if len(parts) > 1 else ""
    return side + (cut if count > fit.size else "") + f", {fit.memory / 2**20:.0f} MiB"


def _bar(groups: Sequence[Group], ends: np.ndarray, progress: bool) -> Any:
    from tqdm import tqdm

    total = sum(int(ends[g.places].max()) for g in groups)
    return tqdm(total=total, desc=_OWNER, unit="step", disable=not progress)
