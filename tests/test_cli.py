"""The command line `anneal`: each command says what the Python call says, on any terminal."""

import copy
import io
import json
import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import anneal_jax as anneal
from anneal_jax import ports
from anneal_jax.cli import main
from anneal_jax.cli._convert import converted
from anneal_jax.cli._readers import Settings
from anneal_jax.laws import LevelLaw, read_log

DATA = Path(__file__).parent / "data"
COSINE = "warmup_cosine(3e-4, 10, 200)"
LINE = "warmup_linear(3e-4, 10, 200)"
COMMANDS = ["show", "plot", "compare", "convert", "read", "fit", "predict", "cooldown", "optimize"]
COMMANDS += ["bound", "refine"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys):
    """Run a command; its exit code, stdout and stderr."""

    def called(*words: Any) -> tuple[int, str, str]:
        code = main(list(map(str, words)))
        told = capsys.readouterr()
        return code, told.out, told.err

    return called


@pytest.fixture
def told(run):
    """The one JSON object that a command prints."""

    def called(*words: Any) -> Any:
        code, out, err = run(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    return called


def wrote(name: str, data: Any) -> str:
    Path(name).write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return name


PAGE = (DATA.parents[1] / "docs" / "command_line.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, flags=re.DOTALL)


def lines_of(text: str) -> list[str]:
    """Without the dots of curves, which a last bit may move."""
    text = re.sub("[\u2800-\u28ff]", "", text)
    return [line.rstrip() for line in text.strip("\n").splitlines() if line.strip()]


def test_the_page_shows_what_is_printed(run):
    wrote("training_args.json", re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)[0])
    for block in BLOCKS[:-1]:
        command, _, shown = block.partition("\n")
        _, out, err = run(*shlex.split(command)[2:])
        assert lines_of(shown) == lines_of(out + err), command


# --- Schedules ----------------------------------------------------------------------------------


def test_show_is_the_summary(told):
    schedule = anneal.warmup_cosine(3e-4, 10, 200)
    found = told("show", "warmup_cosine(3e-4, 5%, 100%)", "--total", "200")
    wanted = anneal.summary(schedule)
    assert anneal.from_config(found["config"]) == schedule
    assert [found[k] for k in ("steps", "peak_value", "peak_step", "area")] == [
        wanted.steps,
        wanted.peak_value,
        wanted.peak_step,
        wanted.area,
    ]
    assert [phase["kind"] for phase in found["phases"]] == ["Linear", "Cosine"]


def test_a_spec_is_a_file_or_comes_from_stdin(told, monkeypatch):
    config = {"kind": "warmup_linear", "peak_value": 0.1, "warmup_steps": "5%"}
    config |= {"total_steps": "100%"}
    toml = "\n".join(f"{k} = {json.dumps(v)}" for k, v in config.items())
    size = ("--total", "2ep", "--examples", "1000", "--batch", "10")
    wanted = anneal.to_config(anneal.warmup_linear(0.1, 10, 200))
    texts = {"plan.json": json.dumps(config), "plan.toml": toml, "plan.txt": f"{LINE}\n"}
    for name, text in texts.items():
        found = told("show", wrote(name, text), *size)["config"]
        assert found == wanted if name != "plan.txt" else found["kind"] == "Join"
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert told("show", "-", *size)["config"] == found


@pytest.mark.parametrize("begin", [0, 1])
def test_the_curve_stands_where_the_values_are(run, begin):
    """The highest dot of each column, of four in a line, against the straight line itself."""
    out = run("show", f"Linear({begin}, 1, 100)")[1]
    lines = [line.partition("│")[2] for line in out.splitlines() if "│" in line]
    tops = []
    for column in range(max(map(len, lines))):
        cells = [ord(line[column]) - 0x2800 if column < len(line) else 0 for line in lines]
        dots = [cell & bits for cell in cells for bits in (0x09, 0x12, 0x24, 0xC0)]
        tops.append(next(k for k, dot in enumerate(dots) if dot))
    wanted = 39 * (1 - np.linspace(begin, 1, 2 * len(tops)))[1::2]
    np.testing.assert_allclose(tops, wanted, atol=1)
    assert tops[-1] == 0  # what lies on the edge is drawn, too


def test_compare_finds_values_and_crossings(told):
    """A line and a later steep one cross where the arithmetic says; equal curves nowhere."""
    specs = ["Linear(1, 0, 100)", "Linear(0.5, 0.5, 100)", "Linear(1, 0, 100) * 1"]
    found = told("compare", *specs)
    first, same, last = found["crossings"]
    assert (first["higher_first"], first["count"], first["steps"]) == ("first", 1, [51])
    assert (same["higher_first"], same["steps"]) == (None, [])
    assert last["steps"] == [51]
    assert found["values"]["step"] == [*range(0, 101, 10)]
    np.testing.assert_allclose(found["values"]["value"][0], np.linspace(1, 0, 11), atol=1e-7)
    assert found["schedules"][0]["area"] == pytest.approx(50.5)


def test_plot_needs_no_display(run, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    assert run("plot", COSINE, LINE, "-o", "two.svg")[0] == 0
    assert b"warmup_cosine" not in Path("two.svg").read_bytes()[:100]
    assert Path("two.svg").read_bytes().startswith(b"<?xml")
    code, _, err = run("plot", COSINE, "-o", "two.gif")
    assert (code, err.count("\n")) == (1, 1)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run("plot", COSINE, "-o", "two.png")[2] == (
        "plot needs matplotlib: pip install 'anneal_jax[plot]'.\n"
    )


# --- Other programs' files ----------------------------------------------------------------------

COMPOSER = {
    "scheduler": {"name": "cosine_with_warmup", "t_warmup": "10ba", "alpha_f": 0.1},
    "optimizer": {"name": "decoupled_adamw", "lr": 0.01},
    "max_duration": "200ba",
    "global_train_batch_size": 8,
}
LEVANTER = {
    "optimizer": {"type": "adam", "learning_rate": 0.01, "warmup": 0.1, "weight_decay": 0.1},
    "trainer": {"num_train_steps": 200},
}
MAXTEXT = {"steps": 200, "learning_rate": 0.01, "cosine_learning_rate_final_fraction": 0.2}
MAXTEXT |= {"warmup_steps_fraction": 0.05}
OPTAX = {"_target_": "optax.warmup_cosine_decay_schedule", "init_value": 0.0, "peak_value": 0.1}
OPTAX |= {"warmup_steps": 10, "decay_steps": 200}
SIZE = anneal.Horizon("200ba", batch_size=8)
FILES = {
    "trainer.json": (["--total", 100], "transformers"),
    "axolotl.yaml": (["--total", 100], "transformers"),
    "llama_factory.yaml": (["--total", 100], "transformers"),
    "timm_args.yaml": (["--steps-per-epoch", 50], "timm"),
    "keras_optimizer.json": ([], "keras"),
    "keras_card.txt": ([], "keras"),
}
MADE = {
    "composer": (
        COMPOSER,
        lambda: ports.composer.CosineAnnealingWithWarmupScheduler(
            0.01, "10ba", alpha_f=0.1, horizon=SIZE
        ),
    ),
    "levanter": (LEVANTER, lambda: ports.jax_trainers.levanter(0.01, 200, warmup=0.1)),
    "maxtext": (
        MAXTEXT,
        lambda: ports.jax_trainers.maxtext(
            0.01, 200, warmup_steps_fraction=0.05, learning_rate_final_fraction=0.2
        ),
    ),
    "optax": (OPTAX, lambda: ports.optax.warmup_cosine_decay_schedule(0.0, 0.1, 10, 200)),
}


def evaluated(code: str) -> anneal.Schedule:
    """What printed Python builds."""
    names: dict[str, Any] = {}
    exec(code, names)
    return names["schedule"]


@pytest.mark.parametrize("name", FILES)
def test_convert_prints_the_line_that_reads_the_file(told, name):
    options, port = FILES[name]
    if name.endswith("yaml"):
        pytest.importorskip("yaml")
    found = told("convert", DATA / f"config_{name}", *options)
    assert f"ports.{port}." in found["python"]
    assert anneal.from_config(found["config"]) == evaluated(found["python"])
    assert "learning_rate" not in found["ignored"]
    assert found["ignored"]


@pytest.mark.parametrize("name", MADE)
def test_convert_knows_programs_by_their_keys(told, name):
    data, wanted = MADE[name]
    found = told("convert", wrote("settings.json", data))
    assert found["config"] == anneal.to_config(wanted())
    assert evaluated(found["python"]) == wanted()


JUNK = [None, True, -1, 0, 1e400, math.nan, "x", "", [], [1], {}, {"type": "x"}, 2**70, 10**5000]


@pytest.mark.parametrize("name", MADE)
@given(data=st.data())
@settings(max_examples=40)
def test_any_file_is_a_schedule_or_one_sentence(name, data):
    """Whatever stands where a number or a table should, or is left out."""
    file = copy.deepcopy(MADE[name][0])
    for _ in range(data.draw(st.integers(1, 2))):
        inside = data.draw(st.sampled_from([file, *(v for v in file.values() if type(v) is dict)]))
        key = data.draw(st.sampled_from([*inside, "lr_schedule"]))
        inside[key] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
    said = ""
    try:
        found = converted(name, "a.json", file, Settings(data.draw(st.none() | st.just(SIZE))))[2]
    except ValueError as error:
        found, said = None, str(error)
    assert isinstance(found, anneal.Schedule) != (0 < len(said) < 400 and "\n" not in said)


def test_a_quirk_is_told_where_it_shows(told):
    """A cosine of Transformers rises after the end, and only what is asked for has it."""
    file = wrote("a.json", {"learning_rate": 1.0, "lr_scheduler_type": "cosine", "max_steps": 100})
    (quirk,) = told("convert", file, "--total", 100)["quirks"]
    assert quirk == "after training: at step 200 it is 1 where 0 was meant (exact=False)"
    found = told("convert", file, "--total", 100, "--intended")
    assert found["quirks"] == []
    assert "exact=False" in found["python"]
    assert float(evaluated(found["python"])(200)) == 0.0


def test_convert_reads_a_scheduler_of_torch(told, monkeypatch):
    """By torch's loader of numbers alone, here a stand-in; without torch a sentence."""
    state = {"gamma": 0.5, "base_lrs": [1.0], "last_epoch": 2, "_last_lr": [0.25]}
    Path("a.pt").touch()

    class Torch:
        @staticmethod
        def load(path, map_location, weights_only):
            assert (str(path), map_location, weights_only) == ("a.pt", "cpu", True)
            return state

    monkeypatch.setitem(sys.modules, "torch", Torch)
    found = told("convert", "a.pt", "--kind", "ExponentialLR", "--total", 10)
    wanted = ports.torch.from_scheduler(state, "ExponentialLR")[0]
    assert anneal.from_config(found["config"]) == wanted


# --- Runs ---------------------------------------------------------------------------------------


def test_read_tells_what_read_log_finds(told):
    file = DATA / "appended.csv"
    with pytest.warns(UserWarning, match="went back"):
        log = read_log(file)
    found = told("read", file)
    assert found["notes"] == list(log.notes)
    assert found["columns"] == log.columns
    assert (found["losses"], found["last_loss"]) == (len(log.steps), log.losses[-1])


def test_a_fit_predicts_and_proposes(told, run):
    """The page's commands from logs to a plan: each prints what its function returns."""
    law, at = LevelLaw(2.5, 0.5, 0.5, 300.0), np.arange(0, 400, 8)
    for name, build in {"run": anneal.warmup_cosine, "other": anneal.warmup_linear}.items():
        plan = build(3e-4, 20, 400, end_value=3e-5)
        losses = np.asarray(law(plan))[at]
        rows = zip(at, np.asarray(plan(at)), losses, 1 + at / 100, strict=True)
        lines = [f"{t},{r},{x},{g}" for t, r, x, g in rows if np.isfinite(x)]
        wrote(f"{name}.csv", "\n".join(["step,lr,loss,grad_norm", *lines]))
    words = [shlex.split(line)[2:] for line in BLOCKS[-1].splitlines()]
    found = {command[0]: told(*command) for command in words}
    fit = anneal.laws.load_fit("fit.json")
    assert found["fit"]["parameters"]["floor"] == float(fit.law.floor)
    assert found["fit"]["error"] == fit.error < 0.001
    one, two = found["predict"]["schedules"]
    assert one["loss"] <= two["loss"]
    wanted = fit.predict(anneal.warmup_linear(3e-4, 20, 400)).loss
    (line,) = (row for row in (one, two) if "linear" in row["spec"])
    assert line["loss"] == pytest.approx(wanted, rel=1e-6)
    cooled = found["cooldown"]
    assert cooled["losses"][f"{cooled['share']:g}"] == min(cooled["losses"].values())
    best = found["optimize"]
    assert best["config"] == told("show", "plan.json")["config"]
    assert best["loss"] <= best["cosine"]
    bound = anneal.theory.last_iterate_bound(anneal.warmup_linear(3e-4, 20, 400))
    row = found["bound"]["schedules"][1]
    assert row["bound"] == pytest.approx(float(bound.curve[-1]))
    assert row["scale"] == pytest.approx(float(bound.scale))
    assert found["refine"]["every"] == 8
    assert json.loads(Path("next.json").read_text()) == found["refine"]["config"]
    code, _, err = run("show", "fit.json")
    sentence = "fit.json: this is a fit, and no config: anneal predict FILE SPEC reads it.\n"
    assert (code, err) == (1, sentence)


# --- What goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["show", "warmup_cosin(1)"], 2, "did you mean 'warmup_cosine'?"),
        (["show", "Constant(5%)"], 2, "without quotes"),
        (["show", "warmup_linear(1, 5%, 9)"], 2, "--total must be given to read '5%' in steps"),
        (["show", LINE, "--batch", "3"], 1, "add --total"),
        (["show", LINE, "--total", "3 weeks"], 1, "the unit of a duration"),
        (["show", "plan.toml"], 1, "there is no such file"),
        (["show", "."], 2, "must stand here"),
        (["show", DATA / "config_trainer.json"], 1, "looks like one of transformers"),
        (["show", DATA / "config_keras_optimizer.json"], 1, "convert FILE --from keras"),
        (["show", DATA / "trainer_state.json"], 1, "a log, and no config: anneal read"),
        (["show", DATA / "appended.csv"], 1, "a log, and no config; anneal read"),
        (["show", "broken.json"], 1, "a config must be JSON or TOML"),
        (["show", "other.json"], 1, "no config of a schedule (it has no `kind`)"),
        (["show", "bytes.json"], 1, "text in UTF-8"),
        (["show", "kind.json"], 1, "did you mean 'Cosine'?"),
        (["convert", "other.json"], 1, "it looks like no program's settings; say --from"),
        (["convert", "kind.json"], 1, "a config already; anneal show"),
        (["convert", DATA / "trainer_state.json"], 1, "a log, and no settings"),
        (["convert", DATA / "appended.csv"], 1, "a log, and no settings"),
        (["convert", "other.json", "--from", "kears"], 1, "did you mean 'keras'?"),
        (["convert", "other.json", "--from", "composer"], 1, "'scheduler' of the file must be"),
        (["convert", "other.json", "--from", "levanter"], 1, "--total must be given"),
        (["convert", "other.json", "--from", "maxtext"], 1, "the file has no learning_rate"),
        (["convert", "other.json", "--from", "optax"], 1, "the function in the file"),
        (["convert", DATA / "config_trainer.json"], 1, "num_training_steps must be given"),
        (["convert", DATA / "config_timm_args.yaml"], 1, "steps_per_epoch must be given"),
        (["convert", "a.pt"], 1, "there is no such file"),
        (["read", "nothing.csv"], 1, "a file that is there"),
        (["fit", "nothing.csv"], 1, "a file that is there"),
        (["fit", DATA / "appended.csv", "--law", "levl"], 1, "did you mean 'level'?"),
        (["predict", "fit.json", LINE], 1, "anneal fit RUNS -o fit.json writes it"),
        (["predict", "other.json", LINE], 1, "must be"),
        (["bound", "Constant(1)"], 1, "pass schedule(jnp.arange(steps)) instead"),
        (["refine", DATA / "appended.csv"], 1, "grad_norm"),
        (["shwo"], 2, "No such command"),
        (["show"], 2, "Missing argument"),
        (["show", LINE, "--totl", "3"], 2, "No such option"),
    ],
    ids=lambda x: " ".join(str(w).rpartition("/")[2] for w in x) if isinstance(x, list) else None,
)
def test_a_failure_is_one_sentence_and_a_code(run, words, code, sentence):
    wrote("broken.json", "{")
    wrote("other.json", {"a": 1})
    wrote("kind.json", {"kind": "Cosin"})
    Path("bytes.json").write_bytes(b"\xff\xfe{}")
    found, out, err = run(*words)
    assert (found, out) == (code, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err
    if code == 1:
        assert err.count("\n") == 1


# --- Terminals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"anneal {command} " in out.split("Arguments")[0].split("Usage")[1][20:]
    assert "--json" in out


def test_a_narrow_terminal_has_room(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    code, out, _ = run("show", COSINE)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 40
    assert "peak    0.0003 at step 10" in out


def test_without_colour_unicode_or_width(run, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["show", COSINE]) == 0
    stream.seek(0)
    text = stream.read()
    assert "no curve" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("words", [["show", COSINE], ["show", COSINE, "--json"]])
def test_a_closed_pipe_is_no_error(monkeypatch, capsys, words):
    """`anneal show ... | head -1`."""
    end, begin = os.pipe()
    os.close(end)
    stream = os.fdopen(begin, "w", encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(words) == 0
    stream.close()
    assert capsys.readouterr().err == ""


def test_without_its_packages_one_sentence_says_what_to_install(run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("anneal_jax.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "typer", None)
    code, _, err = run("show", COSINE)
    assert (code, err) == (1, "anneal needs more packages: pip install 'anneal_jax[cli]'\n")


def test_help_and_version_need_no_jax():
    """So that they, and the completion of shells, are there at once."""
    code = "import sys; from anneal_jax.cli import main; main(['--help']); main(['--version']);"
    code += "sys.exit('jax' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(anneal.__version__)
