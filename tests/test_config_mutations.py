"""Configurations that were damaged: a schedule, or one clear sentence; never anything else.

A few hundred mutants of every kind of configuration run with the tests;
`python -m tests.test_config_mutations 100000` tries as many as one likes.
"""

import json
import random
import sys
import time
import warnings
from typing import Any

import pytest

import anneal_jax as anneal
from tests.table import CASES

LONGEST = 300  # characters of a sentence
SLOWEST = 5.0  # seconds
WORDS = ["", "x", "5%", "1e999999999%", "3e-4", "Linear", "Function", "__class__", "²", "a" * 9999]
NUMBERS = [0, -1, 1, 2, 3.5, 1e300, -1e300, 1e-300, 1e39, float("nan"), float("inf"), -0.0]
NUMBERS += [2**31 - 1, 2**31, 2**63, 2**70, 10**400, 10**9, True, False]
OTHERS: list[Any] = [
    None,
    [],
    {},
    [1],
    [[2.0], 5],
    {"kind": "Constant"},
    {"kind": 5},
    [None],
    ["a"],
]
HORIZON = anneal.Horizon(total=1000)


def sources() -> list[dict[str, Any]]:
    """One configuration of every case that has one, and some recipes by their names."""
    found = []
    for case in CASES:
        try:
            found.append(anneal.to_config(case.schedule()))
        except ValueError:  # a function, which is code
            continue
    cooled = {"kind": "with_cooldown", "schedule": found[0], "start": 5, "decay_steps": "10%"}
    multi = {"kind": "warmup_multi_step", "peak_value": 1.0, "warmup_steps": 5}
    multi |= {"boundaries": [10, 20], "factors": [0.5, 0.5]}
    peak: dict[str, Any] = {"peak_value": 1.0, "warmup_steps": "5%", "total_steps": "100%"}
    return [
        *found,
        cooled,
        multi,
        {"kind": "warmup_cosine"} | peak,
        {"kind": "deepseek_steps"} | peak,
    ]


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every container in `data` with every key or index."""
    keys: Any = (
        data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    )
    return [place for key in keys for place in ((data, key), *places(data[key]))]


def mutated(config: dict[str, Any], rng: random.Random) -> Any:
    """The configuration with up to three of its parts replaced, doubled, moved or left out."""
    config = json.loads(json.dumps(config))
    for _ in range(rng.randint(1, 3)):
        where = places(config)
        if rng.random() < 0.9:  # else few get past the name
            where = [place for place in where if place[1] not in ("kind", "version")]
        if not where:
            break
        container, key = rng.choice(where)
        match rng.randrange(5):
            case 0:
                container[key] = rng.choice([*WORDS, *NUMBERS, *OTHERS])
            case 1:
                other, another = rng.choice(where)
                container[key] = json.loads(json.dumps(other[another]))
            case 2:
                del container[key]
            case 3 if isinstance(container, dict):
                container[rng.choice([*WORDS, "kind", "version", "steps"])] = container.pop(key)
            case _:
                value = container[key]
                number = type(value) in (int, float) and abs(value) < 1e300
                container[key] = value * rng.choice([-1, 0.5, 3, 1e10]) if number else [value]
    return config


def complaint(config: Any) -> str | None:
    """What is wrong with how `from_config` takes this, or None."""
    began, horizon = time.process_time(), HORIZON
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            schedule = anneal.from_config(config, horizon)
            again = anneal.from_config(anneal.to_config(schedule))
            if again != schedule and "nan" not in repr(schedule):
                return f"does not come back equal: {schedule!r}"
    except ValueError as error:
        if " must be " not in str(error) or not len(str(error)) <= LONGEST:
            return f"no clear sentence: {error}"
        if type(error) is not ValueError:
            return f"{type(error)}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    seconds = time.process_time() - began
    return f"took {seconds:.1f} s" if seconds > SLOWEST else None


def broken(count: int, seed: int) -> dict[str, Any]:
    """Complaints about `count` mutants, each with one that causes it."""
    rng, found, originals = random.Random(seed), {}, sources()
    for k in range(count):
        config = mutated(originals[k % len(originals)], rng)
        told = complaint(config)
        if told:
            found.setdefault(told[:60], (told[:300], config))
    return found


def test_mutated_configs() -> None:
    """Whatever is changed, in bounded time."""
    assert broken(4000, seed=0) == {}


@pytest.mark.parametrize(
    "config",
    [
        {
            "kind": "Repeat",
            "schedule": {"kind": "Linear", "init_value": 1, "end_value": 0, "steps": 9},
        }
        | more
        for more in [
            {"cycles": 2**31 - 1, "steps_factor": 2},
            {"cycles": 10**9, "steps_factor": 0.5},
            {"cycles": 10**9, "steps_factor": 1.0},
            {"steps_factor": 1 + 1e-12},
            {"cycles": 3, "steps_factor": 1e308},
        ]
    ],
    ids=lambda config: str(list(config.values())[2:]),
)
def test_what_asks_for_gigabytes_is_refused_before_it_is_laid_out(config: Any) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match="must be"):
        anneal.from_config(config)
    assert time.process_time() - began < 1


def test_nesting_has_a_stated_depth() -> None:
    """Both ways; what is that deep can still be asked."""
    config: Any = {"kind": "Constant", "value": 1.0}
    schedule = anneal.Constant(1.0)
    for _ in range(200):
        config, schedule = {"kind": "Shift", "schedule": config, "offset": 1}, schedule.shift(1)
    with pytest.raises(ValueError, match="at most 64 levels deep"):
        anneal.from_config(config)
    with pytest.raises(ValueError, match="at most 64 levels deep"):
        anneal.to_config(schedule)


if __name__ == "__main__":
    for told, example in broken(int(sys.argv[1]), seed=int(sys.argv[2])).values():
        print(told, "\n   ", str(example)[:1000])
