"""Annotations are true: the types of all calls are checked while the tables of cases are built.

What a type checker makes of them: `tests/typing/`, which pyright reads.
"""

import subprocess
import sys
from pathlib import Path


def test_types_hold_at_run_time() -> None:
    """For numbers and for tracers, in every schedule and transformation, to the private ones."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.typing.at_run_time"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert run.returncode == 0, run.stderr
