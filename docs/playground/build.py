"""Builds the playground, one HTML file on its own: `python -m docs.playground.build -o DIR`."""

import argparse
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from . import lines
from .registry import Entry
from .registry_more import ENTRIES, GROUPS, PRESETS
from .translate import javascript

HERE = Path(__file__).parent
SCRIPTS = ("runtime.js", "state.js", "text.js", "curve.js", "chart.js", "app.js")
_TERM = re.compile(r"(?:(\d+) \* )?(\w+)")


def page() -> str:
    """The text of the page."""
    parts = {"style": (HERE / "style.css").read_text(), "script": script(*SCRIPTS)}
    template = (HERE / "template.html").read_text()
    return re.sub(r"/\* (style|script) \*/", lambda found: parts[found[1]], template)


def script(*files: str) -> str:
    """The programs and all that the page knows, behind the first of these files."""
    first, *rest = ((HERE / file).read_text() for file in files)
    return "\n".join(['"use strict";', first, tables(), *rest])


@cache
def tables() -> str:
    """What the page knows of the schedules."""
    data, programs = {}, []
    for name, entry in ENTRIES.items():
        data[name], translated = described(entry)
        programs.append(f"{name}:{{{','.join(translated)}}}")
    views = [f"{name}:{view(entry)}" for name, entry in ENTRIES.items() if entry.view]
    groups = {label: list(group) for label, group in GROUPS.items()}
    plain = {"ENTRIES": data, "GROUPS": groups, "PRESETS": PRESETS}
    known = [f"const {k}={json.dumps(v, separators=(',', ':'))};" for k, v in plain.items()]
    for name, functions in {"PROGRAMS": programs, "VIEWS": views}.items():
        known.append(f"const {name}={{\n" + ",\n".join(functions) + "\n};")
    return "\n".join(known)


def described(entry: Entry) -> tuple[dict[str, Any], list[str]]:
    """What the page knows of an entry, and its programs: one for each choice."""
    kinds, found, programs = lines.parameters(entry), {}, []
    for labels, line in lines.variants(entry):
        key = "|".join(labels)
        program, phases = lines.program(line, kinds)
        programs.append(f"{json.dumps(key)}:{javascript(program)}")
        found[key] = {
            "line": line,
            "config": lines.config(line),
            "names": lines.names(line),
            "leftOut": lines.left_out(line),
            "phases": phases,
        }
    described = {
        "about": entry.about,
        "choices": {name: list(texts) for name, texts in entry.choices.items()},
        "parameters": {name: p._asdict() for name, p in kinds.items()},
        "rules": [rule(text) for text in entry.rules],
        "variants": found,
    }
    return described, programs


def view(entry: Entry) -> str:
    """A function of the numbers: how many steps to show of a schedule without end."""
    assert entry.view is not None
    return f"({{{','.join(lines.names(entry.view))}}})=>{entry.view}"


def rule(text: str) -> dict[str, Any]:
    """A rule such as "2 * a + b <= c": the terms together are at most, or below, a number."""
    left, strict, right = re.split(r" (<=?) ", text)
    terms = [(int(times or 1), name) for times, name in _TERM.findall(left)]
    return {"terms": terms, "room": int(strict == "<"), "most": right, "text": text}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="The folder to write to.")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "playground.html"
    text = page()
    written.write_text(text, encoding="utf-8")
    print(f"{written}: {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
