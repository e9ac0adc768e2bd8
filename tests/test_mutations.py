"""The mutants of `benchmarks.mutants`: single changes, which are found again in a changed file."""

import ast
import itertools
from pathlib import Path

from benchmarks.mutants import batches
from benchmarks.mutations import functions, mutants_of

PATH = Path("anneal_jax/_some.py")
TEXT = '''"""One 1."""

LIMIT = 2.0


def f(x: int | None, n: int = 3) -> float:
    """Two + 2."""
    if x is None or not n < 5:
        raise ValueError(f"n + 1 is {n + 1}")
    return max(x, 0) - n  # ≥ 4
'''
CHANGES = [
    ("LIMIT = 2.0", "2.0 → 20.0"),
    ("LIMIT = 2.0", "2.0 → 0.2"),
    ("def f(x: int | None, n: int = 3) -> float:", "3 → 4"),
    ("def f(x: int | None, n: int = 3) -> float:", "3 → 2"),
    ("if x is None or not n < 5:", "x is None or not n < 5 → not (x is None or not n < 5)"),
    ("if x is None or not n < 5:", "or → and"),
    ("if x is None or not n < 5:", "x is None → False"),
    ("if x is None or not n < 5:", "not n < 5 → False"),
    ("if x is None or not n < 5:", "is → is not"),
    ("if x is None or not n < 5:", "not n < 5 → (n < 5)"),
    ("if x is None or not n < 5:", "< → <="),
    ("if x is None or not n < 5:", "5 → 6"),
    ("if x is None or not n < 5:", "5 → 4"),
    ("return max(x, 0) - n  # ≥ 4", "- → +"),
    ("return max(x, 0) - n  # ≥ 4", "max(x, 0) - n → (max(x, 0))"),
    ("return max(x, 0) - n  # ≥ 4", "max → min"),
    ("return max(x, 0) - n  # ≥ 4", "0 → 1"),
]


def test_operators_constants_conditions_and_terms_are_changed_one_at_a_time() -> None:
    """Annotations, messages, docstrings and comments stay."""
    found = mutants_of(PATH, TEXT)
    assert sorted((m.text, m.change) for m in found) == sorted(CHANGES)
    for mutant in found:
        changed = mutant.apply(TEXT)
        ast.parse(changed)
        lines = zip(TEXT.splitlines(), changed.splitlines(), strict=True)
        different = [number for number, (a, b) in enumerate(lines, 1) if a != b]
        assert different == [mutant.line]


def test_a_mutant_keeps_its_name_when_its_file_changes() -> None:
    moved = mutants_of(Path("elsewhere/_some.py"), TEXT.replace("LIMIT", "MORE = 1 + 1\nLIMIT"))
    assert {m.key for m in mutants_of(PATH, TEXT)} < {m.key for m in moved}


def test_equal_changes_of_equal_lines_have_different_names() -> None:
    twice = "a = b + c\nd = 0\na = b + c\n"
    found = mutants_of(PATH, twice)
    assert len({m.key for m in found}) == len(found)
    assert [m.line for m in found if m.change == "+ → -"] == [1, 3]


def test_lines_know_their_function() -> None:
    assert functions(TEXT) == dict.fromkeys(range(7, 11), "f:6")


def test_mutants_of_one_batch_do_not_overlap() -> None:
    found = mutants_of(PATH, TEXT)
    grouped = batches(found)
    assert sum(map(len, grouped)) == len(found)
    assert len(grouped) < len(found) / 2
    for group in grouped:
        spans = sorted((m.start, m.end) for m in group)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
