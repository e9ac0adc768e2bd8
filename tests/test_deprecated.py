"""Calls as they were written before still work, and say what to write instead."""

import inspect

import pytest

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
