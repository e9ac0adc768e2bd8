"""Calls as they were written before still work, and say what to write instead."""

import inspect
from typing import Any

import pytest

import anneal_jax as anneal
from anneal_jax._deprecated import keywords, renamed


@keywords
@renamed(old="new")
def function(a: int, b: int = 2, *, new: int = 3, more: int = 4) -> tuple[int, ...]:
    """Stands for any function of ours."""
    return a, b, new, more


def test_today_s_form_warns_of_nothing() -> None:
    assert function(1, new=5) == (1, 2, 5, 4)
    assert list(inspect.signature(function).parameters) == ["a", "b", "new", "more"]


def test_a_former_name() -> None:
    with pytest.warns(DeprecationWarning, match=r"function\(old=...\) is deprecated .* new=") as w:
        assert function(1, old=5) == (1, 2, 5, 4)
    assert w[0].filename == __file__


def test_both_names_are_an_error() -> None:
    with pytest.raises(TypeError, match="old is the former name of new, got both"):
        function(1, old=5, new=6)


def test_what_was_given_by_position() -> None:
    with pytest.warns(DeprecationWarning, match="new, more by position .* new=..., more=...") as w:
        assert function(1, 2, 5, 6) == (1, 2, 5, 6)
    assert w[0].filename == __file__


def test_too_many_are_too_many() -> None:
    with pytest.raises(TypeError, match="positional argument"):
        function(1, 2, 3, 4, 5)


def test_given_twice() -> None:
    with (
        pytest.warns(DeprecationWarning, match="by position"),
        pytest.raises(TypeError, match="multiple values"),
    ):
        function(1, 2, 3, new=3)


FORMER: dict[str, tuple[Any, Any]] = {
    "options of a recipe by position": (
        lambda: anneal.warmup_cosine(1.0, 2, 9, 0.1, 0.2, 2.0),
        lambda: anneal.warmup_cosine(1.0, 2, 9, init_value=0.1, end_value=0.2, exponent=2.0),
    ),
    "end_value_factor": (
        lambda: anneal.cosine_restarts(1.0, 5, 3, end_value=0.1, end_value_factor=0.5),
        lambda: anneal.cosine_restarts(1.0, 5, 3, end_value=0.1, floor_factor=0.5),
    ),
    "values before boundaries": (
        lambda: anneal.PiecewiseConstant([1.0, 0.1], [3]),
        lambda: anneal.PiecewiseConstant([3], [1.0, 0.1]),
    ),
    "values before boundaries by name": (
        lambda: anneal.PiecewiseConstant([1.0, 0.1], boundaries=[3]),
        lambda: anneal.PiecewiseConstant(boundaries=[3], values=[1.0, 0.1]),
    ),
    "kind and range of noise": (
        lambda: anneal.Constant(1.0).noise(0, kind="uniform", range=(2, 5)),
        lambda: anneal.Constant(1.0).noise(0, distribution="uniform", begin=2, end=5),
    ),
    "Scale": (lambda: anneal.Scale(3, 2)(5), lambda: anneal.TimeScale(3, 2)(5)),
}


@pytest.mark.parametrize("form", FORMER)
def test_a_former_form_is_today_s(form: str) -> None:
    """The same value, and a warning at the line that wrote it."""
    former, today = FORMER[form]
    with pytest.warns(DeprecationWarning, match="next minor version") as warned:
        assert former() == today()
    assert {w.filename for w in warned} == {__file__}
