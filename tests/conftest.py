"""Strictness around everything that is ours, and what all tests share.

A module that runs foreign code which needs JAX's own promotion rules overrides the fixture
`strict` with one of the same name.
"""

import importlib.util
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import jax
import pytest

# Read when the first array is made: an accelerator in the machine stays out of it.
jax.config.update("jax_platforms", "cpu")

pytest.register_assert_rewrite("tests.cases", "tests.stateful")

from tests.cases import Case  # noqa: E402  (after the line above, to be rewritten by it)
from tests.table import CASES  # noqa: E402

_SETTINGS = {
    "deadline": None,  # a first call compiles
    "database": None,
    "print_blob": True,
    "suppress_health_check": [hypothesis.HealthCheck.too_slow],
}
hypothesis.settings.register_profile("fixed", derandomize=True, **_SETTINGS)
hypothesis.settings.register_profile("explore", max_examples=2000, **_SETTINGS)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


PEERS = ("torch", "transformers", "timm", "keras", "fastai", "composer")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in one line which comparisons with other frameworks were not made."""
    absent = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if absent:
        names = ", ".join(absent)
        line = f"not compared with {names}: not installed, see CONTRIBUTING.md, To add a port"
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True, scope="module")
def strict() -> Iterator[None]:
    """No implicit promotion of dtypes or ranks."""
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture(params=CASES, ids=[case.name for case in CASES], scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    """Every case in turn; tests of one case run together, so that they share what is compiled."""
    return request.param
