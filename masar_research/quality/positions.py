"""Where interviews were held: far from their cluster, outside the country, one point many times."""

from __future__ import annotations

import numpy as np

from masar_research.codebook import Text
from masar_research.errors import ParameterError
from masar_research.quality.findings import Checked, Desk, skipped
from masar_research.quality.material import Material

EARTH_KM = 6371.0088
FAR_KM, FAR_SPREADS = 3.0, 8.0
SAME_POINT = 3
POOR_METRES = 50.0
CLASSES = (0.5, 1.0, 5.0, 20.0)
#: Bounding boxes (south, north, west, east) in degrees, half a kilometre generous.
BOXES = {
    "JO": (29.18, 33.38, 34.95, 39.31),
    "IQ": (29.05, 37.39, 38.79, 48.58),
    "LB": (33.05, 34.70, 35.09, 36.63),
    "PS": (31.21, 32.56, 34.21, 35.58),
    "SY": (32.30, 37.33, 35.60, 42.39),
}


def kilometres(latitude, longitude, other_latitude, other_longitude) -> np.ndarray:
    """Great-circle distances by the haversine formula; degrees in, kilometres out.

    Examples
    --------
    >>> float(kilometres(31.0, 36.0, 32.0, 36.0).round(1))
    111.2
    """
    a, b, c, d = (np.radians(np.asarray(x, dtype=float)) for x in (latitude, longitude, other_latitude, other_longitude))
    h = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(h, 0, 1)))


