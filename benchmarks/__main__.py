"""`python -m benchmarks`: every claim as a figure beside its goal, in one run on one core.

The comparison with PyTorch needs torch and has its own command: `python -m benchmarks.torch_twin`.
"""

from benchmarks import (
    accuracy,
    imports,
    laws,
    measure,
    pictures,
    programs,
    recompilations,
    sweeps,
    theory,
    train_step,
)


def main() -> None:
    """Print the table."""
    measure.pin_to_one_core()
    print(f"| {'what':88} | {'measured':32} | goal  |\n|{'-' * 90}|{'-' * 34}|-------|")
    for part in (
        imports,
        accuracy,
        recompilations,
        programs,
        train_step,
        pictures,
        sweeps,
        theory,
        laws,
    ):
        for what, figure, goal in part.rows():
            print(f"| {what:88} | {figure:32} | {goal:5} |", flush=True)


if __name__ == "__main__":
    main()
