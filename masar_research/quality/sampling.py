"""The design as it stands in the file: clusters, strata, weights."""

from __future__ import annotations

import numpy as np

from masar_research.codebook import Text
from masar_research.quality.findings import Checked, Desk, skipped
from masar_research.quality.material import Material

EXTREME_IQR, EXTREME_MEAN = 6.0, 5.0


def check_sampling(material: Material) -> Checked:
    """Clusters in more than one stratum or area, lonely and uneven clusters, weights that cannot be right."""
    roles = material.roles
    if roles.psu is None and roles.weight is None:
        return skipped("sampling", "No column of clusters or weights was recognised.", "لم يُتعرف إلى عمود للعناقيد أو الأوزان.")
    desk = Desk("sampling", material.rows)
    if roles.psu is not None:
        _clusters(desk, material)
    if roles.weight is not None and material.frame[roles.weight].dtype.kind in "fiu":
        _weights(desk, material)
    return desk.done()


def _clusters(desk: Desk, material: Material) -> None:
    cluster, _ = material.groups("psu")
    sizes = np.bincount(cluster[(cluster >= 0) & material.interviewed])
    sizes = sizes[sizes > 0]
    if not sizes.size:
        return
    desk.figures |= {"clusters": int(sizes.size), "size_median": float(np.median(sizes)), "size_min": int(sizes.min()), "size_max": int(sizes.max())}
    desk.say(
        f"{sizes.size:,} clusters with {np.median(sizes):.0f} interviews each at the median ({sizes.min()} to {sizes.max()}).",
        f"عدد العناقيد {sizes.size:,}، ووسيط المقابلات في الواحد منها {np.median(sizes):.0f} (من {sizes.min()} إلى {sizes.max()}).",
    )
    wave = material.frame["wave"].to_numpy() if "wave" in material.frame.columns else np.zeros(cluster.size)
    for role, word_en, word_ar in (("strata", "stratum", "طبقة"), ("area", "area", "منطقة")):
        groups = material.groups(role)
        if groups is None:
            continue
        reused = _in_several(cluster, groups[0], wave)
        if reused.size:
            at = np.isin(cluster, reused)
            desk.find(
                f"cluster_across_{role}", "error" if role == "strata" else "warning",
                Text(en=f"{reused.size:,} cluster numbers occur in more than one {word_en} ({int(at.sum()):,} rows).",
                     ar=f"أرقام عناقيد تتكرر في أكثر من {word_ar}: {reused.size:,} (عدد السجلات {int(at.sum()):,})."),
                Text(en=f"If numbering begins anew in each {word_en}, declare the cluster within it; if not, correct the rows.",
                     ar=f"إن كان الترقيم يبدأ من جديد في كل {word_ar} فصرّح بأن العنقود داخلها، وإلا فصحّح السجلات."),
                at=at, variable=material.roles.psu,
            )  # fmt: skip
    _lonely(desk, material, cluster)
    blank = (cluster < 0) & material.interviewed
    if blank.any():
        desk.find(
            "no_cluster", "error",
            Text(en=f"{int(blank.sum()):,} interviews have no cluster number.", ar=f"مقابلات بلا رقم عنقود: {int(blank.sum()):,}."),
            Text(en="Find the cluster from the assignment list.", ar="استخرج العنقود من قائمة التوزيع."), at=blank, variable=material.roles.psu,
        )  # fmt: skip
    large = np.flatnonzero(np.bincount(cluster[(cluster >= 0) & material.interviewed]) > 3 * np.median(sizes))
    if large.size and np.median(sizes) >= 4:
        at = np.isin(cluster, large) & material.interviewed
        desk.find(
            "large_cluster", "note",
            Text(en=f"{large.size:,} clusters hold more than three times the median number of interviews.",
                 ar=f"عناقيد فيها أكثر من ثلاثة أمثال وسيط عدد المقابلات: {large.size:,}."),
            Text(en="See whether two clusters were given one number.", ar="انظر هل أُعطي عنقودان رقماً واحداً."),
            at=at, variable=material.roles.psu, count=int(large.size),
        )  # fmt: skip


def _in_several(cluster: np.ndarray, other: np.ndarray, wave: np.ndarray) -> np.ndarray:
    known = (cluster >= 0) & (other >= 0)
    waves = np.unique(wave, return_inverse=True)[1]
    pairs = np.unique(np.column_stack([cluster[known], waves[known], other[known]]), axis=0)
    keys, count = np.unique(pairs[:, :2], axis=0, return_counts=True)
    return np.unique(keys[count > 1, 0])


