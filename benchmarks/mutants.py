"""Do the tests of the core notice when it is wrong? Break it in many small ways and count.

    python -m benchmarks.mutants                          # some 200 mutants drawn by a seed
    python -m benchmarks.mutants --same-as before.jsonl   # those of an earlier run again

A mutant is one change to one line: an operator, a constant, a condition, a term left out. Each
is made in a temporary copy of the checkout, never in the checkout, and the tests of the core run
on it until one fails. One that no test notices either changes nothing that can be observed, or
shows where a test is missing.

Running every test on every mutant would take days, so there are three rounds.

1. The untouched copy: every test must pass. It measures how long each takes and which functions
   it enters, and fills a compilation cache, so that later only what a mutant changed is compiled.
2. Each mutant alone: the tests that enter its function, those expected to find it soon first, as
   many as fit into `--quick-seconds`.
3. All that are left at once, with every test: mutants that no test notices together are noticed
   by none. Each test that fails is then run on each of them alone.

A mutant is known by its file's name, the text of its line, and the change, so it is found again
when the file has moved or other lines have changed. Results go to `--out` as they come, a JSON
object a line; a later line about a mutant replaces an earlier one. The order of mutants is
random but fixed: those done when it is interrupted are a fair sample of all. Two cores need
about an hour.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.forked_tests import core, files, preimport, run
from benchmarks.mutations import Mutant, mutants_of

VALUES = "tests/test_contract.py::test_value_is_that_of_the_formula"
QUICK = ["contract", "contract_cycles", "contract_steps", "contract_values", "bad_input"]
QUICK += ["config", "horizon", "noise", "optax_failures", "programs", "spans", "table"]
QUICK += ["numerics", "recipes", "restarts"]
THOROUGH = ["contract_gradients", "contract_hyperparameters", "compositions", "horizons"]
ORIGINAL_TIME = 1e9  # of every file of the copy, so that what was compiled of it stays valid


def draw(tree: Path, count: int, seed: int) -> list[Mutant]:
    """Mutants of every file, in proportion to its lines; in random order."""
    rng, texts = random.Random(seed), {path: (tree / path).read_text() for path in core(tree)}
    lines, drawn = sum(text.count("\n") for text in texts.values()), []
    for path, text in texts.items():
        some = mutants_of(path, text)
        share = count * text.count("\n") / lines
        drawn += rng.sample(some, min(round(share), len(some)))
    return rng.sample(drawn, len(drawn))


def again(tree: Path, earlier: Path, renamed: dict[str, str]) -> list[Mutant]:
    """The mutants of an earlier run that this tree still has, wherever their lines are now."""

    def today(text: str) -> str:
        return re.sub(r"\w+", lambda word: renamed.get(word[0], word[0]), text)

    every = [m for path in core(tree) for m in mutants_of(path, (tree / path).read_text())]
    named = {m.key: m for m in every}
    moved = {m.key[1:]: m for m in every}
    keys = [json.loads(line)["key"] for line in earlier.open()]
    wanted = dict.fromkeys((name, today(line), today(change), n) for name, line, change, n in keys)
    found = {key: named.get(key) or moved.get(key[1:]) for key in wanted}
    gone = [key for key, mutant in found.items() if mutant is None]
    for name, text, change, _ in gone:
        print(f"gone: {name}: {text}  [{change}]")
    print(f"{len(gone)} of {len(found)} mutants are gone with their lines")
    return [mutant for mutant in found.values() if mutant is not None]


@contextlib.contextmanager
def applied(copy: Path, mutants: Iterable[Mutant]) -> Iterator[None]:
    """The copy with these mutants; their files as they were afterwards."""
    texts: dict[Path, str] = {}
    for mutant in sorted(mutants, key=lambda m: -m.start):  # from the end: offsets stay right
        path = copy / mutant.path
        texts.setdefault(path, path.read_text())
        path.write_text(mutant.apply(path.read_text()))
    try:
        yield
    finally:
        for path, text in texts.items():
            path.write_text(text)
            os.utime(path, (ORIGINAL_TIME, ORIGINAL_TIME))


def _digest(copy: Path) -> str:
    texts = (path.read_bytes() for path in sorted(copy.rglob("*.py")))
    return hashlib.sha256(b"".join(texts)).hexdigest()


class Rounds:
    """The state of a run: the copy, what the untouched one did, and what found mutants so far."""

    def __init__(self, copy: Path, out: Path, quick: float) -> None:
        self.copy, self.out, self.quick = copy, out, quick
        self.kills = collections.Counter({VALUES: 10})
        kept, digest = out.with_suffix(".untouched.json"), _digest(copy)
        self.baseline = json.loads(kept.read_text()) if kept.exists() else {}
        if self.baseline.get("digest") != digest:  # an earlier run may have measured the same
            found = run(copy, files(copy, QUICK), 7200, measured=True)
            if found["failed"]:
                raise SystemExit(f"the untouched copy fails: {found['failed'][:5]}")
            self.baseline = found | {"digest": digest}
            kept.write_text(json.dumps(self.baseline))
        cpu, count = self.baseline["cpu"], len(self.baseline["seconds"])
        print(f"untouched: {count} tests pass in {cpu:.0f} s of CPU", flush=True)

    def likely(self, mutant: Mutant) -> list[str]:
        """The tests that enter its function, as many as may be."""
        entered = self.baseline["entered"]
        of_file = [names for key, names in entered.items() if key.startswith(f"{mutant.path}:")]
        groups = set(entered.get(f"{mutant.path}:{mutant.function}", ()))
        groups = groups or set().union(*of_file)  # at the top of a module: all that use the file
        names = [name for name, group in self.baseline["groups"].items() if group in groups]
        chosen, spent = [], 0.0
        for name in sorted(names, key=self.price):
            spent += self.baseline["seconds"][name]
            if spent > self.quick and chosen:
                break
            chosen.append(name)
        return chosen

    def price(self, name: str) -> float:
        """Cheap tests and ones of proven worth come first."""
        return (self.baseline["seconds"][name] + 0.01) / (1 + self.kills[name.partition("[")[0]])

    def report(self, mutant: Mutant, state: str, found: dict[str, Any]) -> None:
        by = found["failed"][0] if state == "caught" else None
        line = {"key": mutant.key, "file": str(mutant.path), "line": mutant.line, "state": state}
        line |= {"by": by, "cpu": round(found["cpu"], 1), "wall": round(found["wall"], 1)}
        with self.out.open("a") as file:
            file.write(json.dumps(line) + "\n")
        place = f"{mutant.path}:{mutant.line}"
        print(f"{state:9} {place} [{mutant.change}] {mutant.text}  {by or ''}", flush=True)

    def alone(self, mutant: Mutant, names: Sequence[str], otherwise: str) -> bool:
        """Whether one of these tests notices this mutant."""
        seconds = sum(self.baseline["seconds"][name] for name in names)
        with applied(self.copy, [mutant]):
            tests = list(dict.fromkeys(name.partition("::")[0] for name in names))
            found = run(self.copy, tests, 60 + 3 * seconds, chosen=names)
        if found["failed"]:
            self.kills[found["failed"][0].partition("[")[0]] += 1
        self.report(mutant, "caught" if found["failed"] else otherwise, found)
        return bool(found["failed"])

    def together(self, mutants: list[Mutant]) -> None:
        """All tests on all of these at once, then what fails on each."""
        if not mutants:
            return
        with applied(self.copy, mutants):
            found = run(self.copy, files(self.copy, QUICK + THOROUGH), 7200)
        self.baseline["seconds"] = found["seconds"] | self.baseline["seconds"]
        failed = [name for name in found["failed"] if name in self.baseline["seconds"]]
        broken = len(failed) < len(found["failed"])  # together they do not even run
        if broken and len(mutants) > 1:
            half = len(mutants) // 2
            self.together(mutants[:half]), self.together(mutants[half:])
            return
        for mutant in mutants:
            if failed:
                self.alone(mutant, sorted(failed, key=self.price), "survived")
            else:
                self.report(mutant, "caught" if broken else "survived", found)


def copied(tree: Path, copy: Path) -> None:
    """Copy what tests read; every file as of one time, and nothing compiled."""
    for name in ("anneal_jax", "tests", "examples", "benchmarks", "docs"):
        shutil.copytree(tree / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in tree.glob("*.*"):
        if path.is_file():
            shutil.copy(path, copy)
    for path in copy.rglob("*.py"):
        os.utime(path, (ORIGINAL_TIME, ORIGINAL_TIME))


def batches(mutants: Iterable[Mutant]) -> list[list[Mutant]]:
    """Groups whose changes do not overlap, so that each can be made at once."""
    groups: list[list[Mutant]] = []
    for mutant in mutants:
        free = [g for g in groups if not any(mutant.overlaps(other) for other in g)]
        free[0].append(mutant) if free else groups.append([mutant])
    return groups


def summary(out: Path) -> None:
    """The share that was caught, and every mutant that was not."""
    last = {tuple(r["key"]): r for r in map(json.loads, out.open())}
    states = collections.Counter(r["state"] for r in last.values())
    print(f"{states['caught']} of {len(last)} mutants caught")
    for key, r in last.items():
        if r["state"] != "caught":
            print(f"{r['state']}: {r['file']}:{r['line']}: {key[1]}  [{key[2]}]")


def main() -> None:
    """Draw, run, and say how many were caught."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tree", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--out", type=Path, default=Path("runs/mutants.jsonl"))
    parser.add_argument("--same-as", type=Path, help="results of an earlier run, to repeat")
    parser.add_argument("--renamed", nargs="*", default=[], metavar="OLD=NEW", help="since then")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick-seconds", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no mutant after these")
    given = parser.parse_args()
    began, out = time.time(), given.out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    mutants = draw(given.tree, given.count, given.seed)
    if given.same_as:
        mutants = again(given.tree, given.same_as, dict(x.split("=") for x in given.renamed))
    out.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        copied(given.tree, copy)
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", f"{folder}/compiled")
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "0"
        preimport()
        rounds, left, done = Rounds(copy, out, given.quick_seconds), [], 0
        for mutant in mutants:
            if time.time() - began > 60 * given.minutes:
                break
            done += 1
            names = rounds.likely(mutant)
            if not (names and rounds.alone(mutant, names, "left")):
                left.append(mutant)
        print(f"{done - len(left)} of {done} caught by likely tests; now all tests on the rest")
        for batch in batches(left):
            rounds.together(batch)
    summary(out)


if __name__ == "__main__":
    main()
