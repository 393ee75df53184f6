"""Chromium looks at the pages: axe-core finds no fault, nothing has to be scrolled sideways.

axe-core comes from npm (``npm install --prefix .ci/browser axe-core``); ``MASAR_AXE`` may
name its ``axe.min.js`` elsewhere.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from pathlib import Path
from shutil import which

import pytest

pytestmark = pytest.mark.full

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = os.environ.get("MASAR_CHROMIUM") or next(filter(None, map(which, names)), None)
    if not found:
        pytest.skip("no Chromium here (MASAR_CHROMIUM names one)")
    return found


def axe() -> str:
    root = Path(__file__).parents[2]
    places = (
        os.environ.get("MASAR_AXE", ""),
        root / ".ci" / "browser" / "node_modules" / "axe-core" / "axe.min.js",
        root / "node_modules" / "axe-core" / "axe.min.js",
    )
    for place in places:
        if place and Path(place).is_file():
            return Path(place).read_text(encoding="utf-8")
    pytest.skip("axe-core is not installed: npm install --prefix .ci/browser axe-core")


def browse(page: Path, width: int = 1280, height: int = 2000) -> str:
    """The page's DOM after its scripts ran."""
    done = subprocess.run(
        [chromium(), "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},{height}",
         f"--user-data-dir={page.parent / 'profile'}", "--allow-file-access-from-files",
         "--virtual-time-budget=20000", "--dump-dom", page.as_uri()],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout.decode()


def answer(dom: str) -> dict:
    found = re.search(r'<pre id="answer">(.*?)</pre>', dom, re.S)
    assert found, "the page's script gave no answer"
    return json.loads(html.unescape(found[1]))


TELL = """
function tell(what){const p=document.createElement('pre');p.id='answer';
p.textContent=JSON.stringify(what);document.body.append(p)}
"""


@pytest.mark.parametrize("hostile", [False, True])
def test_axe_finds_no_fault(lang: str, hostile: bool, help_, tmp_path: Path) -> None:
    script = (
        TELL
        + "document.querySelectorAll('details').forEach(d=>d.open=true);"
        + "axe.run(document).then(r=>tell({passes:r.passes.length,violations:"
        + "r.violations.map(v=>[v.id,v.nodes.slice(0,3).map(n=>n.html.slice(0,160)+n.failureSummary)])}))"
    )
    page = POLICY.sub("", help_.rendered(lang, "html", hostile=hostile))
    page = page.replace("</body>", f"<script>{axe()}</script><script>{script}</script></body>")
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    said = answer(browse(path))
    assert said["violations"] == []
    assert said["passes"] > 25


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
@pytest.mark.parametrize("hostile", [False, True])
def test_nothing_has_to_be_scrolled_sideways(
    lang: str, width: int, hostile: bool, help_, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(help_.rendered(lang, "html", hostile=hostile), encoding="utf-8")
    script = """
    const f=document.querySelector('iframe');
    f.onload=()=>{const d=f.contentDocument,w=f.contentWindow.innerWidth,over=[];
    d.querySelectorAll('details').forEach(e=>e.open=true);
    d.querySelectorAll('body *').forEach(e=>{if(e.closest('svg')&&e.tagName!='svg')return;
      if(e.closest('.scroll')&&!e.classList.contains('scroll'))return;
      if(e.classList.contains('skip'))return;
      const r=e.getBoundingClientRect();
      if(r.width&&(r.left<-1||r.right>w+1))over.push(e.tagName+'.'+e.className)});
    tell({width:w,page:d.documentElement.scrollWidth,over})};
    """
    host = tmp_path / "host.html"
    host.write_text(
        f'<body style="margin:0"><iframe src="page.html" style="width:{width}px;height:9000px;border:0">'
        f"</iframe><script>{TELL}{script}</script></body>",
        encoding="utf-8",
    )
    said = answer(browse(host, width=max(width, 520)))
    assert said["width"] == width
    assert said["page"] <= width
    assert said["over"] == []
