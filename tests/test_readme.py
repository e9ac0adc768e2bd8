"""The README is a promise: its Python runs, as that of docs/, its commands and names exist."""

import pathlib
import re

import jax
import pytest

import anneal_jax as anneal

ROOT = pathlib.Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", *sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md"))]
APART = {"docs/tasks.md"}  # each of its blocks is to be copied by itself
PAGES.remove("docs/command_line.md")  # its blocks are of a shell: tests/test_cli.py runs them


@pytest.fixture(autouse=True, scope="module")
def strict():
    """The tour runs as a newcomer runs it."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_from_top_to_bottom(page):
    """All Python blocks, in order, in one namespace."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 6 or not page.startswith(("README", "docs/coming_from"))
    namespace: dict = {}
    for block in blocks:
        namespace = {} if page in APART else namespace
        exec(compile(block, page, "exec"), namespace)


@pytest.mark.parametrize("page", [page for page in PAGES if "coming_from" in page])
def test_every_quirk_names_a_test_that_exists(page):
    """Rows of the table of quirks end with a test that shows both modes."""
    table = (ROOT / page).read_text(encoding="utf-8").split("## Quirks")[1]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    port = page.removeprefix("docs/coming_from_").removesuffix(".md")
    files = (ROOT / "tests").glob(f"test_ports_{port}*.py")
    tests = "".join(path.read_text(encoding="utf-8") for path in files)
    assert rows
    for row in rows:
        names = re.findall(r"`(test_\w+)", row.split("|")[-2])
        assert names, row
        for name in names:
            assert f"def {name}(" in tests, f"{page} names {name}"


def test_every_port_has_its_page():
    """And every page its link."""
    linked = (ROOT / "docs/ports.md").read_text(encoding="utf-8")
    ports = pathlib.Path(anneal.__file__).parent / "ports"
    ported = {path.stem for path in ports.iterdir() if path.stem[0] != "_"}
    for port in ported:
        assert f"docs/coming_from_{port}.md" in PAGES
        assert f"(coming_from_{port}.md)" in linked


@pytest.mark.parametrize("command", ["-m pytest", "-m examples.transformer_lm.train"])
def test_each_command_does_its_own_set_up(command):
    """One line each, from a bare Python to the result."""
    (line,) = [line for line in TEXT.splitlines() if command in line]
    assert line.startswith("python3 -m venv .venv && .venv/bin/pip install")


def test_every_name_in_the_tables_exists():
    """What the inventory lists can be imported or called on a schedule."""
    inventory = TEXT.split("## What is there")[1].split("## Beside")[0]
    names = {
        re.split(r"[(.]", name)[0] for name in re.findall(r"`\.?([a-zA-Z_][\w.()]*)`", inventory)
    }
    elsewhere = {"MultiSteps", "partition", "apply_if_finite", "TrainState", "nnx", "shape"}
    missing = {
        n for n in names - elsewhere if not hasattr(anneal, n) and not hasattr(anneal.Schedule, n)
    }
    assert not missing


def test_no_public_name_is_missing_from_the_inventory():
    """A feature that nobody can find is a failure."""
    public = {n for n in dir(anneal) if not n.startswith("_") and callable(getattr(anneal, n))}
    built_by_verbs = {"Join", "Repeat", "Shift", "Reverse", "Sum", "Product", "Minimum", "Maximum"}
    built_by_verbs |= {"Every", "Noise", "Power", "Until"}
    for_extension = {"Blend", "Clip", "Function", "Progress", "TimeScale", "Schedule", "Segment"}
    plumbing = {"InjectHyperparamsState", "as_schedule", "Any", "TYPE_CHECKING"}
    hidden = {n for n in public if f"`{n}" not in TEXT}
    assert not hidden - built_by_verbs - for_extension - plumbing