def _lonely(desk: Desk, material: Material, cluster: np.ndarray) -> None:
    strata = material.groups("strata")
    if strata is None:
        return
    known = (cluster >= 0) & (strata[0] >= 0) & material.interviewed
    pairs = np.unique(np.column_stack([strata[0][known], cluster[known]]), axis=0)
    codes, count = np.unique(pairs[:, 0], return_counts=True)
    lonely = codes[count == 1]
    if lonely.size:
        desk.find(
            "lonely_cluster", "warning",
            Text(en=f"{lonely.size:,} strata have one cluster only; their variance cannot be estimated.",
                 ar=f"طبقات فيها عنقود واحد فقط: {lonely.size:,}؛ ولا يمكن تقدير تباينها."),
            Text(en="Merge them with a neighbour or choose a rule for lonely clusters (lonely_psu).",
                 ar="ادمجها مع طبقة مجاورة أو اختر قاعدة للعنقود المنفرد (lonely_psu)."),
            at=known & np.isin(strata[0], lonely), variable=material.roles.strata, count=int(lonely.size),
        )  # fmt: skip


def _weights(desk: Desk, material: Material) -> None:
    name = material.roles.weight
    weight = material.frame[name].to_numpy(float)
    use = material.interviewed
    blank, negative, zero = use & np.isnan(weight), weight < 0, use & (weight == 0)
    for mask, kind, severity, en, ar in (
        (blank, "weight_missing", "error", "have no weight", "بلا وزن"),
        (negative, "weight_negative", "error", "have a negative weight", "وزنها سالب"),
        (zero, "weight_zero", "warning", "have a weight of zero", "وزنها صفر"),
    ):
        if mask.any():
            desk.find(
                kind, severity,
                Text(en=f"{name}: {int(mask.sum()):,} interviews {en}.", ar=f"{name}: مقابلات {ar}: {int(mask.sum()):,}."),
                Text(en="Ask the producer of the file; estimates leave these rows out or refuse them.",
                     ar="اسأل منتج الملف؛ فالتقديرات تستبعد هذه السجلات أو ترفضها."), at=mask, variable=name,
            )  # fmt: skip
    good = weight[use & (weight > 0)]
    if good.size < 2:
        return
    cv2 = float(good.var() / good.mean() ** 2)
    desk.figures["weights"] = {"sum": float(good.sum()), "min": float(good.min()), "median": float(np.median(good)),
                               "max": float(good.max()), "deff_kish": 1 + cv2}  # fmt: skip
    if np.ptp(good) == 0:
        desk.find(
            "weight_constant", "note",
            Text(en=f"{name}: every weight is {_amount(good[0])}.", ar=f"{name}: الأوزان كلها {_amount(good[0])}."),
            Text(en="Right for a self-weighting sample only.", ar="هذا صحيح للعينة ذاتية الترجيح فقط."), variable=name, count=good.size,
        )  # fmt: skip
        return
    desk.say(
        f"{name}: from {_amount(good.min())} to {_amount(good.max())}, sum {good.sum():,.0f}, design effect of weighting (Kish) {1 + cv2:.2f}.",
        f"{name}: من {_amount(good.min())} إلى {_amount(good.max())}، والمجموع {good.sum():,.0f}، وأثر التصميم الناتج عن الترجيح (كيش) {1 + cv2:.2f}.",
    )
    quarter, middle, three = np.quantile(good, [0.25, 0.5, 0.75])
    bound = max(middle + EXTREME_IQR * (three - quarter), EXTREME_MEAN * good.mean())
    extreme = use & (weight > bound)
    if extreme.any():
        share = weight[extreme].sum() / good.sum()
        desk.find(
            "weight_extreme", "warning",
            Text(en=f"{name}: {int(extreme.sum()):,} weights above {_amount(bound)} carry {share:.1%} of the sum.",
                 ar=f"{name}: أوزان فوق {_amount(bound)}: {int(extreme.sum()):,}، وتحمل {share:.1%} من المجموع."),
            Text(en="Check the selection probabilities behind them, then consider trimming.",
                 ar="تحقق من احتمالات الاختيار وراءها ثم انظر في تقليمها."), at=extreme, variable=name,
        )  # fmt: skip


def _amount(weight: float) -> str:
    """A weight to three figures, never in powers of ten."""
    return f"{weight:,.0f}" if weight >= 100 else f"{weight:.3g}"
