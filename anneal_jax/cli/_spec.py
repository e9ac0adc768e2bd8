"""SPEC: what a command line says a schedule is; a config file, or an expression."""

import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._grammar import SpecError

if TYPE_CHECKING:
    from .._horizon import Horizon
    from ..schedules import Schedule

_OURS = {
    "log": "a log, and no config: anneal read FILE shows it",
    "fit": "a fit, and no config: anneal predict FILE SPEC reads it",
}
_LARGEST = 64 * 2**20  # bytes of a file
_SUFFIXES = (".json", ".toml", ".yaml", ".yml", ".txt", ".csv", ".jsonl", ".pt", ".pth", ".ckpt")


def read_spec(spec: str, horizon: "Horizon | None" = None) -> "Schedule":
    """The schedule that SPEC says.

    Raises:
      ValueError: (SpecError where it has a place) for what says none.
    """
    from ._meaning import schedule_of
    from ._options import in_steps

    if spec == "-":
        return _from_text("standard input", sys.stdin.read(_LARGEST), horizon)
    if is_file(spec):
        path = Path(spec)
        if path.suffix.lower() in (".pt", ".pth", ".ckpt", ".bin"):
            said = "a checkpoint of torch; anneal convert FILE --from torch reads it"
            raise ValueError(f"{spec}: a config must be JSON or TOML, and this looks like {said}.")
        return _from_text(spec, text_of(path), horizon)
    if spec.lower().endswith(_SUFFIXES):
        raise ValueError(f"{spec}: there is no such file.")
    return schedule_of(spec, in_steps(horizon))


def is_file(spec: str) -> bool:
    """Whether a SPEC names a file that is there."""
    try:
        return Path(spec).is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def text_of(path: Path) -> str:
    """The text of a file, of a reasonable size."""
    if not path.exists():
        raise ValueError(f"{path}: there is no such file.")
    if path.is_dir():
        raise ValueError(f"{path}: a file must be named here, and this is a folder.")
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path}: a file of settings has at most {_LARGEST >> 20} MiB.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: this must be text in UTF-8, and it is not.") from None


def data_of(name: str, text: str) -> Any:
    """What JSON, YAML, TOML or a Python literal says, by what the text looks like."""
    import ast

    kind = Path(name).suffix.lower()
    try:
        if kind in (".yaml", ".yml"):
            return _yaml(name, text)
        if kind == ".toml":
            return tomllib.loads(text)
        if kind != ".txt" or text.lstrip()[:1] != "{":
            return json.loads(text)
    except (ValueError, RecursionError) as error:
        words = {".toml": "TOML"}.get(kind, "YAML" if "y" in kind else "JSON")
        said = " ".join(str(error).split())
        raise ValueError(f"{name}: this must be {words}, which says: {said}.") from None
    try:
        return ast.literal_eval(text)  # a dict of a model card; literals alone
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"{name}: this must be JSON, or a Python dict of literals.") from None


def _yaml(name: str, text: str) -> Any:
    try:
        import yaml
    except ImportError:
        remedy = "pip install 'anneal_jax[cli]', or save it as JSON"
        raise ValueError(f"{name}: PyYAML must be installed to read it; {remedy}.") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _from_text(name: str, text: str, horizon: "Horizon | None") -> "Schedule":
    """A config, or an expression in a file."""
    from ..schedules import from_config
    from ._formats import looks_like
    from ._meaning import schedule_of
    from ._options import in_steps

    if name.lower().endswith((".jsonl", ".csv", ".tsv")) and "kind" not in text[:200]:
        raise ValueError(f"{name}: this is a log, and no config; anneal read shows it.")
    try:
        data = _plain(name, text)
    except ValueError as error:
        try:
            return schedule_of(text.strip(), in_steps(horizon))
        except SpecError:
            if text.strip()[-1:] == ")":  # it was meant as an expression
                raise
        raise ValueError(f"{name}: a config must be JSON or TOML; {error}") from None
    format_ = looks_like(data)
    if format_ != "anneal":
        said = "no config of a schedule (it has no `kind`)"
        if format_ is not None:
            said += f", and looks like one of {format_}: anneal convert FILE --from {format_}"
        said = _OURS.get(format_ or "", said)
        raise ValueError(f"{name}: this is {said}.")
    return from_config(data, in_steps(horizon))


def _plain(name: str, text: str) -> Any:
    """JSON where the text begins like it, else what the name says, else TOML."""
    if text.lstrip()[:1] in ("{", "["):
        return data_of(name if name.endswith(".txt") else "config.json", text)
    if name.lower().endswith((".yaml", ".yml")):
        return data_of(name, text)
    return data_of("config.toml", text)
