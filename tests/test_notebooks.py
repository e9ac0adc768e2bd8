"""Notebooks run from top to bottom, and are kept without outputs."""

import json
from pathlib import Path

import matplotlib as mpl
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "docs/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    """Users' code needs JAX's own promotion rules; pictures are drawn without a screen."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    with mpl.rc_context({"backend": "agg"}):
        yield


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    """All but what installs the package."""
    names: dict[str, object] = {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code.pop(0).startswith("%pip install")
    for source in code:
        exec(compile(source, path.name, "exec"), names)
    from matplotlib import pyplot as plt

    assert plt.get_fignums()
    plt.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_and_opens_in_colab(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert f"blob/main/docs/notebooks/{path.name}" in "".join(notebook["cells"][0]["source"])


def test_there_are_notebooks():
    assert len(NOTEBOOKS) == 3
