"""Reading a live scheduler of torch, or what a checkpoint holds of one.

Most of torch's schedulers are recursions on the rate they find in the optimizer. So what comes
is told by the rate now and by each scheduler's own count: its formula from there on, scaled to
the rate now. Only attributes are read; torch is not imported.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ... import _checks
from ..._numerics import MAX_STEP
from ...schedules._constant import Constant
from ...schedules._join import join
from ...schedules._schedule import Schedule
from .. import _arguments
from .._terms import host_values
from . import _checkpoint, _cycles, _decays, _functions, _one_cycle, _partials
from ._state import OVERWRITE, State, groups_of, plain, rates_of, state_of

_SAME = 1e-9  # rates that differ by no more are equal, but for torch's rounding
_MOST_MILESTONES = 10_000
_SAME_FLOAT32 = 1e-6  # the same, where they may be in float32


def from_scheduler(
    scheduler: Any,
    kind: str | Sequence[Any] | None = None,
    param_groups: Sequence[Mapping[str, Any]] | None = None,
    *,
    total_steps: int | None = None,
) -> list[Schedule]:
    """What a scheduler of torch will do from now on, as a schedule for each parameter group.

    Step 0 of the results is the step that the scheduler is at: the optimizer's next one. LambdaLR
    around one of Transformers' functions is read as that schedule of `ports.transformers`. A
    CosineAnnealingLR among others in a ChainedScheduler is followed up to its `T_max`.

    Args:
      scheduler: a live scheduler of torch, any nesting that torch can run; or its `state_dict`; or
        a whole checkpoint with one such in it, and perhaps the optimizer's.
      kind: for a `state_dict`, the name of its class; of one with schedulers inside, a list of
        its name and theirs, as in `["SequentialLR", "LinearLR", "CosineAnnealingLR"]`.
      param_groups: for a `state_dict` of OneCycleLR or with schedulers inside, those of
        `optimizer.state_dict()`; None: those in the checkpoint.
      total_steps: of functions that JAX cannot trace, how many steps from now on to tabulate.

    Returns:
      A list with a schedule for each group.

    Raises:
      ValueError: for a class that is not known, for a state of which something is missing or of
        a wrong type, for what torch itself cannot run, and for a product of schedules that has
        no formula (a ChainedScheduler in which something multiplies after LambdaLR, or
        CosineAnnealingLR with `eta_min` is not alone).

    Example:
        >>> from anneal_jax.ports import torch
        >>> state = {"gamma": 0.5, "base_lrs": [1.0], "last_epoch": 2, "_last_lr": [0.25]}
        >>> print(torch.from_scheduler(state, "ExponentialLR")[0]([0, 1]))
        [0.25  0.125]
    """
    if not isinstance(scheduler, Mapping):
        if not hasattr(scheduler, "optimizer"):
            remedy = "or pass its state_dict and its class's name"
            _checks.fail("from_scheduler", "scheduler", "one of torch's", scheduler, remedy)
        param_groups = getattr(scheduler.optimizer, "param_groups", None)
    else:
        remedy = "name its class, such as 'CosineAnnealingLR'"
        _arguments.required("from_scheduler", "kind", kind, remedy, "given with a state_dict")
        scheduler, beside = _checkpoint.saved(scheduler)
        param_groups = param_groups or beside
    groups = groups_of(param_groups) if param_groups else []
    found = []
    for index, rate in enumerate(_rates(scheduler, groups)):
        state = state_of(scheduler, kind, index, groups)
        found.append(_from_rate(rate, _read(state, rate, total_steps)))
    return found


def _rates(scheduler: Any, groups: Sequence[Mapping[str, Any]]) -> list[float]:
    """The rate of each group now."""
    if groups or not isinstance(scheduler, Mapping):
        return rates_of("lr", [group["lr"] for group in groups])
    remedy = "pass the whole state_dict, or param_groups"
    rates = scheduler.get("_last_lr")
    return rates_of("_last_lr", _arguments.required("from_scheduler", "_last_lr", rates, remedy))


def _from_rate(rate: float, schedule: Schedule) -> Schedule:
    """The schedule, its first value the rate that the optimizer has.

    The two differ where a rate was changed by hand, or not restored, and the scheduler will
    overwrite it: then the optimizer takes one step with it.
    """
    first = float(host_values(schedule, 0))
    if abs(first - rate) <= _SAME_FLOAT32 * max(abs(first), abs(rate)):
        return schedule
    return join([Constant(rate, 1), schedule.shift(-1)], [1])


def _read(state: State, rate: float, total_steps: int | None) -> Schedule:
    """The schedule from now on, given the rate now."""
    if state.kind == "SequentialLR":
        return _sequence(state, rate, total_steps)
    if state.kind == "ChainedScheduler":
        return _chain(state, rate, total_steps)
    if state.kind in OVERWRITE:
        return _OVERWRITE[state.kind](state, total_steps)
    if state.kind == "SWALR":
        return _annealing(state, rate)
    if state.kind == "MultiplicativeLR":
        return _multiplied(state, rate, total_steps)
    absolute = _DECAYS[state.kind](state)
    whole = absolute.shift(-state.now)
    floor = state.number("eta_min") if state.kind == "CosineAnnealingLR" else 0.0
    level = float(host_values(absolute, state.now)) - floor
    if level == 0 or abs(rate - floor - level) <= _SAME * abs(level):
        return whole
    factor = (rate - floor) / level
    scaled = factor * whole if floor == 0 else factor * (whole - floor) + floor
    if state.kind != "CosineAnnealingLR":
        return scaled
    # From the next trough on, torch starts from the base rate again.
    half = state.count("T_max", least=1)
    trough = (half - state.now) % (2 * half)
    return join([scaled, whole.shift(-trough)], [trough])


def _sequence(state: State, rate: float, total_steps: int | None) -> Schedule:
    milestones = _milestones(state)
    active = bisect_right(milestones, state.now)
    parts = [_read(state.children[active], rate, total_steps)]
    starts = [m - state.now for m in milestones[active:]]
    for child, start in zip(state.children[active + 1 :], starts, strict=True):
        if child.kind in ("SequentialLR", "ChainedScheduler"):
            remedy = "torch cannot begin one there; put it first"
            _checks.fail(
                "from_scheduler", "a later part of SequentialLR", "simple", child.kind, remedy
            )
        before = float(host_values(join(parts, starts[: len(parts) - 1]), start - 1))
        parts.append(_fresh(child, before, total_steps))
    return join(parts, starts)


def _milestones(state: State) -> list[int]:
    """The steps between the schedulers of a sequence."""
    name = f"{state.kind}._milestones"
    found = [_arguments.steps("from_scheduler", name, step) for step in state.listed("_milestones")]
    if len(found) != len(state.children) - 1:
        rule, remedy = f"one fewer than its {len(state.children)} schedulers", "correct the state"
        _checks.fail("from_scheduler", name, rule, found, remedy)
    return found


def _fresh(state: State, before: float, total_steps: int | None) -> Schedule:
    """What SequentialLR begins: a scheduler at its step 0, after the rate `before`."""
    values = dict(state.values) | {"last_epoch": 0}
    begun = replace(state, values=values)
    if state.kind == "MultiplicativeLR":  # torch multiplies what it finds, also at once
        first = float(state.function(0))
        return _multiplied(begun, before * first, total_steps)
    if state.kind in OVERWRITE:
        return _OVERWRITE[state.kind](begun, total_steps)
    if state.kind == "SWALR":
        remedy = "read it on its own"
        _checks.fail("from_scheduler", "a part of SequentialLR", "a plain one", "SWALR", remedy)
    if state.kind == "ConstantLR" and state.count("total_iters") == 0:
        return Constant(state.base)  # its closed form, not its recursion
    return _DECAYS[state.kind](begun)


def _chain(state: State, rate: float, total_steps: int | None) -> Schedule:
    children = list(state.children)
    last = max((i for i, c in enumerate(children) if c.kind in OVERWRITE), default=None)
    if last is not None:
        children = children[last:]  # what stands before it is overwritten at every step
    if len(children) == 1:
        return _read(children[0], rate, total_steps)
    for child in children:
        floor = child.kind == "CosineAnnealingLR" and child.number("eta_min") != 0
        if child.kind in OVERWRITE or child.kind == "SWALR" or child.children or floor:
            rule = "a product, of schedulers that multiply"
            remedy = "its rates have no formula; compose schedules of anneal_jax instead"
            _checks.fail("from_scheduler", "ChainedScheduler", rule, child.kind, remedy)
    product: Schedule = Constant(rate)
    for child in children:
        product = product * _read(child, 1.0, total_steps)
    return product


def _annealing(state: State, rate: float) -> Schedule:
    # The rate it came from is recovered as torch does, from how far it has come.
    done, length = state.count("_step_count", least=1) - 1, state.count("anneal_epochs")
    target = state.in_group("swa_lr")
    shape = _decays.strategy("SWALR", state["_anneal_strategy"])
    if done >= length:
        return Constant(target)
    way = float(host_values(shape(1.0, 0.0, length), done))
    return shape((rate - (1 - way) * target) / way, target, length).shift(-done)


def _multiplied(state: State, rate: float, total_steps: int | None) -> Schedule:
    function = state.function
    remedy = "MultiplicativeLR is tabulated; say for how many steps"
    ahead = _arguments.required("from_scheduler", "total_steps", total_steps, remedy)
    now = state.now
    return _functions.MultiplicativeLR(rate, lambda t: function(now + t), ahead)


def _lambda(state: State, total_steps: int | None) -> Schedule:
    function, now = state.function, state.now
    named = _partials.of_transformers(state.base, function)
    if named is not None:
        return named.shift(-now)
    if total_steps is None:
        return state.base * _functions.traced(
            "from_scheduler", "the function of LambdaLR", lambda t: function(now + t)
        )
    return _functions.LambdaLR(state.base, lambda t: function(now + t), total_steps)


def _triangles(state: State, total_steps: int | None) -> Schedule:
    del total_steps
    total = state.number("total_size", above=0, most=MAX_STEP)
    up = round(total * state.number("step_ratio", least=0, most=1))
    custom = state["_scale_fn_custom"]
    given = state.base, state.of_group("max_lrs"), up, round(total) - up
    options = state["mode"], state.number("gamma"), custom, state["scale_mode"]
    return _cycles.CyclicLR(*given, *options).shift(-state.now)


def _one(state: State, total_steps: int | None) -> Schedule:
    del total_steps
    low = {"initial_lr": state.base} | {n: state.in_group(n) for n in ("max_lr", "min_lr")}
    names, ends = [], []
    for phase in state.listed("_schedule_phases"):
        given = phase if isinstance(phase, Mapping) else {}
        for key in ("start_lr", "end_lr"):
            _checks.nearest("from_scheduler", f"a phase's {key}", given.get(key), low)
            names.append(given[key])
        end = plain(given.get("end_step"))
        ends.append(_arguments.known("from_scheduler", "a phase's end_step", end, most=MAX_STEP))
    if not ends or sorted(ends) != ends:
        rule, remedy = "phases, in order", "pass the state that torch saved"
        _checks.fail("from_scheduler", "OneCycleLR._schedule_phases", rule, ends, remedy)
    values = [low[names[0]], *(low[name] for name in names[1::2])]
    return _one_cycle.phases(ends, values, state["_anneal_func_type"]).shift(-state.now)


def _restarts(state: State, total_steps: int | None) -> Schedule:
    del total_steps
    # Where a cycle began is told by its own count: a resumed one need not be on the grid.
    length, factor = state.count("T_i", least=1), state.count("T_mult", least=1)
    floor = state.number("eta_min")
    inside, remedy = state["T_cur"] if state.now else 0, "call step() without an epoch"
    inside = _arguments.steps("from_scheduler", "T_cur", inside, remedy=remedy)
    cycles = _cycles.CosineAnnealingWarmRestarts(state.base, length, factor, floor)
    return cycles.shift(-inside)


def _counted(state: State) -> list[Any]:
    """The milestones of MultiStepLR, of which torch keeps how often each is listed."""
    name, counts = "MultiStepLR.milestones", state["milestones"]
    if not isinstance(counts, Mapping):
        remedy = "pass the state that torch saved"
        _checks.fail("from_scheduler", name, "a dict of steps and counts", counts, remedy)
    often = [_arguments.steps("from_scheduler", name, plain(n)) for n in counts.values()]
    if sum(often) > _MOST_MILESTONES:
        remedy = "it is longer than any that trained"
        _checks.fail("from_scheduler", name, f"at most {_MOST_MILESTONES}", sum(often), remedy)
    return [m for m, n in zip(counts, often, strict=True) for _ in range(n)]


_DECAYS: dict[str, Callable[[State], Schedule]] = {
    "StepLR": lambda s: _decays.StepLR(s.base, s["step_size"], s["gamma"]),
    "MultiStepLR": lambda s: _decays.MultiStepLR(s.base, _counted(s), s["gamma"]),
    "ConstantLR": lambda s: _decays.ConstantLR(s.base, s["factor"], s["total_iters"]),
    "LinearLR": lambda s: _decays.LinearLR(
        s.base, s["start_factor"], s["end_factor"], s["total_iters"]
    ),
    "ExponentialLR": lambda s: _decays.ExponentialLR(s.base, s["gamma"]),
    "PolynomialLR": lambda s: _decays.PolynomialLR(s.base, s["total_iters"], s["power"]),
    "CosineAnnealingLR": lambda s: _cycles.CosineAnnealingLR(
        s.base, s["T_max"], s.number("eta_min")
    ),
}
_OVERWRITE: dict[str, Callable[[State, int | None], Schedule]] = {
    "LambdaLR": _lambda,
    "CyclicLR": _triangles,
    "OneCycleLR": _one,
    "CosineAnnealingWarmRestarts": _restarts,
}
