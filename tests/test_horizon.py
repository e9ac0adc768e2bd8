"""Units: every conversion against exact fractions, and every ambiguity an error."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

import anneal_jax as anneal

FULL = {"batch_size": 256, "examples_per_epoch": 50_000, "tokens_per_example": 1024}


@pytest.mark.parametrize(
    ("duration", "steps"),
    [
        (0, 0),
        (17, 17),
        ("100steps", 100),
        ("1_000 st", 1000),
        ("2.5k steps", 2500),
        ("3ep", 585),  # 195 whole batches of 256 in 50,000
        ("0.5 epochs", 98),  # 97.5, halves upwards
        ("25_600ex", 100),
        ("10_000examples", 39),
        ("1Mex", 3906),
        ("400ba", 400),
        ("1.5Btok", 5722),
        ("1e9 tokens", 3815),
        ("5%", 29),  # 29.25
        ("100%", 585),
        ("0%", 0),
        ("0.001%", 1),  # a positive duration is never nothing
        ("150percent", 878),
    ],
)
def test_each_unit(duration, steps):
    """The table of units, worked out by hand."""
    assert anneal.Horizon("3ep", **FULL)(duration) == steps


def test_accumulation_and_replicas_count_once():
    """4 replicas, 2 accumulated batches of 8: 64 examples a step, 2 batches a step."""
    h = anneal.Horizon(
        "1000steps",
        batch_size=8,
        accumulation_steps=2,
        data_parallel=4,
        examples_per_epoch=6400,
        tokens_per_example=100,
    )
    assert h.examples_per_step == 64
    assert h("1ep") == 100
    assert h("10ba") == 5
    assert h("6400tok") == 1
    assert h.examples(10) == 640
    assert h.tokens(10) == 64_000
    assert h.epochs(50) == 0.5


@pytest.mark.parametrize(("remainder", "steps"), [("drop", 30), ("keep", 40), ("carry", 35)])
def test_what_the_loader_does_with_the_remainder(remainder, steps):
    """35 examples in batches of 10, ten epochs."""
    h = anneal.Horizon("10ep", batch_size=10, examples_per_epoch=35, remainder=remainder)
    assert h.total_steps == steps


@given(
    st.integers(1, 4096),
    st.integers(1, 16),
    st.integers(1, 64),
    st.integers(1, 8192),
    st.integers(1, 10**12),
)
def test_tokens_are_exact_for_any_layout(batch, accumulation, replicas, length, tokens):
    """Nearest step, halves upwards, never 0, in exact arithmetic."""
    h = anneal.Horizon(
        1,
        batch_size=batch,
        accumulation_steps=accumulation,
        data_parallel=replicas,
        tokens_per_example=length,
    )
    exact = Fraction(tokens, batch * accumulation * replicas * length)
    expected = max(1, (2 * exact + 1).__floor__() // 2)
    if expected < 2**31:
        assert h(f"{tokens}tok") == expected


def test_a_recipe_in_units():
    """Durations go straight into a recipe; the phases add up to the total."""
    h = anneal.Horizon("2Btok", **FULL)
    schedule = anneal.warmup_stable_decay(1e-3, h("1%"), h("20%"), h("100%"))
    assert schedule.steps == h.total_steps == 7629


@pytest.mark.parametrize(("mode", "steps"), [("carry", 23), ("keep", 24), ("drop", 21)])
def test_an_epoch_that_ends_in_the_middle_of_an_accumulation(mode, steps):
    """125 batches, 16 to a step: 23.4 in three epochs; Transformers takes 8 steps in each."""
    sizes = {"batch_size": 8, "examples_per_epoch": 1000, "accumulation_steps": 16}
    horizon = anneal.Horizon("3ep", **sizes, accumulation_remainder=mode)
    assert horizon.total_steps == steps
    assert horizon("100%") == steps


def test_integers_of_numpy_are_integers():
    horizon = anneal.Horizon(np.int64(30), batch_size=np.int32(8), examples_per_epoch=np.int64(80))
    assert horizon == anneal.Horizon(30, batch_size=8, examples_per_epoch=80)
    assert horizon(np.int16(7)) == 7


def test_a_schedule_that_does_not_fit_the_run_is_told():
    horizon = anneal.Horizon(100)
    exact, shorter = anneal.Linear(1.0, 0.0, 100), anneal.Linear(1.0, 0.0, 99)
    for fits in (exact, shorter, anneal.Constant(0.1)):
        assert horizon.check(fits) is fits  # warnings are errors here
    for steps, words in [
        (90, "ends at step 90 .* holds 0 from"),
        (150, "100 .* 150, at 0.34, not 0"),
    ]:
        with pytest.warns(UserWarning, match=words):
            horizon.check(anneal.Linear(1.0, 0.0, steps))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: anneal.Horizon(0), "total must be at least one step"),
        (lambda: anneal.Horizon("5%"), "absolute duration"),
        (lambda: anneal.Horizon("3ep"), "examples_per_epoch"),
        (lambda: anneal.Horizon("3ep", examples_per_epoch=100), "batch_size"),
        (lambda: anneal.Horizon("3tok", batch_size=1), "tokens_per_example"),
        (lambda: anneal.Horizon(10, batch_size=0), "batch_size must be a positive whole number"),
        (lambda: anneal.Horizon(10, batch_size=2.0), "batch_size must be a positive whole number"),
        (lambda: anneal.Horizon(10, remainder="crop"), "did you mean 'drop'"),
        (lambda: anneal.Horizon(10)(0.05), "Write '5%'"),
        (lambda: anneal.Horizon(10)(True), "a number with a unit"),
        (lambda: anneal.Horizon(10)("500"), "add steps, ep, ex, ba, tok or %"),
        (lambda: anneal.Horizon(10)("5 tokns"), "did you mean 'tokens'"),
        (lambda: anneal.Horizon(10)("-5%"), "write it like"),
        (lambda: anneal.Horizon(10)("five steps"), "write it like"),
        (lambda: anneal.Horizon(10)(-1), "from 0 to"),
        (lambda: anneal.Horizon("3Bsteps"), "below 2**31"),
        (lambda: anneal.Horizon("1e10000000st"), "write it like"),
        (lambda: anneal.Horizon(9)("1e-100000000%"), "write it like"),
        (lambda: anneal.Horizon(9)("9" * 5000 + "st"), "write it like"),
        (lambda: anneal.Horizon(9)(10**5000), "a number of 16610 bits"),
        (
            lambda: anneal.Horizon(
                "1ep",
                batch_size=1,
                examples_per_epoch=3,
                accumulation_steps=4,
                accumulation_remainder="drop",
            ),
            "at most the 3 batches",
        ),
        (
            lambda: anneal.Horizon("1ep", batch_size=64, examples_per_epoch=10),
            "at least one batch of 64",
        ),
    ],
)
def test_ambiguous_or_impossible_input_is_an_error(make, words):
    """One sentence that names the argument, and what to write instead."""
    with pytest.raises(ValueError, match="Horizon") as error:
        make()
    assert words in str(error.value)
    assert "\n" not in str(error.value)
