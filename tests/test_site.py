"""The documentation's site: complete, without dead links, and built without a warning."""

import importlib.util
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib

import jax
import pytest

import anneal_jax.schedules as schedules_room
from docs._site import elsewhere, gallery, mathml, reference, shapes
from tests import test_table as table

ROOT = pathlib.Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*.md")}
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
NAV = re.findall(r"^ +- (?:[^#\n]*: )?(\S+\.md)$", CONFIG, flags=re.MULTILINE)
ROOMS = {room.file: room for room in reference.rooms()}
MADE = {"gallery.md", "playground.md", "benchmarks.md", "changelog.md", "contributing.md"}
MADE |= {"reference/index.md", *(f"reference/{file}.md" for file in ROOMS)}
FROM_FILES = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}


def test_every_page_is_in_the_navigation_once():
    assert sorted(NAV) == sorted({*PAGES, *MADE})


def test_every_public_name_is_in_the_reference_once():
    named = [name for room in ROOMS.values() for name in room.names]
    assert len(named) == len(set(named))
    rooms = ["", *(f".{name}" for name in ("transforms", "search", "laws", "theory", "ensemble"))]
    rooms += [f".ports.{name}" for name in reference.PORTS]
    missing = set()
    for room in rooms:
        module = importlib.import_module(f"anneal_jax{room}")
        for name in (n for n in dir(module) if n[0] != "_"):
            x = getattr(module, name)
            ours = getattr(x, "__module__", "").startswith("anneal_jax") and callable(x)
            borrowed = room == ".ensemble" and x.__module__ != module.__name__ if ours else True
            known = {f"{module.__name__}.{name}", f"anneal_jax.{name}"} & set(named)
            if not borrowed and not known:
                missing.add(f"{module.__name__}.{name}")
    assert not missing


def test_every_public_schedule_is_in_the_gallery():
    """And is what its line of code builds."""
    public = table._public()
    schedules = {name for name, x in public.items() if table._is_schedule_class(x)}
    ours = {name for name in public if hasattr(schedules_room, name)}
    recipes = {name for name in ours if table._returns_schedule(public[name])} - table.READERS
    shown = [name for shape in shapes.SHAPES for name in shape.names]
    assert sorted(shown) == sorted(schedules | recipes)
    for shape in shapes.SHAPES:
        schedule = shape.schedule()
        built = table._classes(schedule) | set(re.findall(r"anneal\.(\w+)", shape.code))
        assert set(shape.names) <= built, shape.code
        assert shape.shown > 0
        with jax.numpy_dtype_promotion("standard"):  # a newcomer's
            values = schedule([0, shape.shown])
        assert ((values >= 0) & (values < 100)).all()


def test_names_of_other_frameworks_are_those_of_the_ports():
    titles = {shape.names[0] for shape in shapes.SHAPES}
    assert len(elsewhere.FRAMEWORKS) == 8
    assert set(elsewhere.NAMES) <= titles
    for name, known in elsewhere.NAMES.items():
        for framework, words in known.items():
            port = importlib.import_module(f"anneal_jax.ports.{framework}")
            for word in re.sub(r"\(.*?\)", "", words).split(","):
                first = re.match(r"\w+", word.strip())
                assert first is not None
                assert hasattr(port, first[0]), f"{name}: {framework} {word}"


def test_formulas_are_those_of_the_docstrings():
    shown = mathml.formula("value(t) = a * ((1 + cos(pi * q)) / 2) ** p")
    assert shown is not None
    inside = "".join(ET.fromstring(shown).itertext()).replace("\u2061", "")
    assert inside == "value(t)=a·(1+cos(π·q)2)p"
    assert mathml.formula("schedule.clip") is None
    assert "<mi>a</mi><mo>&lt;</mo><mi>b</mi>" in (mathml.formula("a < b") or "")
    assert mathml.with_formulas("```\n`a + b`\n```") == "```\n`a + b`\n```"
    for shape in shapes.SHAPES:
        text = gallery.explained(shape.names[0])
        for one in re.findall(r"<math>.*?</math>", text):
            ET.fromstring(one)
        assert "value(t) = " not in text, f"{shape.names[0]}: a formula that is shown as code"


def _slugs(text: str) -> set[str]:
    """The anchors of a page's headings."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in heads}


def _anchors(page: str) -> set[str]:
    if page in PAGES or page in FROM_FILES:
        path = PAGES.get(page, ROOT / FROM_FILES.get(page, ""))
        return _slugs(path.read_text(encoding="utf-8"))
    if page == "gallery.md":
        return {*(shape.names[0] for shape in shapes.SHAPES), "what-the-tests-run-over"}
    return set()


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_lead_somewhere(page):
    """Files and their headings, on the site and on GitHub."""
    text = re.sub(r"```.*?```", "", PAGES[page].read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("http"):
            continue
        file, _, anchor = link.partition("#")
        target = (PAGES[page].parent / file).resolve() if file else PAGES[page]
        assert target.is_relative_to(ROOT), link
        inside = target.is_relative_to(DOCS)
        name = target.relative_to(DOCS).as_posix() if inside else ""
        assert target.exists() or name in MADE, f"{page} links to {link}"
        found = _anchors(name) if inside else _slugs(target.read_text(encoding="utf-8"))
        assert not anchor or anchor in found, f"{page} links to {link}"


def test_what_readers_load_is_here():
    """No fonts, scripts or pictures of other hosts."""
    assert "font: false" in CONFIG
    assert "repo_url" not in CONFIG  # the theme would ask GitHub for stars
    for path in (DOCS / "assets").iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL), path


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="needs --group docs")
def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    inventory = (tmp_path / "objects.inv").read_bytes().split(b"\n", 4)[4]
    documented = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    assert {name for room in ROOMS.values() for name in room.names} <= documented
    assert (tmp_path / "search/search_index.json").stat().st_size > 100_000
    for path in tmp_path.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe|source)[^>]* src="([^"]*)"', text)
        loaded += re.findall(r'<link[^>]* rel="(?:stylesheet|preconnect|icon)"[^>]*>', text)
        assert not [one for one in loaded if "//" in one], path
        assert not re.findall(r"<img(?![^>]* alt=)", text), path
        assert "<!-- draw" not in text, path
        assert 'class="drawn"' not in text or text.count('role="img"') > 0, path
