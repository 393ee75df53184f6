"""The ``geography`` parameter of a brief: the country, a region or a governorate."""

from __future__ import annotations

from dataclasses import dataclass

from masar_research.briefs.refs import LabelRef
from masar_research.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Geography:
    """A place: its code, its names, and the condition that selects its rows (None for all)."""

    code: str
    label: LabelRef
    expression: str | None


COUNTRY = Geography("JO", LabelRef(en="Jordan", ar="الأردن", source="geography JO"), None)


def geography(code: str) -> Geography:
    """The place of that code.

    Raises
    ------
    ParameterError
        An unknown place, with the codes there are.
    """
    if code == "JO":
        return COUNTRY
    known = _known()
    if code in known:
        return known[code]
    raise ParameterError(
        f"geography={code!r} is not a place this project knows.",
        remedy=f"Use one of {['JO', *known]}.",
        ar=f"الموقع الجغرافي «{code}» غير معروف.",
    )


def _known() -> dict[str, Geography]:
    from masar_research import places

    found = {}
    for region in places.regions():
        label = LabelRef(en=region.en, ar=region.ar, source=f"region={region.code}")
        found[f"JO-R{region.code}"] = Geography(f"JO-R{region.code}", label, f"region == {region.code}")
    for governorate in places.governorates():
        label = LabelRef(en=governorate.en, ar=governorate.ar, source=f"governorate={governorate.code}")
        found[governorate.iso] = Geography(governorate.iso, label, f"governorate == {governorate.code}")
    return found
