"""Settings files of training programs: what is read of them, and what looks as if it should be.

A file holds more than a schedule needs, so a key that is not read is passed over. But one that
resembles a key of the schedule (`lr_scheduler_typ`, `warmup_epoch`, `min_lr`) is most likely
meant for it, and passing it over would give another schedule without a word: it is an error.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from .. import _checks
from . import _arguments

_WORDS = {"lr", "warmup", "sched", "scheduler", "schedule", "learning", "anneal", "cosine"}
_CLOSE = 0.8  # ratio of difflib's from which two names are one, misspelt
_LONGEST = 100  # characters of a key or a number that are looked at; half of them are shown


class Known(NamedTuple):
    """The keys of one program's files."""

    read: frozenset[str]
    elsewhere: Mapping[str, str]  # keys that belong into another one, and into which
    others: frozenset[str]  # that say nothing of this schedule, though they look like it
    words: frozenset[str] = frozenset()  # that name a schedule in this program

    @classmethod
    def of(
        cls,
        read: Iterable[str],
        others: str = "",
        words: str = "",
        elsewhere: Mapping[str, str] | None = None,
    ) -> "Known":
        """The same, with names in one string each."""
        sets = frozenset(read), frozenset(others.split()), frozenset(words.split())
        return cls(sets[0], elsewhere or {}, sets[1], sets[2])


def checked(owner: str, name: str, given: Any, known: Known, remedy: str) -> Mapping[str, Any]:
    """A settings file, as a dict, in which no key that is not read resembles one that is."""
    if not isinstance(given, Mapping):
        _checks.fail(owner, name, "a dict", given, remedy)
    for key in unread(given, known):
        if not _empty(given[key]) and _resembles(key, known):
            _refuse(owner, key, known)
    return given


def unread(given: Any, known: Known) -> list[str]:
    """The keys that are passed over, in order."""
    if not isinstance(given, Mapping):
        return []
    return [key for key in given if isinstance(key, str) and key not in known.read]


def number(owner: str, name: str, value: Any, **bounds: Any) -> Any:
    """A number of a settings file, which may be text (YAML reads `1e-4` so)."""
    return _arguments.number(owner, name, parsed(value), **bounds)


def parsed(value: Any) -> Any:
    """The number that a text is, or what was given."""
    if isinstance(value, str) and len(value) <= _LONGEST:
        for read in (int, float):
            try:
                return read(value)
            except ValueError:
                continue
    return value


def _empty(value: Any) -> bool:
    """Whether a value says nothing: null, or without contents."""
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def _plain(key: str) -> str:
    """A key in lower case and with underscores."""
    key = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key[:_LONGEST])
    return re.sub(r"[^a-z0-9]+", "_", key.lower()).strip("_")


def _resembles(key: str, known: Known) -> bool:
    plain = _plain(key)
    if plain in known.others:
        return False
    return bool(_nearest(plain, known)) or not (_WORDS | known.words).isdisjoint(plain.split("_"))


def _nearest(plain: str, known: Known, cutoff: float = _CLOSE) -> list[str]:
    candidates = sorted({*known.read, *known.elsewhere} if cutoff else known.read)
    return difflib.get_close_matches(plain, candidates, n=1, cutoff=cutoff)


def _refuse(owner: str, key: str, known: Known) -> NoReturn:
    plain, shown = _plain(key), repr(key[: _LONGEST // 2])
    called = plain.replace("learning_rate", "lr")
    if "lr" not in known.read:
        called = re.sub(r"(?<![a-z])lr(?![a-z])", "learning_rate", called)
    near = _nearest(plain, known) or _nearest(called, known) or _nearest(called, known, cutoff=0.0)
    reason = "is not read, and looks as if it should be"
    remedy = f"did you mean {near[0]!r}? If not, leave it out"
    if near[0] in known.elsewhere:
        reason, remedy = "is not read there", f"put it into {known.elsewhere[near[0]]}"
    raise ValueError(f"{owner}: {shown} {reason}; {remedy}.")
