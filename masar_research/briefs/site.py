"""``reports/index.html``: what was built, from what, when, in both languages."""

from __future__ import annotations

import datetime as dt
import html
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from masar_research.briefs import ledger
from masar_research.errors import MasarError, from_outside
from masar_research.present.direction import embed

FORMATS = ("html", "pdf", "docx")
_WORDS = {
    "en": {
        "title": "Evidence briefs", "from": "From", "wave": "wave", "checksum": "data checksum",
        "made": "Built", "open": "Read", "ledger": "Ledger of every number", "data": "Chart data (CSV)",
        "synthetic": "Synthetic demonstration data", "ok": "Built", "failed": "The last build failed",
        "stale": "the earlier report still stands", "none": "No brief has been built yet.",
        "numbers": "traced values", "suppressed": "suppressed", "profile": "Release profile",
        "code": "code", "intro": "Each brief was computed once; both languages and all formats show the same numbers.",
    },
    "ar": {
        "title": "موجزات الأدلة", "from": "المصدر", "wave": "جولة", "checksum": "بصمة البيانات",
        "made": "تاريخ الإعداد", "open": "قراءة", "ledger": "سجل جميع الأرقام", "data": "بيانات الأشكال (CSV)",
        "synthetic": "بيانات توضيحية مولّدة", "ok": "مُعَدّ", "failed": "فشل آخر إعداد",
        "stale": "التقرير السابق ما زال قائماً", "none": "لم يُعدّ أي موجز بعد.",
        "numbers": "قيمة موثّقة المصدر", "suppressed": "محجوبة", "profile": "معيار النشر",
        "code": "الشيفرة", "intro": "حُسب كل موجز مرة واحدة، فالأرقام نفسها في اللغتين وفي جميع الصيغ.",
    },
}  # fmt: skip
_STYLE = """
:root{color-scheme:light dark;--ink:#16302f;--paper:#fff;--line:#c9d2d1;--teal:#0e5a5a;--wash:#f4f7f6;--warn:#9a3412}
@media (prefers-color-scheme:dark){:root{--ink:#e6efee;--paper:#12201f;--line:#35504e;--teal:#7fd0c8;--wash:#182b2a;--warn:#fdba74}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);line-height:1.6;
font-family:"IBM Plex Sans Arabic","Segoe UI",Tahoma,"Noto Sans Arabic",system-ui,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1.25rem}h1{font-size:1.5rem;margin:.2em 0}h2{font-size:1.15rem;margin:0 0 .3em}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem 2rem}
article{border:1px solid var(--line);border-radius:.6rem;background:var(--wash);padding:1rem 1.1rem;margin:1rem 0}
p{margin:.25em 0}a{color:var(--teal)}nav{display:flex;flex-wrap:wrap;gap:.4rem .7rem;margin:.5rem 0}
nav a{border:1px solid var(--teal);border-radius:.4rem;padding:.3rem .8rem;text-decoration:none;min-height:2.2rem}
nav a:focus-visible,a:focus-visible{outline:3px solid var(--teal);outline-offset:2px}
.small{font-size:.86rem}.bad{color:var(--warn);font-weight:600}code{overflow-wrap:anywhere}
"""


def write_index(out: Path, failed: Mapping[str, MasarError] | None = None) -> Path:
    """Write ``index.html`` for all reports under `out`.

    Parameters
    ----------
    out : Path
    failed : mapping, optional
        Folder name → the error that stopped its last build.

    Returns
    -------
    Path
        The file, replaced as a whole.
    """
    out.mkdir(parents=True, exist_ok=True)
    failed = dict(failed or {})
    cards = []
    for folder in sorted(path for path in out.iterdir() if (path / "ledger.json").exists()):
        error = failed.pop(folder.name, None)
        try:
            cards.append(_card(folder, ledger.read(folder / "ledger.json"), error))
        except (MasarError, KeyError, TypeError) as damaged:
            cards.append(_failure(folder.name, error or from_outside(damaged)))
    cards += [_failure(name, error) for name, error in sorted(failed.items())]
    body = "\n".join(cards) or _both(lambda lang: f"<p>{_WORDS[lang]['none']}</p>")
    now = dt.datetime.now().isoformat(sep=" ", timespec="minutes")
    page = (
        '<!doctype html>\n<html lang="ar" dir="rtl">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_WORDS['ar']['title']} · {_WORDS['en']['title']}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<header>{_both(_head)}</header>\n{body}\n"
        f'<footer class="small"><p><bdi dir="ltr">{now}</bdi></p></footer>\n</main>\n</body>\n</html>\n'
    )
    target = out / "index.html"
    draft = out / "index.html.part"
    draft.write_text(page, encoding="utf-8")
    os.replace(draft, target)
    return target


