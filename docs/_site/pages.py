"""Pages made of files that stand elsewhere: the README's measurements, changelog, contributing."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
PLAYGROUND = """---
title: Playground
hide: [navigation, toc]
---
# Playground

[Alone in a tab](playground/index.html){ target=_blank }.

<iframe class="playground" src="playground/index.html" title="Playground of schedules"></iframe>
"""


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _changed(name: str) -> str:
    """The day of a file's last commit; nothing where there is no repository."""
    command = ["git", "log", "-1", "--format=%cs", "--", name]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def benchmarks() -> str:
    """The README's comparison and measurements, which name machine and versions."""
    section = _text("README.md").split("## Beside the others")[1].split("\n## ")[0].strip()
    compared, measured = section.split("Measured with", 1)
    date = _changed("README.md")
    day = f" The README was last changed on {date}." if date else ""
    return (
        "# Benchmarks\n\n"
        f"The README's tables, which `python -m benchmarks` prints again on any machine.{day} "
        "What laws of loss curves reach is told [on their page](laws.md#what-it-reaches).\n\n"
        f"## Measured\n\nMeasured with{measured}\n\n## Beside the others\n\n{compared.strip()}\n"
    )


def changelog() -> str:
    """CHANGELOG.md as it is."""
    return _text("CHANGELOG.md")


def contributing() -> str:
    """CONTRIBUTING.md, its links turned to where the pages are here."""
    return re.sub(r"\]\(docs/", "](", _text("CONTRIBUTING.md"))
