"""JavaScript run by Node or by a headless Chromium, whichever is there."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_BROWSER = next(filter(None, map(shutil.which, CHROMIUMS)), None)
_FOUND = {"node": shutil.which("node"), "browser": _BROWSER}
ENGINES = {name: path for name, path in _FOUND.items() if path}
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom")


def run(engine: str, program: str, folder: Path, page: str = "") -> Any:
    """What the program assigns to `RESULT`, which must be data; a browser may show a page first."""
    if engine == "node":
        (folder / "program.js").write_text(f"{program}\nconsole.log(JSON.stringify(RESULT));")
        return json.loads(_output("node", folder / "program.js"))
    ended = "document.body.textContent = JSON.stringify(RESULT)"
    shell = page or "<!doctype html><meta charset='utf-8'><body>"
    (folder / "program.html").write_text(f"{shell}<script>{program}\n{ended}</script>")
    profile = f"--user-data-dir={folder / 'profile'}"
    shown = _output(engine, *_FLAGS, profile, (folder / "program.html").as_uri())
    body = re.search(r"<body>(.*)</body>", shown, re.DOTALL)
    assert body is not None
    return json.loads(html.unescape(body[1]))


def _output(engine: str, *arguments: Any) -> str:
    command = [ENGINES[engine], *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
