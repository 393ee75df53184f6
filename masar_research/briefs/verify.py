"""`masar verify`: every number of a report computed again, in a fresh process, from the source.

Displayed values are compared exactly, and full precision to one part in a thousand million
where the office's ledger is there; the pages themselves are read again too.
"""

from __future__ import annotations

import difflib
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masar_research.briefs import ledger, locations, pages
from masar_research.briefs.document import Lang
from masar_research.errors import BriefError, from_outside
from masar_research.release import Register

TOLERANCE = 1e-9
MOST_TOLD = 20
LANGS: tuple[Lang, ...] = ("en", "ar")
_PRECISE = (
    "estimate", "std_error", "conf_low", "conf_high", "df", "n", "n_eff", "deff", "cv", "p_value",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not come out the same, in both languages; `key` names the entry."""

    key: str
    en: str
    ar: str


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a verification found.

    Attributes
    ----------
    report : str
    numbers, reproduced : int
        Entries of the ledger, and those that came out the same.
    precise : int
        Cells compared at full precision (0 without the office's ledger).
    problems : tuple of Problem
    notes : tuple of str
        What is worth knowing and no fault: another code version.
    """

    report: str
    numbers: int
    reproduced: int
    precise: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems and self.reproduced == self.numbers

    def text(self, lang: Lang) -> str:
        """The answer in one language."""
        told, more = self.problems[:MOST_TOLD], len(self.problems) - MOST_TOLD
        if lang == "ar":
            lines = [f"أُعيد إنتاج {self.reproduced} من {self.numbers} رقماً: {self.report}"]
            lines += [f"• {problem.ar}" for problem in told]
            lines += [f"• وغيرها: {more}"] if more > 0 else []
        else:
            lines = [f"{self.reproduced} of {self.numbers} numbers reproduced: {self.report}"]
            lines += [f"• {problem.en}" for problem in told]
            lines += [f"• and {more} more"] if more > 0 else []
        return "\n".join(lines)


def reports_in(home: Path) -> list[Path]:
    """The reports under a folder: those with a ledger, and those whose pages are there without one."""
    folders = sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []
    return [
        folder
        for folder in folders
        if not folder.name.startswith(".") and ((folder / "ledger.json").exists() or any(_page_files(folder)))
    ]


def _page_files(folder: Path) -> Iterator[tuple[Path, Lang]]:
    for path in sorted(folder.iterdir()):
        parts = path.name.split(".")
        if len(parts) == 3 and parts[2] in ("html", "pdf", "docx") and parts[1] in LANGS:
            yield path, "ar" if parts[1] == "ar" else "en"


def verify(report: Path | str, out: Path | None = None) -> VerifyResult:
    """Recompute a report from its source file and compare.

    Parameters
    ----------
    report : path
        Folder of a built report, with its ``ledger.json``.
    out : path, optional
        The folder of reports it belongs to (where the office's files are); its parent.

    Returns
    -------
    VerifyResult

    Raises
    ------
    BriefError
        The folder holds no ledger, or the rerun failed.
    """
    folder = Path(report).resolve()
    home = (out or folder.parent).resolve()
    published = ledger.read(folder / "ledger.json")
    kept = locations.office(home) / folder.name
    office = ledger.read(kept / "ledger.office.json") if (kept / "ledger.office.json").exists() else None
    again, again_office = _rerun(published, kept / "register.before.json")

    entry_problems = list(_displayed(published, again))
    changed = {problem.key for problem in entry_problems}
    problems = [*_sources(published, again), *entry_problems]
    precise = 0
    if office is not None:
        found, precise = _precision(office, again_office)
        problems += found
        changed |= {problem.key for problem in found}
    problems += _sentences(published, again)
    problems += _pages(folder, published)
    numbers = len(published["entries"])
    keys = {entry["key"] for entry in published["entries"]}
    notes = []
    if published["code"].get("tree") != again["code"].get("tree"):
        notes.append(
            f"The report was made by other code ({published['code'].get('git') or published['code'].get('version')})."
        )
    return VerifyResult(
        folder.name, numbers, numbers - len(changed & keys), precise, tuple(problems), tuple(notes)
    )


def _rerun(published: Mapping[str, Any], register: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ledgers of a fresh build, in a process of its own that uses no cache."""
    with tempfile.TemporaryDirectory(prefix="masar-verify-") as place:
        asked = Path(place) / "asked.json"
        asked.write_text(
            json.dumps(
                {
                    "brief": published["brief"],
                    "parameters": published["parameters"],
                    "date": published["made"],
                    "register": str(register) if register.exists() else None,
                }
            ),
            encoding="utf-8",
        )
        package_home = str(Path(__file__).resolve().parents[2])
        paths = [package_home, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        env = {
            **os.environ,
            "MASAR_NO_CACHE": "1",
            "MASAR_HOME": str(locations.root()),
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
            "PYTHONIOENCODING": "utf-8",
        }
        answer = subprocess.run(
            [sys.executable, "-m", "masar_research.briefs.verify", str(asked), place],
            env=env, capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip
        public = Path(place) / "public.json"
        if answer.returncode or not public.exists():
            raise _failed_rerun(published["brief"], Path(place) / "error.json", answer.stderr)
        return ledger.read(public), ledger.read(Path(place) / "office.json")


def _failed_rerun(brief: str, told: Path, stderr: str) -> BriefError:
    """The error of the rerun; its last line where it could not say it itself."""
    if told.exists():
        error = json.loads(told.read_text(encoding="utf-8"))
    else:
        error = {"what": (stderr.strip().splitlines() or ["no reason given"])[-1], "remedy": "Run the command again.", "ar": ""}
    return BriefError(
        f"The rerun of {brief} failed: {error['what']}",
        remedy=f"{error['remedy']} The report itself was not touched.",
        ar=f"فشلت إعادة الحساب، ولم يُمَسّ التقرير نفسه. {error['ar']}".strip(),
    )


def _child(asked: Path, place: Path) -> int:
    """The rerun itself; an error is left in ``error.json`` for the process that asked."""
    try:
        _recompute(asked, place)
    except Exception as error:
        told = from_outside(error)
        words = {"what": told.what, "remedy": told.remedy, "ar": told.ar}
        (place / "error.json").write_text(json.dumps(words), encoding="utf-8")
        return 1
    return 0


def _recompute(asked: Path, place: Path) -> None:
    from masar_research.briefs.runner import recompute

    job = json.loads(asked.read_text(encoding="utf-8"))
    register = Register.read(job["register"]) if job["register"] else Register()
    found = recompute(
        job["brief"], job["parameters"], out=place, date=job["date"], register=register
    )
    ledger.write(found.public(), place / "public.json")
    ledger.write(found.office(), place / "office.json")


# --- comparing -------------------------------------------------------------------------


def _sources(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Problem]:
    before = {str(source["wave"]): source["checksum"] for source in old["sources"]}
    now = {str(source["wave"]): source["checksum"] for source in new["sources"]}
    for wave, checksum in before.items():
        if now.get(wave) != checksum:
            yield Problem(
                f"source:{wave}",
                f"The data of wave {wave} are not those the report was made from (checksum "
                f"{_short(now.get(wave))} instead of {_short(checksum)}).",
                f"بيانات الجولة {wave} ليست التي أُعدّ منها التقرير.",
            )


def _short(checksum: str | None) -> str:
    return (checksum or "none").split(":")[-1][:12]


def _displayed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Problem]:
    now = {entry["key"]: entry for entry in new["entries"]}
    for entry in old["entries"]:
        key, name = entry["key"], _name(entry)
        fresh = now.get(key)
        if fresh is None:
            yield Problem(
                key, f"{name} no longer appears in the brief.", f"لم يعد {name} يظهر في الموجز."
            )
            continue
        for lang in LANGS:
            before, after = entry["displayed"].get(lang, {}), fresh["displayed"].get(lang, {})
            for way in dict.fromkeys([*before, *after]):
                if before.get(way) != after.get(way):
                    yield Problem(
                        key,
                        f"{name} ({way}, {lang}): the report shows {before.get(way)!r}, the data give {after.get(way)!r}.",
                        f"{name}: في التقرير «{before.get(way)}» وفي البيانات «{after.get(way)}».",
                    )
        if entry.get("decision") != fresh.get("decision"):
            yield Problem(
                key,
                f"{name}: the release decision was {entry.get('decision', {}).get('status')!r} and is now "
                f"{fresh.get('decision', {}).get('status')!r}.",
                f"{name}: تغيّر قرار النشر.",
            )
    for key in now.keys() - {entry["key"] for entry in old["entries"]}:
        yield Problem(
            key,
            f"{_name(now[key])} appears in the rerun and not in the report.",
            f"{_name(now[key])} يظهر عند إعادة الحساب ولا يظهر في التقرير.",
        )


def _name(entry: Mapping[str, Any]) -> str:
    what = entry.get("cell") or entry.get("name") or entry.get("fact") or entry.get("source") or entry["key"]
    return f"{entry['address']} {what}"


def _precision(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Problem], int]:
    now = {entry["key"]: entry for entry in new["entries"]}
    found, compared = [], 0
    for entry in old["entries"]:
        fresh = now.get(entry["key"])
        if fresh is None:
            continue
        compared += 1
        for name in _PRECISE:
            if not same(entry.get(name), fresh.get(name)):
                found.append(
                    Problem(
                        entry["key"],
                        f"{entry['address']} {name}: {entry.get(name)!r} in the office's ledger, {fresh.get(name)!r} computed.",
                        f"{entry['address']} {name}: القيمة الكاملة في سجل المكتب لا تطابق المحسوبة.",
                    )
                )
    return found, compared


def same(first: float | None, second: float | None) -> bool:
    """Equal to a relative 1e-9 (absolute 1e-12 near zero)."""
    if first is None or second is None:
        return first is second
    return math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=1e-12)


def _sentences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Problem]:
    for lang in LANGS:
        before, after = (
            [(line["place"], line["text"]) for line in data["sentences"][lang]] for data in (old, new)
        )
        for kind, first, last, start, end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
            if kind == "equal":
                continue
            for one, two in itertools.zip_longest(before[first:last], after[start:end]):
                yield _changed_line(lang, one, two)


def _changed_line(lang: Lang, one: tuple[str, str] | None, two: tuple[str, str] | None) -> Problem:
    place = (one or two or ("", ""))[0]
    was = one[1] if one else "(nothing)"
    now = two[1] if two else "(nothing)"
    return Problem(
        f"sentence:{lang}:{place}",
        f"The sentence at {place} ({lang}) changed: {was!r} → {now!r}.",
        f"تغيّرت الجملة في {place}: «{one[1] if one else ''}» ← «{two[1] if two else ''}».",
    )


def _pages(folder: Path, published: Mapping[str, Any]) -> Iterator[Problem]:
    """Numerals on the pages that the report's own ledger does not account for."""
    for path, lang in _page_files(folder):
        tokens = [text for entry in published["entries"] for text in entry["displayed"].get(lang, {}).values()]
        allowed = pages.numerals_allowed([*tokens, published["made"]])
        try:
            texts = pages.read_file(path, lang)
        except Exception as error:  # three libraries read pages, each with errors of its own
            yield Problem(
                f"page:{path.name}",
                f"{path.name} cannot be read ({error}); it was changed or cut off after the report was built.",
                f"تعذّرت قراءة الملف {path.name}؛ تغيّر أو بُتر بعد إعداد التقرير.",
            )
            continue
        for stray in pages.strays(texts, allowed, path.name):
            yield Problem(
                f"page:{path.name}",
                f"{path.name} prints {stray.numeral!r} at {stray.place}, which the ledger does not hold: …{stray.around}…",
                f"الملف {path.name} يعرض الرقم {stray.numeral} غير المدوّن في السجل.",
            )


if __name__ == "__main__":
    raise SystemExit(_child(Path(sys.argv[1]), Path(sys.argv[2])))
