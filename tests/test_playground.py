"""The playground runs the library's own programs, and what it says to copy builds what it draws."""

import json
import random
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import anneal_jax as anneal
from anneal_jax.schedules import _evaluation
from docs.playground import build, lines
from docs.playground.program import traced
from docs.playground.registry_more import ENTRIES, GROUPS
from docs.playground.translate import javascript
from tests import numpy_eval, oracle as o, test_table
from tests.cases import points, references
from tests.javascript import CHROMIUMS, ENGINES, run
from tests.table import CASES

FILES = build.HERE
READ = ("runtime.js", "state.js", "text.js", "curve.js")  # what needs no document
SETTINGS = 2  # of each line: the defaults, and others at random


def _answers(program: str, folder: Path) -> list[list[Any]]:
    """What the program finds by Node and by a browser, or by one of them where the other is not."""
    if not ENGINES:
        pytest.skip(f"neither Node nor a browser ({', '.join(CHROMIUMS)}) is installed")
    return [run(engine, program, folder) for engine in ENGINES]


def _translated() -> str:
    """All cases as programs of their hyperparameters, asked about their points."""
    calls = []
    for case in CASES:
        names = list(case.numbers)

        def ask(step: Any, *numbers: Any, case: Any = case, names: Any = names) -> list[Any]:
            return [case.build(**dict(zip(names, numbers, strict=True))).value_at(step)]

        kinds = [np.float64 for _ in case.floats] + [np.int64 for _ in case.ints]
        program = javascript(traced(ask, [np.int64, *kinds]))
        calls.append(f"[{program},{list(case.numbers.values())},{points(case).tolist()}]")
    asked = "f(...numbers).map(v=>steps.map(t=>typeof v==='function'?v(t):v))[0]"
    each = "[" + ",\n".join(calls) + f"].map(([f,numbers,steps])=>{asked})"
    return f"{(FILES / 'runtime.js').read_text()}\nconst RESULT={each};"


def test_translated_programs_are_the_schedules(tmp_path: Path) -> None:
    """Every case at every point; in double, with numbers that Python only keeps in double, too."""
    answers = _answers(_translated(), tmp_path)
    for case, got in (pair for found in answers for pair in zip(CASES, found, strict=True)):
        wanted, sizes = references(case)
        for step, g, w, s in zip(points(case), got, wanted, sizes, strict=True):
            small = 1e-37 if s < 1e-37 else 0  # the program is Python's: no subnormal numbers
            assert g is not None, f"{case.name} at {step}: no finite number"
            assert abs(o.mp.mpf(g) - w) <= 1e-9 * s + small, f"{case.name} at {step}: {g}"


def _settings() -> list[dict[str, Any]]:
    """Lines to try: every choice, with the default numbers and with others in their ranges."""
    rng, found = random.Random(0), []
    for name, entry in ENTRIES.items():
        for labels, _ in lines.variants(entry):
            choices = dict(zip(entry.choices, labels, strict=True))
            for k in range(SETTINGS):
                numbers = {n: _number(rng, p) for n, p in lines.parameters(entry).items() if k}
                found.append({"name": name, "numbers": numbers, "choices": choices})
    return found


def _number(rng: random.Random, parameter: Any) -> float:
    least, most = parameter.least, parameter.most
    low = max(least, most * 1e-5)
    spread = (
        least + (most - least) * rng.random() if least < 0 else low * (most / low) ** rng.random()
    )
    x = rng.choice([least, most, spread, spread, spread])
    return round(x) if parameter.whole else float(f"{x:.3g}")


ASK = """
const RESULT = SETTINGS.map(({name, numbers, choices}) => {
  const s = fresh(name, numbers, choices), plan = planOf(s), steps = stepsOf(plan, plan.shown, 12);
  const copied = readAddress(addressOf({a: s, b: null, steps: 7, log: true}));
  return {line: pythonLine(s), config: variantOf(s).config && configText(s), steps,
    values: steps.map(plan.value), cycles: steps.map(plan.cycle), length: plan.length,
    same: JSON.stringify(copied.a) === JSON.stringify(s) && copied.steps === 7 && copied.log,
    starts: plan.phases.map((p) => p.start), trace: traceOf(s, plan.shown, 40).area.sum};
});"""


