"""The house typeface inside the Word file, so that it looks the same on every desk."""

from __future__ import annotations

import uuid
from functools import lru_cache

from docx.document import Document as Word
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement
from docx.oxml.ns import nsdecls, qn

from masar_research.present import fonts

FONT = fonts.SANS
_TYPE = "application/vnd.openxmlformats-officedocument.obfuscatedFont"
_CUTS = (("embedRegular", 400), ("embedBold", 600))


def embed_fonts(word: Word) -> None:
    """Embed the regular and the bold cut, obfuscated as ECMA-376 (17.8.1) asks.

    The licence (OFL) allows embedding. Programs that read no embedded fonts take another.
    """
    table = word.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
    entries = []
    for index, (tag, weight) in enumerate(_CUTS, start=1):
        key, data = _obfuscated(weight)
        part = Part(PackURI(f"/word/fonts/font{index}.odttf"), _TYPE, data, word.part.package)
        relation = table.relate_to(part, RELATIONSHIP_TYPE.FONT)
        entries.append(f'<w:{tag} r:id="{relation}" w:fontKey="{key}"/>')
    table._blob = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<w:fonts {nsdecls("w", "r")}><w:font w:name="{FONT}">'
        '<w:charset w:val="B2"/><w:family w:val="swiss"/><w:pitch w:val="variable"/>'
        f'{"".join(entries)}</w:font></w:fonts>'
    ).encode()
    settings = word.settings.element
    if settings.find(qn("w:embedTrueTypeFonts")) is None:
        settings.insert(_place(settings), OxmlElement("w:embedTrueTypeFonts"))


def _place(settings) -> int:
    """After the few settings the schema puts before this one."""
    before = {qn(f"w:{name}") for name in ("writeProtection", "view", "zoom",
              "removePersonalInformation", "removeDateAndTime", "doNotDisplayPageBoundaries",
              "displayBackgroundShape", "printPostScriptOverText",
              "printFractionalCharacterWidth", "printFormsData")}  # fmt: skip
    return sum(child.tag in before for child in settings)


@lru_cache(maxsize=4)
def _obfuscated(weight: int) -> tuple[str, bytes]:
    data = bytearray(fonts.font_path(FONT, weight).read_bytes())
    guid = uuid.uuid5(uuid.NAMESPACE_URL, f"{FONT}/{weight}")
    key = guid.bytes[::-1]
    for index in range(32):
        data[index] ^= key[index % 16]
    return f"{{{str(guid).upper()}}}", bytes(data)
