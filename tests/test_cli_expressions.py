"""Schedule expressions of the command line: each is the Python call that it looks like."""

import string
import time

import pytest
from hypothesis import given, settings, strategies as st

import anneal_jax as anneal
from anneal_jax.cli._expression import expression
from anneal_jax.cli._grammar import DEEPEST, SpecError
from anneal_jax.cli._meaning import schedule_of
from anneal_jax.schedules._builders import builders
from tests.strategies import compositions
from tests.table import CASES

HORIZON = anneal.Horizon("3ep", examples_per_epoch=50_000, batch_size=250, tokens_per_example=100)
PLAIN = [case for case in CASES if "a function" not in case.name]  # code is no data
LINEAR = anneal.Linear(0.0, 1.0, 10)
CALLS = {
    "warmup_cosine(3e-4, 5%, 100%)": lambda: anneal.warmup_cosine(3e-4, 30, 600),
    " warmup_linear( 1 , warmup_steps = 1ep,total_steps='100%' ) ": (
        lambda: anneal.warmup_linear(1, 200, 600)
    ),
    "trapezoid(.1, 10, 1.5Mtok, 1_000)": lambda: anneal.trapezoid(0.1, 10, 60, 1000),
    "warmup_stable_decay(1., 5, 5, 20, cooldown=Linear)": (
        lambda: anneal.warmup_stable_decay(1.0, 5, 5, 20, cooldown=anneal.Linear)
    ),
    "Linear(0, 1, 10).then(Cosine(1, 0, 90), Constant(0))": (
        lambda: anneal.Linear(0, 1, 10).then(anneal.Cosine(1, 0, 90), anneal.Constant(0))
    ),
    "warmup_linear(1, 2, 9).then(Constant(0))": (
        lambda: anneal.warmup_linear(1, 2, 9).then(anneal.Constant(0))
    ),
    "Linear(0, 1, 10).repeat(3, value_factor=0.5)": lambda: LINEAR.repeat(3, value_factor=0.5),
    "Linear(0, 1, 10).repeat(None, 2)": lambda: LINEAR.repeat(None, 2),
    "repeat(Linear(0, 1, 10), periods=[10, 1ep])": lambda: LINEAR.repeat(periods=[10, 200]),
    "join([Linear(0, 1, 10), Constant(1)], [5])": (
        lambda: anneal.join([LINEAR, anneal.Constant(1)], [5])
    ),
    "Linear(0, 1, 10).shift(1ep).until(2ep).every(3)": (
        lambda: LINEAR.shift(200).until(400).every(3)
    ),
    "Linear(0, 1, 10).clip(upper=0.5).reverse().stretch(2.5)": (
        lambda: LINEAR.clip(upper=0.5).reverse().stretch(2.5)
    ),
    "-Linear(0, 1, 10) * 2 + 1 - 0.5 * Constant(3) / 2 ** 2": (
        lambda: -LINEAR * 2 + 1 - 0.5 * anneal.Constant(3) / 2.0**2
    ),
    "Linear(0, 1, 10) ** 2 ** 0.5": lambda: LINEAR ** (2**0.5),
    "2 - --(Linear(0, 1, 10))": lambda: 2 - -1.0 * (-LINEAR),
    "minimum(Linear(0, 1, 10), 3e-1)": lambda: anneal.minimum(LINEAR, 0.3),
    "Interpolated([0, 5%, 100%], [0, 1, 0.1], Cosine)": (
        lambda: anneal.Interpolated([0, 30, 600], [0, 1, 0.1], anneal.Cosine)
    ),
    "InverseTime(1, 5, 0.5, staircase=true)": (
        lambda: anneal.InverseTime(1, 5, 0.5, staircase=True)
    ),
    "Triangular(0, 1, 5, mode='triangular2')": (
        lambda: anneal.Triangular(0, 1, 5, mode="triangular2")
    ),
}


@pytest.mark.parametrize("text", CALLS)
def test_an_expression_is_the_call_in_python(text):
    assert schedule_of(text, HORIZON) == CALLS[text]()


@pytest.mark.parametrize(
    "case", [c for c in CASES if "a function" not in c.name], ids=lambda case: case.name
)
def test_a_printed_expression_is_read_again(case):
    assert schedule_of(expression(case.schedule()), None) == case.schedule()


@given(compositions())
@settings(max_examples=40)
def test_a_printed_composition_is_read_again(both):
    # By what they say: a stretched endless table keeps its size, so that nothing is compiled anew.
    found = schedule_of(expression(both.schedule), None)
    assert anneal.to_config(found) == anneal.to_config(both.schedule)