def test_what_is_copied_builds_what_is_drawn(tmp_path: Path) -> None:
    """The line and the configuration make one schedule, whose values and phases the page shows."""
    settings = _settings()
    known = f"{build.script(*READ)}\nconst SETTINGS={json.dumps(settings)};"
    answers = _answers(known + ASK, tmp_path)
    for asked, *found in zip(settings, *answers, strict=True):
        schedule = eval(found[0]["line"], {"anneal": anneal})
        steps = np.array(found[0]["steps"], jax.dtypes.canonicalize_dtype(np.int64))
        with jax.numpy_dtype_promotion("standard"):  # for the function of `Function`
            values = numpy_eval.evaluate(_evaluation.evaluate, schedule, steps)
        cycles = np.zeros(len(steps))
        if schedule.has_restarts:
            cycles = numpy_eval.evaluate(_evaluation.cycles, schedule, steps)
        starts = [int(at) for _, at in lines.phases_of(schedule)]
        near = 1e-6 * np.abs(values) + 1e-7 * np.abs(values).max() + 1e-37
        for said in found:
            about = f"{said['line']}, of {asked}"
            assert said["line"] == found[0]["line"], about
            assert said["same"], about  # the address keeps everything
            assert said["length"] == schedule.steps, about
            assert said["cycles"] == cycles.tolist(), about
            assert said["starts"] == starts, about
            got = np.array(said["values"], float)
            assert np.isfinite([*got, said["trace"]]).all(), about
            assert (np.abs(got - values) <= near).all(), (about, got, values)
        if found[0]["config"] is not None:
            assert _alike(anneal.from_config(json.loads(found[0]["config"])), schedule), asked


def _alike(first: anneal.Schedule, second: anneal.Schedule) -> bool:
    """The same structure and numbers, an int for a float or not."""
    leaves = [jax.tree.leaves(x) for x in (first, second)]
    return type(first) is type(second) and all(
        np.array_equal(a, b) for a, b in zip(*leaves, strict=True)
    )


USE = """
const problems = [], field = (id, value, ...events) => {
  const element = document.getElementById(id);
  element.value = value;
  for (const name of events) element.dispatchEvent(new Event(name, {bubbles: true}));
};
window.addEventListener("error", (event) => problems.push(event.message));
const look = (about) => {
  refresh();
  const text = document.querySelector("main").outerHTML;
  if (/NaN|undefined|Infinity/.test(text)) problems.push(about);
};
for (const name of Object.keys(ENTRIES)) {
  field("a-name", name, "change");
  for (const slider of document.querySelectorAll("#panel-a .slid")) {
    slider.value = 900;
    slider.dispatchEvent(new Event("input", {bubbles: true}));
  }
  look(name);
}
field("a-name", "warmup_cosine", "change");
document.getElementById("compare").click();
field("b-name", "trapezoid", "change");
field("b-total_steps", "1000", "input", "change");
field("steps", "5000", "input");
document.getElementById("log").click();
field("a-warmup_steps", "99999", "input", "change");
look("compared");
const RESULT = {problems, hash: location.hash,
  python: document.getElementById("python").textContent,
  said: document.querySelector("#panel-a .said").textContent,
  nameless: [...document.querySelectorAll("input, select")].filter(
    (x) => !x.labels.length && !x.ariaLabel).map((x) => x.id)};"""


def test_the_page_works_in_a_browser(tmp_path: Path) -> None:
    if "browser" not in ENGINES:
        pytest.skip(f"no browser ({', '.join(CHROMIUMS)}) is installed")
    found = run("browser", USE, tmp_path, build.page())
    assert found["problems"] == found["nameless"] == []
    assert "b=trapezoid;decay_steps%3D500;total_steps%3D1000&steps=5000&log" in found["hash"]
    assert "anneal.trapezoid(" in found["python"]
    assert "warmup_steps <= total_steps" in found["said"]


def test_phases_are_where_the_parts_of_a_join_begin() -> None:
    warm = anneal.warmup_cosine(1.0, 10, 100)
    assert lines.phases_of(anneal.with_cooldown(warm, 50, 20)) == [
        ("Linear", 0),
        ("Cosine", 10),
        ("OneMinusSqrt", 50),
    ]
    cut = anneal.with_cooldown(warm, 5, 20)  # of the cosine nothing is left
    assert [int(at) for _, at in lines.phases_of(cut)] == [0, 5, 5]
    cycles = anneal.warmup_stable_decay_cycles(1.0, 2, 3, [10, 20])
    assert lines.phases_of(cycles) == [("cycle 1", 0), ("cycle 2", 10)]


def test_every_public_schedule_is_on_the_page() -> None:
    public = {
        name
        for name, x in vars(anneal).items()
        if not name.startswith("_")
        and (test_table._is_schedule_class(x) or test_table._returns_schedule(x))
    }
    assert set(ENTRIES) == public - test_table.READERS
    assert sum(map(len, GROUPS.values())) == len(ENTRIES)  # no name stands twice


def test_the_page_is_one_small_file_that_asks_for_no_other() -> None:
    page = build.page()
    assert len(page.encode()) < 400_000
    asks = r"https?://|\bsrc=|@import|\burl\(|\bfetch\(|\bimport\(|<link(?! rel=\"icon\")"
    assert not re.findall(asks, page)
    assert "/* script */" not in page
