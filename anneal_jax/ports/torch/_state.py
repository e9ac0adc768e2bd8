"""A scheduler of torch, live or from a checkpoint, as one parameter group sees it.

A checkpoint may hold anything: what is read of it is checked when it is read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ... import _checks
from .. import _arguments

MULTIPLY = ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR")
OVERWRITE = ("LambdaLR", "CyclicLR", "OneCycleLR", "CosineAnnealingWarmRestarts")  # what they find
OTHERS = ("CosineAnnealingLR", "MultiplicativeLR", "SWALR", "SequentialLR", "ChainedScheduler")
_KNOWN = {*MULTIPLY, *OVERWRITE, *OTHERS}
_DEEPEST = 16  # schedulers inside each other
_OWNER = "from_scheduler"


@dataclass(frozen=True)
class State:
    """One scheduler, for one parameter group."""

    kind: str
    values: Mapping[str, Any]  # its attributes
    children: Sequence["State"]
    group: int
    param_groups: Sequence[Mapping[str, Any]]

    def __getitem__(self, name: str) -> Any:
        if name not in self.values:
            remedy = "pass the live scheduler, or its whole state_dict"
            _checks.fail(_OWNER, f"{self.kind}.{name}", "there", None, remedy)
        return plain(self.values[name])

    def number(self, name: str, **bounds: Any) -> float:
        """A number of its own."""
        return _arguments.known(_OWNER, f"{self.kind}.{name}", self[name], **bounds)

    def count(self, name: str, least: int = 0) -> int:
        """A whole number of its own."""
        remedy = "pass the state that torch saved"
        return _arguments.steps(
            _OWNER, f"{self.kind}.{name}", self[name], least=least, remedy=remedy
        )

    def listed(self, name: str) -> list[Any]:
        """A list of its own."""
        return items(f"{self.kind}.{name}", self[name])

    @property
    def base(self) -> float:
        """The rate that the formula is told for."""
        rates = self.listed("base_lrs")
        if self.kind in MULTIPLY and self.group >= len(rates):
            return 1.0  # a group added later: they go on from its rate, whatever this is
        return self.of_group("base_lrs")

    def of_group(self, name: str) -> float:
        """The number in a list that has one for each group."""
        return _arguments.known(_OWNER, f"{self.kind}.{name}", self._one_of(name))

    def _one_of(self, name: str) -> Any:
        listed = self.listed(name)
        if self.group >= len(listed):
            rule = "without groups added after it was built"
            remedy = "torch cannot step it either"
            _checks.fail(_OWNER, self.kind, rule, self.group + 1, remedy)
        return listed[self.group]

    @property
    def now(self) -> int:
        """Its own count."""
        return self.count("last_epoch")

    @property
    def function(self) -> Callable[[Any], Any]:
        """The function of LambdaLR or MultiplicativeLR."""
        self._one_of("base_lrs")
        function = self._one_of("lr_lambdas")
        if not callable(function):
            remedy = "a state_dict holds no functions; pass the live scheduler"
            _checks.fail(_OWNER, "lr_lambda", "a function", function, remedy)
        return function

    def in_group(self, name: str) -> float:
        """An entry of the optimizer's parameter group."""
        if not self.param_groups:
            remedy = "pass optimizer.state_dict()['param_groups'] as param_groups"
            _checks.fail(_OWNER, name, "known from the optimizer", None, remedy)
        group = self.param_groups[self.group]
        if name not in group:
            remedy = f"it was added after {self.kind} was built, which torch cannot step"
            _checks.fail(_OWNER, name, "in every group of the optimizer", None, remedy)
        return _arguments.known(_OWNER, name, plain(group[name]))


def state_of(scheduler: Any, kind: Any, group: int, param_groups: Any, depth: int = 0) -> State:
    """What `scheduler` (its `state_dict`, of the class `kind`) is to one group."""
    if depth > _DEEPEST:
        remedy = "compose schedules of anneal_jax instead"
        _checks.fail(_OWNER, "scheduler", f"at most {_DEEPEST} deep", "a deeper one", remedy)
    if isinstance(scheduler, Mapping):
        name, inner, values = *_names(kind), scheduler
    elif hasattr(scheduler, "__dict__"):
        name, values, inner = _name(scheduler), vars(scheduler), None
    else:
        _refuse("a part of it", scheduler)
    _checks.nearest(_OWNER, "the class", name, _KNOWN)
    parts = items(f"{name}._schedulers", values.get("_schedulers", ()))
    inner = [None] * len(parts) if inner is None else inner
    if len(parts) != len(inner):
        rule = f"a list of the class and of those of its {len(parts)} schedulers"
        _checks.fail(_OWNER, "kind", rule, kind, "list them in order")
    pairs = zip(parts, inner, strict=True)
    children = [state_of(s, k, group, param_groups, depth + 1) for s, k in pairs]
    return State(name, values, children, group, param_groups)


def groups_of(param_groups: Any) -> list[Mapping[str, Any]]:
    """The parameter groups of an optimizer, each with a rate."""
    groups = items("param_groups", param_groups)
    for each in groups:
        if not (isinstance(each, Mapping) and "lr" in each):
            remedy = "pass optimizer.state_dict()['param_groups']"
            _checks.fail(_OWNER, "param_groups", "a list of dicts with lr", each, remedy)
    return groups


def rates_of(name: str, rates: Any) -> list[float]:
    """The rates now, one for each group."""
    return [_arguments.known(_OWNER, name, plain(rate)) for rate in items(name, rates)]


def items(name: str, values: Any) -> list[Any]:
    """A list in a state, of plain numbers where it has arrays without axes."""
    if not isinstance(values, list | tuple):
        _refuse(name, values, "a list")
    return [plain(value) for value in values]


def plain(value: Any) -> Any:
    """The number in an array or tensor without axes; anything else as it is."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    return value


def _refuse(name: str, value: Any, rule: str = "one of torch's, or its state_dict") -> NoReturn:
    _checks.fail(_OWNER, name, rule, value, "pass the state that torch saved")


def _names(kind: Any) -> tuple[Any, list[Any]]:
    """The name of a class, and what stands for those of the schedulers in it."""
    if isinstance(kind, str):
        return kind, []
    if not isinstance(kind, list | tuple) or not kind:
        remedy = "as 'CosineAnnealingLR', or ['SequentialLR', 'LinearLR', 'StepLR']"
        _checks.fail(_OWNER, "kind", "the name of a class, or a list of names", kind, remedy)
    return kind[0], list(kind[1:])


def _name(scheduler: Any) -> str:
    """The class of torch that a scheduler is of, if it steps as that does."""
    own = type(scheduler).__name__
    for cls in type(scheduler).__mro__:
        if cls.__name__ in _KNOWN:
            return cls.__name__
        if cls.__name__ == "ReduceLROnPlateau":
            remedy = "build it with anneal_jax.ports.torch.ReduceLROnPlateau"
            rule = "a schedule of the step alone"
            _checks.fail(_OWNER, "scheduler", rule, own, remedy)
        changed = sorted({"get_lr", "step", "_get_closed_form_lr"} & vars(cls).keys())
        if changed:
            rule = "one of torch's, or like it but for its name"
            remedy = f"it has a {changed[0]} of its own; port that"
            _checks.fail(_OWNER, "scheduler", rule, own, remedy)
    return own
