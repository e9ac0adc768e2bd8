"""The transformer example against the same model in plain PyTorch, on one core.

    python -m benchmarks.torch_twin                          both in this environment
    python -m benchmarks.torch_twin --torch-python PATH      torch in another one

New processes alternate (JAX, torch, torch, JAX, …), so that a change in the machine's speed meets
both, each pinned to one core with one thread. A step is timed in process CPU time, so that
other processes do not count. On a GPU: `python -m benchmarks.accelerator --only transformer`.
"""

import argparse
import statistics
import subprocess
import sys

from benchmarks.twins.child import Child
from benchmarks.twins.model import Model

MODEL = Model()  # the example's defaults


def main() -> int:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="of one JAX and one torch process")
    parser.add_argument("--dispatches", type=int, default=5, help=f"of {MODEL.steps} steps each")
    parser.add_argument("--core", type=int, default=0, help="to pin to, where the system can")
    parser.add_argument("--torch-python", default=sys.executable, help="an interpreter with torch")
    parser.add_argument("--compile", action="store_true", help="PyTorch's model by torch.compile")
    options = parser.parse_args()
    if not has_torch(options.torch_python):
        print(
            "torch_twin needs PyTorch, and this interpreter has none: pip install torch==2.13.0 "
            "(into another environment, if you like, named by --torch-python).",
            file=sys.stderr,
        )
        return 2
    results: dict[str, list[dict]] = {"jax": [], "torch": []}
    for number in range(options.rounds):
        for name in ("jax", "torch") if number % 2 == 0 else ("torch", "jax"):
            results[name].append(measured(name, options))
        jax, torch = (results[name][-1]["ms"] for name in ("jax", "torch"))
        both = f"jax {jax:.1f} ms, torch {torch:.1f} ms"
        print(f"round {number + 1}: {both}, ratio {jax / torch:.3f}", flush=True)
    table(results)
    return 0


def table(results: dict[str, list[dict]]) -> None:
    """Medians over rounds, their spread, and the ratio."""
    print(f"\n{'':6} {'ms/step':>8} {'spread':>13} {'parameters':>11}")
    medians = {}
    for name, runs in results.items():
        each = [run["ms"] for run in runs]
        medians[name] = statistics.median(each)
        spread = f"{min(each):.1f}-{max(each):.1f}"
        print(f"{name:6} {medians[name]:8.1f} {spread:>13} {runs[0]['parameters']:11,}")
    print(f"ratio  {medians['jax'] / medians['torch']:8.3f}   (process CPU time, one core)")


def measured(name: str, options: argparse.Namespace) -> dict:
    """What a new process of one side reports."""
    python = options.torch_python if name == "torch" else sys.executable
    model = MODEL._replace(compile=options.compile)
    with Child(name, model, python, options.core) as child:
        parameters = child.ready()["parameters"]
        each = [child.measure()["cpu_ms"] for _ in range(options.dispatches)]
    return {"ms": statistics.median(each), "parameters": parameters}


def has_torch(python: str) -> bool:
    """Whether that interpreter can import torch."""
    return subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
