"""Imports go downwards, in the order that DESIGN.md fixes, also the lazy ones; and stay light."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anneal_jax
import anneal_jax.schedules

ROOT = Path(anneal_jax.__file__).parent

# From the ground up. A module may import from its own layer (but never in a circle) and below.
LAYERS = [
    {"_version", "_deprecated", "_types", "_numerics", "_checks", "_horizon", "_progress"},
    {"schedules"},
    {"pictures"},
    {"_exponential_sums"},
    {"transforms", "ports", "laws", "theory"},
    {"search", "ensemble", "cli"},
    {"", "_public"},  # the package itself, which re-exports
]
OPTIONAL = {"chex", "flax", "hypothesis", "keras", "matplotlib", "mpmath", "optuna", "orbax"}
OPTIONAL |= {"pandas", "pytest", "scipy", "tensorboard", "tensorboardX", "tensorflow", "torch"}
OPTIONAL |= {"plotille", "rich", "tqdm", "typer", "tyro", "yaml"}

# The one circle that is allowed. `Schedule.then`, `.repeat`, `+` and the other verbs import what
# they build inside the method, as Diffrax and tinygp do, for what they build are schedules and
# pictures of them. A registry that imports fill as a side effect would hide the same circle, from
# type checkers too.
VERBS = {
    "schedules._schedule": {
        *(f"schedules.{name}" for name in ("_algebra", "_join", "_noise", "_repeat", "_time")),
        *("pictures._plot", "pictures._html"),
    }
}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def _resolve(dotted: str) -> str:
    """The module of ours that `dotted` names, or that defines the last of its names."""
    while dotted not in FILES:
        dotted = dotted.rpartition(".")[0]
    return dotted


def _absolute(module: str, node: ast.ImportFrom) -> str | None:
    """What `from X import` names, relative to the package; None if it is not ours."""
    if node.level == 0:
        top, _, rest = (node.module or "").partition(".")
        return rest if top == "anneal_jax" else None
    is_package = FILES[module].name == "__init__.py"
    parts = module.split(".") if module else []
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, *(node.module or "").split(".")]).strip(".")


FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def _imports(module: str, node: ast.AST, lazy: bool = False) -> Iterator[tuple[str, bool]]:
    """Every import of ours below `node`, and whether it runs only when a function is called."""
    if isinstance(node, ast.ImportFrom):
        source = _absolute(module, node)
        if source is not None:
            for alias in node.names:
                yield _resolve(f"{source}.{alias.name}".strip(".")), lazy
    elif isinstance(node, ast.Import):
        for alias in node.names:
            top, _, rest = alias.name.partition(".")
            if top == "anneal_jax":
                yield _resolve(rest), lazy
    for child in ast.iter_child_nodes(node):
        yield from _imports(module, child, lazy or isinstance(node, FUNCTIONS))


def imports(module: str, text: str) -> set[str]:
    """Every module of ours that `module` imports, anywhere in its text, but for its `VERBS`."""
    allowed = VERBS.get(module, set())
    found = _imports(module, ast.parse(text))
    return {other for other, lazy in found if not (lazy and other in allowed)} - {module}


GRAPH = {module: imports(module, path.read_text()) for module, path in FILES.items()}


def _layer(module: str) -> int:
    room = module.split(".")[0]
    layers = [k for k, layer in enumerate(LAYERS) if room in layer]
    assert layers, f"{module} has no layer yet: enter {room!r} in LAYERS of tests/test_imports.py"
    return layers[0]


def test_every_module_is_read() -> None:
    assert {"", "schedules._schedule", "schedules.recipes._warmup", "laws._law"} <= set(FILES)
    assert GRAPH["schedules._segment"] >= {"schedules._schedule", "_checks", "_numerics"}
    assert "schedules._schedule" in GRAPH["schedules"]


def test_no_module_imports_upwards() -> None:
    upwards = {
        (module, other)
        for module, others in GRAPH.items()
        for other in others
        if _layer(other) > _layer(module)
    }
    assert upwards == set()


def test_no_module_imports_in_a_circle() -> None:
    """Lazily neither, but for `VERBS`. A room's `__init__` may list its own modules."""
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for other in GRAPH[module]:
                visit(other, (*path, module))
            done.add(module)

    for module in GRAPH:
        visit(module, ())


def test_only_the_verbs_of_schedule_import_inside_a_method_what_imports_them() -> None:
    """Where they are allowed to, and nothing else is: what would escape the test of circles."""
    inside = "def then(self):\n    from ._join import join\n    import anneal_jax.schedules._time"
    assert imports("schedules._schedule", inside) == set()
    assert imports("schedules._segment", inside) == {"schedules._join", "schedules._time"}
    assert imports("schedules._schedule", "from ._join import join") == {"schedules._join"}
    other = "class A:\n    def f(self):\n        from . import _tables, _algebra"
    assert imports("schedules._schedule", other) == {"schedules._tables"}


def test_no_import_by_name_at_run_time() -> None:
    """Nothing gets round this file by `importlib` or `__import__`."""
    for module, path in FILES.items():
        text = path.read_text()
        assert "__import__" not in text, module
        assert "import_module" not in text, module


def test_import_is_light_and_starts_no_backend() -> None:
    """`import anneal_jax` loads no optional package, and no array is made.

    So `jax.distributed.initialize` and a choice of devices can still follow.
    """
    code = """
import sys, jax, optax, equinox
before = set(sys.modules)
import anneal_jax
anneal_jax.Schedule
print(*sorted(set(sys.modules) - before))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT.parent,
        env=os.environ | {"JAX_PLATFORMS": "no_such_platform"},
    )
    assert run.returncode == 0, run.stderr
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert "anneal_jax" in loaded
    assert loaded & OPTIONAL == set()


# The house, as CONTRIBUTING.md draws it.


def _drawn() -> dict[str, list[str]]:
    """What stands in each folder of the tree under "Where things are", anneal_jax/ outermost."""
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = text.split("## Where things are")[1].split("```")[1]
    inside: dict[str, list[str]] = {}
    path: list[str] = []
    for line in block.strip("\n").splitlines():
        depth = (len(line) - len(line.lstrip(" "))) // 2
        # Names come first, each a file or a folder; then what is to be said of them.
        names = re.match(r"(?:\w+(?:/|\.\w+)\s+)*", line.lstrip(" ") + " ")
        named = names[0].split() if names else []
        assert named, f"a line that names nothing: {line}"
        path[depth:] = named[-1:]
        inside.setdefault("".join(path[:-1]), []).extend(named)
    return inside


def _found(folder: Path) -> list[str]:
    entries = (entry for entry in folder.iterdir() if entry.name != "__pycache__")
    return sorted(entry.name + "/" * entry.is_dir() for entry in entries)


def test_the_tree_in_contributing_is_the_house() -> None:
    """Every entry at the top and every file of the schedules is there, and nothing else."""
    drawn = _drawn()
    for folder in ("anneal_jax/", "anneal_jax/schedules/"):
        assert sorted(drawn[folder]) == _found(ROOT.parent / folder), folder
    for folder, names in drawn.items():
        room = ROOT.parent / folder if folder else Path(__file__).parents[1]
        missing = [name for name in names if not (room / name).exists()]
        assert missing in ([], ["anneal_jax/"]), folder  # the package may be installed elsewhere


def test_the_top_is_seen_at_a_glance() -> None:
    assert len(_found(ROOT)) <= 20


def test_the_room_of_schedules_has_the_names_of_the_top() -> None:
    for name, value in vars(anneal_jax.schedules).items():
        if not name.startswith("_") and callable(value):
            assert getattr(anneal_jax, name) is value, name
