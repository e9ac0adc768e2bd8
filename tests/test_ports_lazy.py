"""A port is imported when it is used, and no sooner."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import anneal_jax
from anneal_jax import ports

ROOT = Path(anneal_jax.__file__).parent
PORTS = {path.parent.name for path in ROOT.glob("ports/*/__init__.py")}
CODE = """
import json, sys

def loaded():
    names = [name.split(".") for name in sys.modules]
    ours = {n[2] for n in names if n[:2] == ["anneal_jax", "ports"] and n[2:]}
    found.append(sorted(name for name in ours if not name.startswith("_")))

found = []
import anneal_jax.ports
loaded()
anneal_jax.ports.timm
loaded()
from anneal_jax.ports import composer
loaded()
import anneal_jax.ports.keras  # which is made of Optax's
loaded()
print(json.dumps(found))
"""


def test_each_is_imported_when_it_is_used():
    """As an attribute, from the room, and by its full name; in a process that has none yet."""
    run = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    assert json.loads(run.stdout) == [
        [],
        ["timm"],
        ["composer", "timm"],
        ["composer", "keras", "optax", "timm"],
    ]


def test_all_are_listed():
    """For tab completion, imported or not; and every one can be had."""
    assert len(PORTS) == 8
    assert set(dir(ports)) >= PORTS
    for name in PORTS:
        assert getattr(ports, name).__name__ == f"anneal_jax.ports.{name}"


def test_a_name_that_is_no_port_is_told():
    with pytest.raises(AttributeError, match=r"'anneal_jax\.ports' has no attribute 'jax'"):
        ports.jax  # noqa: B018
