"""Training a population of plans in one compiled program."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from .. import _checks
from ._batches import Batches
from ._fit import Fitted, fitted
from ._halving import Halving
from ._plans import Group, grouped, labelled
from ._program import Programs
from ._result import SweepResult
from ._run import Members, Record, Run, blocks
from ._training import Training

_OWNER = "sweep"
Compiled = dict[Any, tuple[Programs, Fitted]]  # by structure of the plans, and sizes

_AT_ONCE = 50  # steps in a dispatch: more spare little, and Ctrl-C waits for them


class Options(NamedTuple):
    """What `sweep` was told, checked."""

    window: int
    halving: Halving | None
    at_once: int
    per_member: bool
    mesh: Mesh | None
    axis: str
    lanes: int | None
    memory_limit: int | None
    keep: int
    progress: bool

    @property
    def devices(self) -> int:
        """Over which members are spread."""
        return 1 if self.mesh is None else self.mesh.shape[self.axis]


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
      compiled: an empty dictionary, for the programs of this call; passed again with plans of
        the same structures, as many, and everything else the same, it spares their compilation.
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
    plans = sum(len(g.places) for g in groups)
    seed = _seeds(seeds)
    at_once = _AT_ONCE if steps_per_dispatch is None else steps_per_dispatch
    _checks.steps(_OWNER, "steps_per_dispatch", at_once, least=1, remedy="leave it out")
    known = None if steps is None else int(np.max(steps))
    source = Batches(_OWNER, batches, known, min(at_once, known or at_once))
    ends = _ends(steps, source, plans)
    at_once = min(at_once, int(ends.max()))
    window = max(1, int(ends.max()) // 20) if window is None else window
    options = Options(
        window, halving, at_once, per_member, mesh, axis, lanes, memory_limit, keep, progress
    )
    _check(options, ends, len(seed), groups)
    columns = labelled(_OWNER, labels, groups)
    record = Record(_OWNER, plans * len(seed), int(ends.max()))
    kept: list[tuple[np.ndarray, Any]] = []
    notes: list[str] = []
    begin = time.perf_counter()
    with _bar(groups, ends, progress) as bar, record.interruptible():
        for group in groups:
            members = _members(group, seed, ends)
            programs, fit = _program(
                training, group, source, members, ends, evaluate, options, {}
                if compiled is None else compiled,
            )  # fmt: skip
            parts = _parts(members, fit.size, len(seed))
            notes.append(_note(fit, members, parts, options))
            bar.set_postfix_str(notes[-1])
            for part in parts:
                run = Run(programs, fit, source, group.plans, part, record, options.devices)
                _train(run, part, options, bar)
                kept += _best_states(run, part, record, options)
    seconds = time.perf_counter() - begin
    return _result(record, groups, columns, seed, ends, kept, notes, seconds, options)


def _program(
    training: Training,
    group: Group,
    source: Batches,
    members: Members,
    ends: np.ndarray,
    evaluate: Callable[[Any], Any] | None,
    options: Options,
    compiled: Compiled,
) -> tuple[Programs, Fitted]:
    """The program of a group, from an earlier call if it is there."""
    plan = group.shape
    masked = len(np.unique(ends)) > 1
    leaves, structure = jax.tree.flatten(plan)
    shapes = tuple((x.shape, x.dtype) for x in leaves)
    key = (structure, shapes, len(members.row), masked, options.at_once)
    if key not in compiled:
        programs = Programs(
            _OWNER, training, plan, source,
            per_member=options.per_member, evaluate=evaluate, mesh=options.mesh, axis=options.axis,
        )  # fmt: skip
        fit = fitted(
            _OWNER, programs, source,
            members=len(members.row), devices=options.devices, at_once=options.at_once,
            masked=masked, lanes=options.lanes, memory_limit=options.memory_limit,
        )  # fmt: skip
        compiled[key] = programs, fit
    return compiled[key]


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
    except KeyboardInterrupt:
        run.settle()
        raise


def _best_states(run: Run, part: Members, record: Record, options: Options) -> list[Any]:
    if not options.keep:
        return []
    ids = part.member[record.status[part.member] != "stopped"]
    scores = np.nan_to_num(record.score[ids], nan=np.inf)
    ids = ids[np.argsort(scores, kind="stable")[: options.keep]]
    return [(ids, run.states(ids))]


def _result(
    record: Record,
    groups: Sequence[Group],
    columns: Mapping[str, np.ndarray],
    seed: np.ndarray,
    ends: np.ndarray,
    kept: list[tuple[np.ndarray, Any]],
    notes: list[str],
    seconds: float,
    options: Options,
) -> SweepResult:
    plan = np.repeat(np.arange(len(ends)), len(seed))
    status = record.status
    done = record.steps == np.repeat(ends, len(seed))
    status[done] = "finished"
    status[(status == "waiting")] = "interrupted"
    last = np.maximum(record.steps - 1, 0)
    lost = ~np.isfinite(record.losses[np.arange(len(plan)), last]) & (record.steps > 0)
    if not record.interrupted:
        lost |= done & ~np.isfinite(record.score)
    status[lost] = "diverged"
    final = record.score.copy()
    missing = np.flatnonzero(np.isnan(final) & (status == "interrupted"))
    final[missing] = record.finals(missing, options.window)
    table = {
        "plan": plan,
        **{name: np.repeat(x, len(seed), axis=0) for name, x in columns.items()},
        "seed": np.tile(seed, len(ends)),
        "steps": record.steps,
        "status": status,
        "final_loss": final,
    }
    ids = np.concatenate([i for i, _ in kept]) if kept else np.zeros(0, int)
    states = None
    if kept:
        order = np.argsort(np.nan_to_num(final[ids], nan=np.inf), kind="stable")[: options.keep]
        ids = ids[order]
        states = _stacked([s for _, s in kept], order)
    members = f"{len(plan)} members, {int(record.steps.sum()):,} steps in {seconds:.1f} s"
    stopped = ["stopped by hand"] if record.interrupted else []
    note = "; ".join([members, *dict.fromkeys(notes), *stopped])
    return SweepResult(table, record.losses, states, ids, note, tuple(groups))


def _stacked(states: list[Any], order: np.ndarray) -> Any:
    if len({jax.tree.structure(s) for s in states}) > 1:
        rule = "0 where schedules have several structures (their states have, too)"
        _checks.fail(_OWNER, "keep", rule, "more", "sweep one structure at a time")
    return jax.tree.map(lambda *xs: jax.numpy.concatenate(xs)[order], *states)


def _seeds(seeds: Any) -> np.ndarray:
    if isinstance(seeds, int) and not isinstance(seeds, bool) and seeds > 0:
        return np.arange(seeds)
    found = np.asarray(seeds)
    if found.ndim != 1 or not len(found) or found.dtype.kind not in "iu" or found.min() < 0:
        rule = "how many seeds, from 1 up, or a list of them"
        _checks.fail(_OWNER, "seeds", rule, seeds, "pass such a number")
    return found


def _ends(steps: Any, source: Batches, plans: int) -> np.ndarray:
    """The number of steps of each plan."""
    steps = source.steps if steps is None else steps
    if steps is None:
        remedy = "say how many to train"
        _checks.fail(_OWNER, "steps", "given unless batches are stacked", None, remedy)
    each = np.asarray(steps)
    if (
        each.dtype.kind not in "iu"
        or each.min(initial=2**31) < 1
        or each.shape not in {(), (plans,)}
    ):
        rule = f"a whole number from 1 up, or one for each of the {plans} plans"
        _checks.fail(_OWNER, "steps", rule, steps, "correct it")
    return np.broadcast_to(each, (plans,))


def _check(options: Options, ends: np.ndarray, seeds: int, groups: Sequence[Group]) -> None:
    for name in ("window", "keep"):
        least = 0 if name == "keep" else 1
        _checks.steps(_OWNER, name, getattr(options, name), least=least, remedy="leave it out")
    for name in ("lanes", "memory_limit"):
        if getattr(options, name) is not None:
            _checks.number(_OWNER, name, getattr(options, name), least=1, remedy="leave it out")
    _checks.flag(_OWNER, "per_member", options.per_member)
    if options.halving is not None and not isinstance(options.halving, Halving):
        remedy = "write halving=Halving(factor=3)"
        _checks.fail(_OWNER, "halving", "a Halving", options.halving, remedy)
    if options.halving is not None:
        options.halving.rungs(2, 2)  # checks itself
    if options.halving is not None and len(np.unique(ends)) > 1:
        rule = "one number where plans are halved: a rung compares them at the same step"
        _checks.fail(_OWNER, "steps", rule, ends, "leave halving out, or sweep length by length")
    if options.mesh is None:
        return
    _checks.nearest(_OWNER, "axis", options.axis, options.mesh.axis_names)
    for group in groups:
        members = len(group.places) * seeds
        if members % options.devices:
            rule = f"a multiple of the {options.devices} devices along {options.axis!r}"
            remedy = "add or leave out some (of each structure)"
            _checks.fail(_OWNER, "the number of members", rule, members, remedy)


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
    return [members[order[k : k + size]] for k in range(0, len(order), size)]


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
