"""Files of other programs, each read by the port that knows its keys.

A reader gives a `Call`: a function of `anneal_jax.ports` and its arguments. So what is shown, what
is printed as a line of Python and what the port means without the program's quirks are one.
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ._formats import function_of_optax

if TYPE_CHECKING:
    from .._horizon import Horizon
    from ..schedules import Schedule

FORMATS = ("torch", "transformers", "timm", "keras", "composer", "optax", "levanter", "maxtext")
_MODULES = ("ast", "json", "sys", "tomllib", "torch", "yaml")  # that read files
_LLM_FOUNDRY = {
    "constant_with_warmup": "ConstantWithWarmupScheduler",
    "cosine_with_warmup": "CosineAnnealingWithWarmupScheduler",
    "linear_decay_with_warmup": "LinearWithWarmupScheduler",
}


@dataclasses.dataclass(frozen=True)
class Code:
    """An argument that is written otherwise than its value."""

    text: str
    value: Any


@dataclasses.dataclass(frozen=True)
class Call:
    """A call of a port."""

    port: str  # module of anneal_jax.ports
    name: str
    args: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    ignored: tuple[str, ...] = ()  # keys of the file that the port does not read
    index: int | None = None  # of a list that the port returns

    @property
    def function(self) -> Callable[..., Any]:
        """The port's function."""
        import anneal_jax.ports

        return getattr(getattr(anneal_jax.ports, self.port), self.name)

    @property
    def has_modes(self) -> bool:
        """Whether the port tells the program's quirks from what was meant."""
        return "exact" in inspect.signature(self.function).parameters

    def schedule(self, **mode: bool) -> "Schedule":
        """What the call returns."""
        keywords = {name: _value(x) for name, x in self.keywords.items()}
        found = self.function(*map(_value, self.args), **keywords, **mode)
        return found if self.index is None else found[self.index]

    def code(self, **mode: bool) -> str:
        """The call as Python, its imports before it."""
        given = [*map(_text, self.args)]
        given += [f"{name}={_text(x)}" for name, x in {**self.keywords, **mode}.items()]
        index = "" if self.index is None else f"[{self.index}]"
        call = f"ports.{self.port}.{self.name}({', '.join(given)}){index}"
        needed = [name for name in _MODULES if re.search(rf"(?<![.\w]){name}\.", call)]
        lines = [f"import {name}" for name in needed]
        lines += ["from pathlib import Path"] * ("Path(" in call)
        lines += ["import anneal_jax"] * ("anneal_jax." in call)
        return "\n".join([*lines, "from anneal_jax import ports", f"schedule = {call}"])


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a file does not hold, from the command line."""

    horizon: "Horizon | None" = None
    steps_per_epoch: int | None = None
    learning_rate: float | None = None
    kind: tuple[str, ...] = ()
    group: int = 0

    @property
    def total(self) -> int | None:
        return None if self.horizon is None else self.horizon.total_steps


def call_of(format_: str, name: str, data: Any, given: Settings) -> Call:
    """The call of the port that reads a file of this format, of which `data` is the contents."""
    loaded = Code(_loading(name), data)
    match format_:
        case "transformers":
            ignored = _ignored("transformers", data)
            args = (loaded,) if given.total is None else (loaded, given.total)
            return Call("transformers", "from_training_arguments", args, {}, ignored)
        case "timm":
            more = {"base_lr": given.learning_rate, "steps_per_epoch": _per_epoch(given)}
            more = {key: value for key, value in more.items() if value is not None}
            return Call("timm", "from_args", (loaded,), more, _ignored("timm", data))
        case "keras":
            return Call("keras", "from_config", (loaded,), {}, _ignored("keras", data))
        case "torch":
            return _torch(loaded, given)
        case "composer":
            return _composer(data, given)
        case "optax":
            return _optax(data)
        case "levanter":
            return _levanter(data, given)
    return _maxtext(data, given)


def _torch(loaded: Code, given: Settings) -> Call:
    kind: Any = given.kind[0] if len(given.kind) == 1 else list(given.kind)
    args = (loaded, kind) if given.kind else (loaded,)
    return Call("torch", "from_scheduler", args, {}, (), given.group)


def _composer(data: Any, given: Settings) -> Call:
    """The settings of a run of Composer, as llm-foundry writes them."""
    import anneal_jax.ports

    from .. import _checks
    from .._horizon import Horizon

    scheduler, optimizer = _dict(data, "scheduler"), _dict(data, "optimizer", {})
    name = str(scheduler.get("name", scheduler.get("_target_"))).rpartition(".")[2]
    name = str(_LLM_FOUNDRY.get(name, name))
    known = [n for n in dir(anneal_jax.ports.composer) if n.endswith("Scheduler")]
    _checks.nearest("composer", "the name of the scheduler", name, {*known, *_LLM_FOUNDRY})
    rate = optimizer.get("lr") if given.learning_rate is None else given.learning_rate
    _given("composer", "--learning-rate", rate, "the file has no optimizer.lr")
    horizon = given.horizon
    if horizon is None:
        total = data.get("max_duration")
        _given("composer", "--total", total, "the file has no max_duration")
        size = data.get("global_train_batch_size")
        total = str(total).replace("sp", "ex")
        horizon = Horizon(total, batch_size=size if isinstance(size, int) else None)
    fields = dataclasses.asdict(horizon).items()
    standard = {f.name: f.default for f in dataclasses.fields(horizon)}
    told = ", ".join(f"{k}={v!r}" for k, v in fields if v != standard[k])
    build = getattr(anneal_jax.ports.composer, name)
    more = _checked("composer", scheduler, build, "_target_ name")
    return Call("composer", name, (float(rate),), more | {
        "horizon": Code(f"anneal_jax.Horizon({told})", horizon)
    })  # fmt: skip


def _optax(data: Mapping[str, Any]) -> Call:
    """A function of Optax named in a dict, with its arguments beside it (Hydra's `_target_`)."""
    import anneal_jax.ports

    from .. import _checks

    name = function_of_optax(data) if isinstance(data, Mapping) else None
    known = [n for n in dir(anneal_jax.ports.optax) if n.islower() and n[0] != "_"]
    _checks.nearest("optax", "the function in the file (_target_)", name, known)
    arguments = {k: v for k, v in data.items() if k not in ("_target_", "schedule", "name")}
    return Call("optax", str(name), (), arguments)


def _levanter(data: Any, given: Settings) -> Call:
    from ..ports.jax_trainers import levanter

    settings = _dict(data, "optimizer", data)
    total = _dict(data, "trainer", data).get("num_train_steps") or given.total
    _given("levanter", "--total", total, "the file has no trainer.num_train_steps")
    settings = {k: v for k, v in settings.items() if v is not None}
    kind = settings.get("lr_schedule")
    if isinstance(kind, Mapping):  # as of 2025 a class of its own: {"type": "cosine", ...}
        settings |= kind
        settings["lr_schedule"] = settings.pop("type", "cosine")
    more = _checked("levanter", settings, levanter, "type weight_decay num_train_steps")
    rate = more.pop("learning_rate", given.learning_rate)
    _given("levanter", "--learning-rate", rate, "the file has no learning_rate")
    rest = tuple(key for key in settings if key not in more and key != "learning_rate")
    return Call("jax_trainers", "levanter", (rate, total), more, rest)


def _maxtext(data: Any, given: Settings) -> Call:
    from ..ports.jax_trainers import maxtext

    settings = dict(_dict(data, "", data))
    older = settings.pop("cosine_learning_rate_final_fraction", None)
    if older is not None:
        settings.setdefault("learning_rate_final_fraction", older)
    more = _checked("maxtext", settings, maxtext, "")
    for name, value in (("learning_rate", given.learning_rate), ("steps", given.total)):
        if value is not None:
            more[name] = value
        option = "--total" if name == "steps" else "--learning-rate"
        _given("maxtext", option, more.get(name), f"the file has no {name}")
    rest = tuple(key for key in settings if key not in more)
    return Call("jax_trainers", "maxtext", (), more, rest)


def _checked(owner: str, settings: Any, function: Any, others: str) -> dict[str, Any]:
    """The arguments of a function in a file; a key that resembles one of them is refused."""
    from ..ports import _settings

    names = set(inspect.signature(function).parameters) - {"exact", "horizon"}
    known = _settings.Known.of(names, others=others)
    _settings.checked(owner, "the file", settings, known, "it must hold settings by name")
    return {key: _settings.parsed(value) for key, value in settings.items() if key in names}


def _ignored(port: str, data: Any) -> tuple[str, ...]:
    import anneal_jax.ports

    return tuple(getattr(anneal_jax.ports, port).ignored_keys(data))


def _per_epoch(given: Settings) -> int | None:
    if given.steps_per_epoch is not None or given.horizon is None:
        return given.steps_per_epoch
    horizon = given.horizon
    if horizon.examples_per_epoch is None or horizon.batch_size is None:
        return None
    steps = horizon.steps_per_epoch
    return int(steps) if steps.denominator == 1 else None


def _dict(data: Any, key: str, otherwise: Any = None) -> Any:
    from .. import _checks

    found = data.get(key, otherwise) if isinstance(data, Mapping) else None
    if not isinstance(found, Mapping):
        name = f"{key!r} of the file" if key else "the file"
        _checks.fail("convert", name, "a dict of settings", found, "see anneal convert --help")
    return found


def _given(owner: str, option: str, value: Any, reason: str) -> None:
    if value is None:
        raise ValueError(f"{owner}: {option} must be given, for {reason}.")


def _value(argument: Any) -> Any:
    return argument.value if isinstance(argument, Code) else argument


def _text(argument: Any) -> str:
    return argument.text if isinstance(argument, Code) else repr(argument)


def _loading(name: str) -> str:
    """Python that loads a file."""
    lower, read = name.lower(), f"Path({name!r}).read_text()"
    if lower.endswith((".yaml", ".yml")):
        return f"yaml.safe_load({read})"
    if lower.endswith(".toml"):
        return f"tomllib.loads({read})"
    if lower.endswith((".pt", ".pth", ".ckpt", ".bin")):
        return f'torch.load({name!r}, map_location="cpu", weights_only=True)'
    if lower.endswith(".txt"):
        return f"ast.literal_eval({read})"
    return "json.load(sys.stdin)" if name == "-" else f"json.loads({read})"
