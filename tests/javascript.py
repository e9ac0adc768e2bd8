"""JavaScript run by Node or by a headless Chromium, whichever is there."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ENGINES = {name: path for name in ("node", *CHROMIUMS) if (path := shutil.which(name)) is not None}
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom")


def run(engine: str, program: str, folder: Path) -> Any:
    """What the program assigns to `RESULT`, which must be data."""
    if engine == "node":
        (folder / "program.js").write_text(f"{program}\nconsole.log(JSON.stringify(RESULT));")
        return json.loads(_output("node", folder / "program.js"))
    ended = "document.body.textContent = JSON.stringify(RESULT)"
    page = f"<meta charset='utf-8'><body><script>{program}\n{ended}</script></body>"
    (folder / "program.html").write_text(page)
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