def test_every_schedule_and_recipe_has_its_name():
    for name in builders():
        with pytest.raises(SpecError) as refused:
            schedule_of(f"{name}()", None)
        assert "the name of no schedule" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", 0, "a schedule or a number must stand here, got the end"),
        ("warmup_cosin(1)", 0, "did you mean 'warmup_cosine'?"),
        ("  Linear(1, 0", 13, "',' or ')' must stand here, got the end"),
        ("Linear(1 0)", 9, "',' or ')' must stand here, got '0'"),
        ("Linear(1, 0, 5) Linear", 16, "must stand here, got 'Linear'"),
        ("Linear(1, 0, 5).ten(3)", 16, "did you mean 'then'?"),
        ("Linear(1, 0, 5).value_at(3)", 16, "the name of no verb"),
        ("Linear(1, 0, 5).then(3)", 16, "schedules alone"),
        ("Linear(1, 0, 5).stretch(x)", 16, "factor must be a number, got 'x'"),
        ("Linear(1, 0, 5).every()", 16, "interval must be given"),
        ("Linear(1, 0, stps=5)", 13, "did you mean 'steps'?"),
        ("Linear(1, 0, 5, steps=5)", 16, "'steps' is given twice"),
        ("Linear(steps=5, steps=5)", 16, "'steps' is given twice"),
        ("Linear(steps=5, 1)", 16, "an argument without a name comes first"),
        ("Linear(1, 0, 5, 6)", 16, "at most 3 arguments"),
        ("Linear(1, 0)", 0, "steps must be given"),
        ("Linear(1, 0, 2.5)", 0, "steps must be a whole number"),
        ("0.5 * Linear(-1, 0, 2)", 6, "build a negative value by algebra"),
        ("Linear(1, 0, 5%)", 0, "pass a Horizon"),
        ("Linear(1, 0, 'abc", 13, "a string that does not end"),
        ("Linear(1, 0, 5) @ 2", 16, "an unknown sign '@'"),
        ("Linear(1, 0, 5); 2", 15, "an unknown sign ';'"),
        ("1 + 1", 2, "must be a schedule, got 2; write Constant(0.1)"),
        ("Linear", 0, "must be a schedule, got 'Linear'"),
        ("[Linear(1, 0, 5)] * 2", 18, "between schedules and numbers"),
        ("Linear(1, 0, 5) / 0", 16, "the divisor must be a number other than 0"),
        ("Constant(1 / 0)", 11, "must be a finite number"),
        ("Constant(9**9**9**9)", 13, "must be a finite number"),
        ("Constant((-8)**.5)", 13, "a root must be one of a number that is not below 0"),
        ("Constant(1__0)", 9, "is no number"),
        ("os.system('ls')", 3, "the name of no verb; there are clip, every,"),
        ("__import__('os')", 0, "no schedule; there are Linear, warmup_cosine"),
        ("Constant(1).__class__()", 12, "the name of no verb"),
    ],
)
def test_what_is_none_is_told_with_its_place(text, place, words):
    with pytest.raises(SpecError) as refused:
        schedule_of(text, None)
    assert words in str(refused.value)
    shown, caret = refused.value.lines()
    assert refused.value.at == place == caret.index("^") - 2
    assert shown[2:] == text


def test_the_place_in_a_long_text_is_shown():
    """Cut to the width of the terminal, the caret under the sign that it is about."""
    text = f"join([{'Constant(1, 5), ' * 30}Constant(@)])"
    with pytest.raises(SpecError) as refused:
        schedule_of(text, None)
    shown, caret = refused.value.lines(40)
    assert shown[caret.index("^")] == "@"
    assert max(len(shown), len(caret)) <= 40


@pytest.mark.parametrize(
    "text",
    ["(" * 9000, "[" * 9000, "-" * 9000, "Sum(" * 2000, "1" + "+1" * 4000, "2" + "**2" * 3000,
     "Constant(1)" + ".shift(1)" * 1000, "9" * 9000, "x" * 20_000, "1" + "." * 9000,
     "Constant(1)" + " + Constant(1)" * 600, "a(" * 3000, "'" + "a" * 9000],
    ids=lambda text: text[:14],
)  # fmt: skip
def test_no_text_takes_long_or_deep(text):
    begin = time.process_time()
    with pytest.raises(SpecError):
        schedule_of(text, None)
    assert time.process_time() - begin < 2.0


def test_as_deep_as_it_says():
    inner = "Constant(1)" + ".shift(1)" * (DEEPEST - 2)
    assert schedule_of(inner, None).steps is None


PIECES = [
    *"()[],.=+-*/ '\"%@", "**", "Linear", "Constant", "warmup_cosine", "then", "repeat", "steps",
    "1", "0", "0.5", "1e3", "5%", "2ep", "3e-4", "None", "true", "Linear(1, 0, 5)", ".repeat(",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(string.printable))
@settings(max_examples=300)
def test_any_text_is_a_schedule_or_one_sentence(text):
    try:
        found, told, at = schedule_of(text, HORIZON), "", 0
    except SpecError as error:
        found, told, at = None, str(error), error.at
    assert isinstance(found, anneal.Schedule) != bool(told)
    assert "\n" not in told
    assert 0 <= at <= len(text)