def from_centre(latitude: np.ndarray, longitude: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Distance of each point from the median point of its cluster; (n,) kilometres, NaN in clusters of one or two."""
    out = np.full(latitude.size, np.nan)
    for code in np.unique(cluster[cluster >= 0]):
        here = np.flatnonzero((cluster == code) & np.isfinite(latitude) & np.isfinite(longitude))
        if here.size >= 3:
            out[here] = kilometres(
                latitude[here], longitude[here], np.median(latitude[here]), np.median(longitude[here])
            )
    return out


def check_positions(material: Material) -> Checked:
    """Positions of interviews, told in classes of distance; no coordinate is printed."""
    given = material.positions
    if given is None or not np.isfinite(given.latitude).any():
        return skipped("positions", "The file records no positions.", "لا يتضمن الملف إحداثيات للمقابلات.")
    desk = Desk("positions", material.rows)
    lat, lon = given.latitude, given.longitude
    known = np.isfinite(lat) & np.isfinite(lon)
    nought = known & (np.abs(lat) < 1e-6) & (np.abs(lon) < 1e-6)
    strange = known & ((np.abs(lat) > 90) | (np.abs(lon) > 180))
    good = known & ~nought & ~strange
    desk.figures |= {"known": int(known.sum()), "interviews": int(material.interviewed.sum())}
    desk.say(
        f"{int(known.sum()):,} of {int(material.interviewed.sum()):,} interviews have a position.",
        f"المقابلات المسجل موقعها {int(known.sum()):,} من {int(material.interviewed.sum()):,}.",
    )
    if (nought | strange).any():
        desk.find(
            "no_real_position", "warning",
            Text(en=f"{int((nought | strange).sum()):,} positions are no place (zero, or beyond the poles).",
                 ar=f"مواقع لا وجود لها (صفر أو خارج حدود الكرة الأرضية): {int((nought | strange).sum()):,}."),
            Text(en="The tablet had no fix; treat as missing.", ar="لم يلتقط الجهاز الموقع؛ عدّها مفقودة."), at=nought | strange,
        )  # fmt: skip
    _country(desk, material, good)
    _far(desk, material, good)
    _same(desk, material, good)
    accuracy = given.accuracy
    poor = good & np.isfinite(accuracy) & (accuracy > POOR_METRES)
    if poor.any():
        desk.find(
            "poor_accuracy", "note",
            Text(en=f"{int(poor.sum()):,} positions are less accurate than {POOR_METRES:.0f} metres.",
                 ar=f"مواقع دقتها أسوأ من {POOR_METRES:.0f} متراً: {int(poor.sum()):,}."),
            Text(en="Wait for a better fix out of doors; do not judge distance by these.",
                 ar="انتظر التقاطاً أدق في الخارج؛ ولا تحكم على المسافة بهذه المواقع."), at=poor,
        )  # fmt: skip
    return desk.done()


def _country(desk: Desk, material: Material, good: np.ndarray) -> None:
    if material.country is None:
        return
    lat, lon = material.positions.latitude, material.positions.longitude
    outside = good & ~_inside(material.country, lat, lon)
    if outside.any():
        desk.find(
            "outside_country", "error",
            Text(en=f"{int(outside.sum()):,} interviews were recorded outside the country.", ar=f"مقابلات سُجل موقعها خارج البلد: {int(outside.sum()):,}."),
            Text(en="Look whether latitude and longitude changed places; ask where the interview was held.",
                 ar="انظر هل تبادل خطا الطول والعرض مكانيهما، واسأل أين أُجريت المقابلة."), at=outside,
        )  # fmt: skip


def _inside(country: str, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Within installed boundaries (Jordan), 2 km generous, else within the country's bounding box."""
    if country not in BOXES:
        raise ParameterError(f"No bounding box is known for {country!r}.", remedy=f"Use {', '.join(BOXES)}, or leave country out.")
    south, north, west, east = BOXES[country]
    boxed = (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
    if country != "JO":
        return boxed
    from masar_research.places import boundaries

    shapes = boundaries()
    if shapes is None:
        return boxed
    import shapely

    land = shapes.to_crs(4326).geometry.union_all().buffer(0.02)
    return boxed & shapely.contains_xy(land, lon, lat)


def _far(desk: Desk, material: Material, good: np.ndarray) -> None:
    groups = material.groups("psu")
    if groups is None:
        return
    lat, lon = material.positions.latitude, material.positions.longitude
    away = from_centre(np.where(good, lat, np.nan), np.where(good, lon, np.nan), groups[0])
    known = np.isfinite(away)
    if not known.any():
        return
    edges = (0.0, *CLASSES, np.inf)
    counts = [int(((away >= low) & (away < high)).sum()) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    desk.figures["distance_classes"] = {"edges_km": list(CLASSES), "counts": counts}
    typical = np.full(away.size, np.nan)
    for code in np.unique(groups[0][known]):
        here = known & (groups[0] == code)
        typical[here] = np.median(away[here])
    far = known & (away > np.maximum(FAR_KM, FAR_SPREADS * typical))
    if far.any():
        within = int((far & (away < CLASSES[-1])).sum())
        desk.find(
            "far_from_cluster", "warning",
            Text(en=f"{int(far.sum()):,} interviews lie far from the middle of their cluster: {within:,} between {FAR_KM:.0f} and {CLASSES[-1]:.0f} km, {int(far.sum()) - within:,} beyond.",
                 ar=f"مقابلات بعيدة عن مركز عنقودها: {int(far.sum()):,}، منها {within:,} بين {FAR_KM:.0f} و{CLASSES[-1]:.0f} كم و{int(far.sum()) - within:,} أبعد من ذلك."),
            Text(en="Check the cluster's number first, then where the interview was held.",
                 ar="تحقق من رقم العنقود أولاً ثم من مكان المقابلة."), at=far, variable=material.roles.psu,
        )  # fmt: skip


def _same(desk: Desk, material: Material, good: np.ndarray) -> None:
    lat, lon = material.positions.latitude, material.positions.longitude
    at = np.flatnonzero(good & material.interviewed)
    if at.size == 0:
        return
    points = np.round(np.column_stack([lat[at], lon[at]]), 6)
    _, place, count = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    many = at[count[place.ravel()] >= SAME_POINT]
    if many.size:
        desk.find(
            "same_point", "warning",
            Text(en=f"{many.size:,} interviews share one exact point with {SAME_POINT - 1} or more others.",
                 ar=f"مقابلات لها النقطة نفسها تماماً مع {SAME_POINT - 1} غيرها أو أكثر: {many.size:,}."),
            Text(en="Were they held in one building, or filled in at one desk? Ask the supervisor.",
                 ar="هل أُجريت في مبنى واحد أم مُلئت على مكتب واحد؟ اسأل المشرف."), at=many,
        )  # fmt: skip
