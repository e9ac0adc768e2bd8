"""A scheduler of torch, live or from a checkpoint, as one parameter group sees it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import _checks

MULTIPLY = ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR")
OVERWRITE = ("LambdaLR", "CyclicLR", "OneCycleLR", "CosineAnnealingWarmRestarts")  # what they find
OTHERS = ("CosineAnnealingLR", "MultiplicativeLR", "SWALR", "SequentialLR", "ChainedScheduler")
_KNOWN = {*MULTIPLY, *OVERWRITE, *OTHERS}


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
            _checks.fail("from_scheduler", f"{self.kind}.{name}", "there", None, remedy)
        return self.values[name]

    @property
    def base(self) -> float:
        """The rate that the formula is told for."""
        rates = self["base_lrs"]
        if self.kind in MULTIPLY and self.group >= len(rates):
            return 1.0  # a group added later: they go on from its rate, whatever this is
        self._require_group()
        return float(rates[self.group])

    def _require_group(self) -> None:
        if self.group >= len(self["base_lrs"]):
            rule = "without groups added after it was built"
            remedy = "torch cannot step it either"
            _checks.fail("from_scheduler", self.kind, rule, self.group + 1, remedy)

    @property
    def now(self) -> int:
        """Its own count."""
        return int(self["last_epoch"])

    @property
    def function(self) -> Callable[[Any], Any]:
        """The function of LambdaLR or MultiplicativeLR."""
        self._require_group()
        function = self["lr_lambdas"][self.group]
        if not callable(function):
            remedy = "a state_dict holds no functions; pass the live scheduler"
            _checks.fail("from_scheduler", "lr_lambda", "a function", function, remedy)
        return function

    def in_group(self, name: str) -> float:
        """An entry of the optimizer's parameter group."""
        if not self.param_groups:
            remedy = "pass optimizer.state_dict()['param_groups'] as param_groups"
            _checks.fail("from_scheduler", name, "known from the optimizer", None, remedy)
        group = self.param_groups[self.group]
        if name not in group:
            remedy = f"it was added after {self.kind} was built, which torch cannot step"
            _checks.fail("from_scheduler", name, "in every group of the optimizer", None, remedy)
        return float(group[name])


def state_of(scheduler: Any, kind: Any, group: int, param_groups: Any) -> State:
    """What `scheduler` (its `state_dict`, of the class `kind`) is to one group."""
    if isinstance(scheduler, Mapping):
        name, inner = (kind, []) if isinstance(kind, str) else (kind[0], list(kind[1:]))
        values = scheduler
    else:
        name, values = _name(scheduler), vars(scheduler)
        inner = [None] * len(values.get("_schedulers", ()))
    _checks.nearest("from_scheduler", "the class", name, _KNOWN)
    parts = values.get("_schedulers", ())
    if len(parts) != len(inner):
        rule = f"a list of the class and of those of its {len(parts)} schedulers"
        _checks.fail("from_scheduler", "kind", rule, kind, "list them in order")
    children = [state_of(s, k, group, param_groups) for s, k in zip(parts, inner, strict=True)]
    return State(name, values, children, group, param_groups)


def _name(scheduler: Any) -> str:
    """The class of torch that a scheduler is of, if it steps as that does."""
    own = type(scheduler).__name__
    for cls in type(scheduler).__mro__:
        if cls.__name__ in _KNOWN:
            return cls.__name__
        if cls.__name__ == "ReduceLROnPlateau":
            remedy = "build it with anneal_jax.ports.torch.ReduceLROnPlateau"
            rule = "a schedule of the step alone"
            _checks.fail("from_scheduler", "scheduler", rule, own, remedy)
        changed = sorted({"get_lr", "step", "_get_closed_form_lr"} & vars(cls).keys())
        if changed:
            rule = "one of torch's, or like it but for its name"
            remedy = f"it has a {changed[0]} of its own; port that"
            _checks.fail("from_scheduler", "scheduler", rule, own, remedy)
    return own