def _head(lang: str) -> str:
    tag = "h1" if lang == "ar" else "p"
    style = "" if lang == "ar" else ' style="font-size:1.5rem;font-weight:700"'
    return f"<{tag}{style}>{_WORDS[lang]['title']}</{tag}><p>{_WORDS[lang]['intro']}</p>"


def _both(write: Any) -> str:
    parts = (
        f'<div lang="{lang}" dir="{direction}">{write(lang)}</div>'
        for lang, direction in (("ar", "rtl"), ("en", "ltr"))
    )
    return f'<div class="pair">{"".join(parts)}</div>'


def _card(folder: Path, data: Mapping[str, Any], error: MasarError | None) -> str:
    cells = [entry for entry in data["entries"] if entry["kind"] == "cell"]
    hidden = sum(entry["decision"]["status"] == "suppress" for entry in cells)
    tables = sorted((folder / "data").glob("*.csv")) if (folder / "data").is_dir() else []

    def side(lang: str) -> str:
        words = _WORDS[lang]
        title = next((line["text"] for line in data["sentences"][lang] if line["place"] == "title"), folder.name)
        links = "".join(
            f'<a href="{_link(folder.name, path.name)}" hreflang="{lang}">{kind.upper()}</a>'
            for kind in FORMATS
            if (path := folder / f"{data['brief']}.{lang}.{kind}").exists()
        )
        comma, stop = ("، ", "؛ ") if lang == "ar" else (", ", "; ")
        sources = stop.join(
            f"{words['wave']} {_ltr(source['wave'])}{comma}<code>{_ltr(str(source['checksum']).split(':')[-1][:12])}</code>"
            for source in data["sources"]
        )
        study = _words(data["study_title"][lang], lang)
        synthetic = f" · <b>{words['synthetic']}</b>" if data["synthetic"] else ""
        status = f'<p class="bad">{words["failed"]}; {words["stale"]}.</p>' if error else ""
        downloads = "".join(
            f'<a class="small" href="{_link(folder.name, "data", path.name)}">{_ltr(path.stem)}</a> '
            for path in tables
        )
        return (
            f"<h2>{_words(title, lang)}</h2>{status}"
            f'<nav aria-label="{words["open"]}">{links}</nav>'
            f"<p>{words['from']}: {study} ({sources}){synthetic}</p>"
            f"<p>{words['made']}: {_ltr(data['made'])} · {words['profile']}: {_ltr(data['parameters'].get('profile', ''))}</p>"
            f'<p class="small"><a href="{_link(folder.name, "ledger.json")}">{words["ledger"]}</a>: '
            f"{_ltr(len(data['entries']))} {words['numbers']}{comma}{_ltr(hidden)} {words['suppressed']}</p>"
            + (f'<p class="small">{words["data"]}: {downloads}</p>' if tables else "")
        )

    detail = _error(error) if error else ""
    return f"<article>{_both(side)}{detail}</article>"


def _failure(name: str, error: MasarError) -> str:
    def side(lang: str) -> str:
        return f'<h2><bdi dir="ltr">{html.escape(name)}</bdi></h2><p class="bad">{_WORDS[lang]["failed"]}.</p>'

    return f"<article>{_both(side)}{_error(error)}</article>"


def _error(error: MasarError) -> str:
    arabic = f'<p lang="ar" dir="rtl">{html.escape(error.ar)}</p>' if error.ar else ""
    text = html.escape(f"{error.what}\n{error.remedy}").replace("\n", "<br>")
    return f'<div class="small">{arabic}<p lang="en" dir="ltr">{text}</p></div>'


def _words(text: str, lang: str) -> str:
    """A text with its numbers isolated, so that «16.1%» keeps its order in Arabic."""
    return html.escape(embed(text, "ar" if lang == "ar" else "en"))


def _ltr(value: Any) -> str:
    return f'<bdi dir="ltr">{html.escape(str(value))}</bdi>'


def _link(*parts: str) -> str:
    return "/".join(quote(part) for part in parts)
