"""What reading the file noticed."""

from __future__ import annotations

from masar_research.codebook import Text
from masar_research.quality.findings import Checked, Desk
from masar_research.quality.material import Material

_GRAVE_NOTES = ("dates", "encoding")


def check_reading(material: Material) -> Checked:
    """What reading the file noticed: repaired text, codes outside lists, columns set aside."""
    desk = Desk("reading", material.rows)
    desk.say(
        f"{len(material.frame):,} rows, {int(material.interviewed.sum()):,} of them interviews, {len(material.items)} items of {len(material.frame.columns)} columns.",
        f"السجلات {len(material.frame):,}، منها مقابلات {int(material.interviewed.sum()):,}، والأسئلة {len(material.items)} من {len(material.frame.columns)} عموداً.",
    )
    for note in material.notes:
        if note.kind == "set_aside":
            desk.say(
                f"{len(note.columns)} personal columns were set aside and are in no report.",
                f"نُحّيت أعمدة شخصية عددها {len(note.columns)} ولا ترد في أي تقرير.",
            )
        elif note.kind == "not_in_list":
            continue  # counted row by row under ranges
        else:
            desk.find(
                note.kind, "warning" if note.kind in _GRAVE_NOTES else "note", Text(en=note.en, ar=note.ar),
                Text(en="See that this is meant.", ar="تأكد أن هذا مقصود."),
                variable=note.columns[0] if note.columns else None, count=len(note.columns),
            )  # fmt: skip
    return desk.done()
