"""A stand-alone SVG made fit to stand inside a page: own ids, no scripts, no references out."""

from __future__ import annotations

import re

from lxml import etree

from masar_research.errors import BriefError

_DRAWING = frozenset(
    "svg g path defs use clipPath rect circle ellipse line polyline polygon text tspan "
    "linearGradient radialGradient stop pattern mask symbol marker image".split()
)
_URL = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")
_OUTSIDE = re.compile(r"url\(\s*['\"]?(?!#)|@import|expression\(|javascript:", re.I)
_DATA_IMAGE = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=\s]+$")


def inline_svg(svg: str, *, prefix: str, label: str) -> str:
    """An SVG ready to be put into HTML.

    Parameters
    ----------
    svg : str
        A complete SVG file; the style sheet matplotlib writes into it becomes a property of
        the drawing, since in a page it would reach everything.
    prefix : str
        Put before every id, so that several drawings do not share one.
    label : str
        Alternative text (``aria-label``).

    Returns
    -------
    str
        One ``<svg role="img">`` element that scales with its box.

    Raises
    ------
    BriefError
        If the text is not well-formed SVG.

    Examples
    --------
    >>> inline_svg('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="2"/>',
    ...            prefix="a", label="empty")
    '<svg viewBox="0 0 1 2" role="img" aria-label="empty"/>'
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        source = etree.fromstring(svg.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise BriefError(
            f"The drawing {prefix!r} is not well-formed SVG: {error}.",
            remedy="Draw it with masar_research.present.charts.",
        ) from error
    if etree.QName(source).localname != "svg":
        raise BriefError(
            f"The drawing {prefix!r} is a <{etree.QName(source).localname}>, not an <svg>.",
            remedy="Draw it with masar_research.present.charts.",
        )
    root = _copy(source, prefix)
    width, height = (root.attrib.pop(name, None) for name in ("width", "height"))
    if "viewBox" not in root.attrib and width and height:
        root.set("viewBox", f"0 0 {_length(width)} {_length(height)}")
    if any(etree.QName(node).localname == "style" for node in source.iter(etree.Element)):
        root.set("style", "stroke-linejoin:round;stroke-linecap:butt")
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-label", label)
    return etree.tostring(root, encoding="unicode")


def _length(text: str) -> str:
    return re.match(r"[\d.]*", text).group() or "0"


def _copy(node: etree._Element, prefix: str) -> etree._Element:
    name = etree.QName(node).localname
    out = etree.Element(name)
    out.text = node.text if name in ("text", "tspan") else None
    for key, value in node.attrib.items():
        local = etree.QName(key).localname
        reaches = "(" in value or ":" in value or "@" in value
        if local.startswith("on") or (reaches and _OUTSIDE.search(value)):
            continue
        if local == "id":
            value = f"{prefix}-{value}"
        elif local == "href":
            if value.startswith("#"):
                value = f"#{prefix}-{value[1:]}"
            elif not (name == "image" and _DATA_IMAGE.match(value)):
                continue
        elif key.startswith("{"):
            continue
        elif reaches:
            value = _URL.sub(rf"url(#{prefix}-\1)", value)
        out.set(local, value)
    for child in node:
        if isinstance(child.tag, str) and etree.QName(child).localname in _DRAWING:
            out.append(_copy(child, prefix))
    return out
