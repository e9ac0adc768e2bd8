"""MkDocs calls this while it builds: adds the generated pages, draws what pages ask for.

A page asks for a figure by a comment, invisible where nothing draws it:
`<!-- draw {"name": anneal.Linear(1.0, 0.0, 1000)} | what is to be seen -->`, or
`<!-- svg flow.svg -->` for a drawing in `assets/` that takes the page's colours, or
`<!-- panels -->` for the six of the README's figure.
"""

import pathlib
import re
import sys
from typing import Any

from mkdocs.structure.files import File, InclusionLevel

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import anneal_jax as anneal  # noqa: E402  (MkDocs calls this file from anywhere)
from docs._site import drawing, gallery, pages, panels, reference  # noqa: E402
from docs.playground import build  # noqa: E402


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made of code and of files elsewhere."""
    made = {
        "gallery.md": gallery.page(),
        "benchmarks.md": pages.benchmarks(),
        "changelog.md": pages.changelog(),
        "contributing.md": pages.contributing(),
        "playground.md": pages.PLAYGROUND,
        "playground/index.html": build.page(),
        "reference/index.md": reference.index(),
    }
    made |= {f"reference/{room.file}.md": reference.page(room) for room in reference.rooms()}
    for name, text in made.items():
        included = InclusionLevel.INCLUDED
        files.append(File.generated(config, name, content=text, inclusion=included))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Draw figures; lead links that leave docs/ to the pages made of those files."""
    del page, config, files
    markdown = markdown.replace("](../CONTRIBUTING.md", "](contributing.md")
    if "<!-- panels -->" in markdown:
        markdown = markdown.replace("<!-- panels -->", _panels())
    markdown = re.sub(r"<!-- svg ([\w.]+) -->", _file, markdown)
    return re.sub(r"<!-- draw (.*?) \| (.*?) -->", _drawn, markdown, flags=re.DOTALL)


def _file(match: re.Match[str]) -> str:
    text = (ROOT / "docs/assets" / match[1]).read_text(encoding="utf-8")
    return f"<figure>{text.strip()}</figure>"


def _panels() -> str:
    figures = []
    for title, (first, *twin) in panels.PANELS.items():
        both = zip(("rate", "momentum"), (first, *twin), strict=False)
        curves: dict[str, anneal.Schedule] = dict(both)
        drawn = drawing.figure(curves, panels.TOTAL, f"Curve of {title} over 1,000 steps.")
        figures.append(f"<figure>{drawn}<figcaption>{title}</figcaption></figure>")
    return f'<div class="panels">{"".join(figures)}</div>'


def _drawn(match: re.Match[str]) -> str:
    curves = eval(match[1], {"anneal": anneal})
    steps = max(int(one.steps or 0) for one in curves.values())
    words = " ".join(match[2].split())
    drawn = drawing.figure(curves, steps, words, keys=len(curves) > 1)
    return f"<figure>{drawn}<figcaption>{words}</figcaption></figure>"
