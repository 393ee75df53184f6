"""Values that cannot be: codes outside the list, ages, dates, and what the form itself forbids."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from masar_research.codebook import Text
from masar_research.expressions import is_missing
from masar_research.loading.personal_patterns import by_name
from masar_research.quality.durations import times
from masar_research.quality.findings import Checked, Desk
from masar_research.quality.material import Material
from masar_research.quality.schema import AGE, DATE, IN_LIST, TYPE, build_schema, failures

FAR_DAYS = 90


def check_ranges(material: Material) -> Checked:
    """The frame against the schema of its codebook, and answers against the form's constraints."""
    desk = Desk("ranges", material.rows)
    frame, roles = material.frame.reset_index(drop=True), material.roles
    dates = tuple(
        name for name in dict.fromkeys((roles.date, roles.start, roles.end)) if name is not None and frame[name].dtype.kind == "M"
    )
    fieldwork = material.fieldwork
    declared = any(fieldwork)
    if not declared:
        fieldwork = _usual(material)
    columns = [str(name) for name in frame.columns]
    schema = build_schema(material.codebook, columns, age=roles.age, ages=material.ages, dates=dates, fieldwork=fieldwork)
    failed = failures(schema, frame)
    desk.figures |= {"columns": len(columns), "schema_failures": len(failed)}
    for (column, check), group in failed.groupby(["column", "check"], sort=False):
        at = group["index"].dropna().astype(int).to_numpy()
        _say(desk, material, str(column), str(check), at, group["failure_case"], declared)
    empty = [name for name in columns if frame[name].isna().all() and not name.startswith(("_", "X_")) and by_name(name.replace("__", "/")) is None]
    for name in empty:
        desk.find(
            "empty_column", "warning" if len(empty) < 10 else "note",
            Text(en=f"{name}: the column is empty.", ar=f"{name}: العمود فارغ."),
            Text(en="Was it asked? Check the version of the form and the export.", ar="هل طُرح السؤال؟ راجع إصدار الاستمارة والتصدير."),
            variable=name, count=len(frame),
        )  # fmt: skip
    _constraints(desk, material)
    listed = sum(any(check.name == IN_LIST for check in column.checks) for column in schema.columns.values())
    desk.say(
        f"{len(columns)} columns were held against the codebook, {listed} of them against their list of codes; {len(material.constraints)} constraints of the form were computed.",
        f"قورنت أعمدة عددها {len(columns)} بدليل الترميز، منها {listed} بقائمة رموزها؛ وحُسبت قيود الاستمارة وعددها {len(material.constraints)}.",
    )
    return desk.done()


def _usual(material: Material) -> tuple[dt.date | None, dt.date | None]:
    """Without declared fieldwork: within three months of the median day."""
    days = times(material, "date")
    days = times(material, "start") if days is None else days
    if days is None or np.isnat(days).all():
        return (None, None)
    middle = pd.Timestamp(np.sort(days[~np.isnat(days)])[int((~np.isnat(days)).sum() // 2)]).date()
    return (middle - dt.timedelta(days=FAR_DAYS), middle + dt.timedelta(days=FAR_DAYS))


def _say(desk: Desk, material: Material, name: str, check: str, at: np.ndarray, cases: pd.Series, declared: bool) -> None:
    n = at.size
    if check == IN_LIST:
        number = material.frame[name].dtype.kind in "fiub"
        different = cases.nunique()
        shown = ", ".join(f"{value:g}" for value in sorted(map(float, cases.unique()))[:5]) if number else ""
        shown = f" ({shown}{' …' if different > 5 else ''})" if shown else ""
        grave = "note" if n > 0.2 * max(int(material.frame[name].notna().sum()), 1) else "error" if n else "note"
        desk.find(
            "not_in_list", "warning" if grave == "error" and not number else grave,
            Text(en=f"{name}: {n:,} rows hold {different} codes that its list has not{shown}.",
                 ar=f"{name}: سجلات فيها رموز ليست في القائمة {n:,}، والرموز المختلفة {different}{shown}."),
            Text(en="Add the code to the form if it is right, else correct the rows; a scale labelled only at its ends needs no list.",
                 ar="أضف الرمز إلى الاستمارة إن كان صحيحاً وإلا فصحّح السجلات؛ والسلّم المسمّى طرفاه فقط لا يلزمه سرد كامل."), at=at, variable=name,
        )  # fmt: skip
    elif check == AGE:
        low, high = material.ages
        desk.find(
            "implausible_age", "error",
            Text(en=f"{name}: {n:,} ages outside {low:.0f} to {high:.0f}.", ar=f"{name}: أعمار خارج المدى من {low:.0f} إلى {high:.0f}: {n:,}."),
            Text(en="Correct from the questionnaire, or set to missing; see whether a code such as 99 stands for refused.",
                 ar="صحّح من الاستبانة أو اجعلها قيمة مفقودة؛ وانظر هل يعني رمز مثل 99 الرفض."), at=at, variable=name,
        )  # fmt: skip
    elif check == DATE:
        en = "outside the fieldwork" if declared else f"more than {FAR_DAYS} days from the median day"
        ar = "خارج فترة العمل الميداني" if declared else f"تبعد أكثر من {FAR_DAYS} يوماً عن وسيط الأيام"
        desk.find(
            "outside_fieldwork", "warning",
            Text(en=f"{name}: {n:,} dates {en}.", ar=f"{name}: تواريخ {ar}: {n:,}."),
            Text(en="Check the date set on the tablet; leave training interviews out.", ar="تحقق من تاريخ الجهاز، واستبعد مقابلات التدريب."),
            at=at, variable=name,
        )  # fmt: skip
    elif check == TYPE:
        desk.find(
            "not_a_number", "error",
            Text(en=f"{name}: {n:,} values are no numbers.", ar=f"{name}: قيم ليست أرقاماً: {n:,}."),
            Text(en="Correct them in the source.", ar="صحّحها في المصدر."), at=at, variable=name,
        )  # fmt: skip


def _constraints(desk: Desk, material: Material) -> None:
    for name, rule in material.constraints.items():
        held = material.holds(rule)
        if held is None:
            continue
        value, known = held
        broken = known & ~value & ~is_missing(material.frame[name].to_numpy())
        if broken.any():
            shown = rule if len(rule) <= 90 else rule[:87] + "..."
            desk.find(
                "breaks_constraint", "error",
                Text(en=f"{name}: {int(broken.sum()):,} answers break the form's own constraint ({shown}).",
                     ar=f"{name}: إجابات تخالف قيد الاستمارة نفسها: {int(broken.sum()):,} ({shown})."),
                Text(en="Entered under an older form, or edited later: correct from the source.",
                     ar="أُدخلت بإصدار أقدم من الاستمارة أو عُدّلت لاحقاً: صحّحها من المصدر."), at=broken, variable=name,
            )  # fmt: skip
