"""Imports go downwards, in the order that DESIGN.md fixes, also the lazy ones; and stay light."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import anneal_jax

ROOT = Path(anneal_jax.__file__).parent

# From the ground up. A module may import from its own layer (but never in a circle) and below.
LAYERS = [
    {"_version", "_deprecated", "_types", "_numerics", "_checks", "_horizon"},
    {"schedules"},
    {"_exponential_sums"},
    {"transforms", "ports", "laws", "theory"},
    {"search", "ensemble", "plot", "cli"},
    {""},  # the package itself, which re-exports
]
OPTIONAL = {"matplotlib", "torch", "keras", "tensorflow", "flax", "orbax", "tensorboardX", "tqdm"}
OPTIONAL |= {"tensorboard"}
OPTIONAL |= {
    "tyro",
    "tensorboard",
    "optuna",
    "hypothesis",
    "pytest",
    "chex",
    "mpmath",
    "scipy",
    "pandas",
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


def imports(module: str) -> set[str]:
    """Every module of ours that `module` imports, anywhere in its text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.ImportFrom):
            source = _absolute(module, node)
            if source is not None:
                found |= {_resolve(f"{source}.{alias.name}".strip(".")) for alias in node.names}
        elif isinstance(node, ast.Import):
            ours = [a.name for a in node.names if a.name.split(".")[0] == "anneal_jax"]
            found |= {_resolve(name.partition(".")[2]) for name in ours}
    return found - {module}


GRAPH = {module: imports(module) for module in FILES}


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
    """Lazily neither. A room's `__init__` may list its own modules."""
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for other in GRAPH[module]:
                visit(other, (*path, module))
            done.add(module)

    for module in GRAPH:
        visit(module, ())


def test_no_import_by_name_at_run_time() -> None:
    """Nothing gets round this file by `importlib` or `__import__`."""
    for module, path in FILES.items():
        text = path.read_text()
        assert "__import__" not in text, module
        assert "import_module" not in text, module


def test_import_is_light() -> None:
    """`import anneal_jax` loads none of the optional packages."""
    code = "import sys, anneal_jax; print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    loaded = set(run.stdout.split())
    plain = subprocess.run(
        [sys.executable, "-c", code.replace("anneal_jax", "jax, optax, equinox")],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT.parent,
    )
    assert "jax" in loaded
    assert (loaded - set(plain.stdout.split())) & OPTIONAL == set()
    assert not loaded & {"matplotlib", "torch", "keras", "flax", "orbax"}


def test_import_starts_no_backend() -> None:
    """No array is made: `jax.distributed.initialize` and a choice of devices can still follow."""
    run = subprocess.run(
        [sys.executable, "-c", "import anneal_jax"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT.parent,
        env=os.environ | {"JAX_PLATFORMS": "no_such_platform"},
    )
    assert run.returncode == 0, run.stderr
