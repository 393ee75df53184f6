"""A brief in both languages with everything a page may hold, for the writers' tests.

The figures are invented and say so on the page; the prose is what a brief would say.
"""

from __future__ import annotations

import io
import re
from functools import cache

import fontpkg
import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties

from masar_research.briefs.document import (
    Art,
    Box,
    Column,
    Document,
    Figure,
    Heading,
    Items,
    Line,
    Messages,
    Paragraph,
    Run,
    Table,
)

MARK = re.compile(r"\{(?P<source>[a-z]+)(?::(?P<ref>[^|}]*))?\|(?P<text>[^}]*)\}|\*(?P<strong>[^*]+)\*")


def line(text: str) -> Line:
    """`{cell:ref|21.4%}` marks a run with its source, `*…*` a strong one."""
    runs, start = [], 0
    for found in MARK.finditer(text):
        if found.start() > start:
            runs.append(Run(text[start : found.start()]))
        if found["strong"]:
            runs.append(Run(found["strong"], strong=True))
        else:
            runs.append(Run(found["text"], source=found["source"], ref=found["ref"]))
        start = found.end()
    if start < len(text):
        runs.append(Run(text[start:]))
    return tuple(runs)


GROUPS = (
    ("Women", "النساء", 14.9, 13.2, 16.7),
    ("Men", "الرجال", 53.4, 51.0, 55.8),
    ("Women with a bachelor's degree or more", "نساء بمؤهل بكالوريوس فأعلى", 37.2, 32.9, 41.6),
    ("Women with secondary education or less", "نساء بمؤهل ثانوي فأدنى", 6.1, 4.9, 7.5),
    ("Women aged 25–39", "نساء بعمر 25–39", 23.8, 20.4, 27.4),
)


@cache
def art(lang: str, *, height: float = 62.0, width: float = 170.0, rows: int = 5) -> Art:
    """Dots with whiskers, mirrored in Arabic, text as paths."""
    canvas = Canvas(figsize=(width / 25.4, height / 25.4), layout="constrained")
    axes = canvas.subplots()
    font = FontProperties(fname=str(fontpkg.path("IBM Plex Sans Arabic")), size=8.5)
    texts = []
    for place, (en, ar, value, low, high) in enumerate(GROUPS[:rows]):
        axes.plot([low, high], [-place, -place], color="#0f5c5c", lw=1.6)
        axes.plot([value], [-place], "o", color="#0f5c5c", ms=6)
        texts += [ar if lang == "ar" else en, f"{value}%"]
        axes.annotate(texts[-1], (value, -place), (0, 6), textcoords="offset points",
                      ha="center", fontproperties=font)  # fmt: skip
    axes.set_xlim(0, 70)
    axes.set_ylim(-rows + 0.4, 0.8)
    axes.set_yticks([-i for i in range(rows)], texts[::2], fontproperties=font)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    if lang == "ar":
        axes.invert_xaxis()
        axes.yaxis.tick_right()
    axes.tick_params(length=0)
    svg, png = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "masar"}):
        FigureCanvasSVG(canvas).print_svg(svg, metadata={"Date": None})
        FigureCanvasAgg(canvas)
        canvas.savefig(png, format="png", dpi=220, metadata={"Software": None})
    return Art(svg.getvalue().decode(), png.getvalue(), tuple(texts), width, height)


def data_table(lang: str, name: str) -> Table:
    return Table(
        id=f"{name}_data",
        caption=line("نسبة المشاركة في القوى العاملة" if lang == "ar" else "Labour force participation"),
        columns=(
            Column(line("الفئة" if lang == "ar" else "Group")),
            Column(line("النسبة" if lang == "ar" else "Rate"), numeric=True),
            Column(line("فترة الثقة" if lang == "ar" else "Interval"), numeric=True),
        ),
        rows=tuple(
            (
                (Run(ar if lang == "ar" else en, "label"),),
                (Run(f"{value}%", "cell", f"{name}.{index}"),),
                (Run(f"{low}%–{high}%", "cell", f"{name}.{index}"),),
            )
            for index, (en, ar, value, low, high) in enumerate(GROUPS)
        ),
    )


def figure(lang: str, name: str, title: str, alt: str, base: str, question: str | None,
           *, notes: tuple[str, ...] = (), width: str = "full", rows: int = 5) -> Figure:  # fmt: skip
    drawing = art(lang, rows=rows) if width == "full" else art(lang, height=58.0, width=82.0, rows=rows)
    return Figure(
        id=name,
        title=line(title),
        art=drawing,
        alt=line(alt),
        base=line(base),
        question=line(question) if question else None,
        data=data_table(lang, name),
        notes=tuple(line(note) for note in notes),
        width=width,
    )


def affected(lang: str) -> Table:
    """The small table with suppressed cells and intervals."""
    ar = lang == "ar"
    heads = ("الفئة", "معدل البطالة", "فترة الثقة 95%", "ن") if ar else (
        "Group", "Unemployment rate", "95% interval", "n")  # fmt: skip
    rows = (
        ("النساء، 15–24", "Women, 15–24", "47.5%", "38.1%–57.0%", "121"),
        ("النساء، 25–39", "Women, 25–39", "27.3%", "21.0%–34.4%", "214"),
        ("النساء، 40–59", "Women, 40–59", "9.8%", "5.6%–15.6%", "133"),
        ("النساء، 60 فأكثر", "Women, 60 and over", None, None, "11"),
        ("الرجال، 15–24", "Men, 15–24", "39.0%", "33.4%–44.8%", "318"),
        ("الرجال، 25–39", "Men, 25–39", "16.6%", "13.9%–19.6%", "702"),
    )
    suppressed = (Run("*"),)

    def cell(text: str | None, ref: str) -> Line:
        return (Run(text, "cell", ref),) if text else suppressed

    return Table(
        id="affected",
        caption=line("أكثر الفئات تأثراً: معدل البطالة بحسب الجنس والعمر" if ar
                     else "Who is most affected: unemployment by sex and age"),
        columns=tuple(Column(line(head), numeric=index > 0) for index, head in enumerate(heads)),
        rows=tuple(
            ((Run(a if ar else e, "label"),), cell(p, f"u.{i}"), cell(ci, f"u.{i}"), (Run(n, "cell", f"u.{i}"),))
            for i, (a, e, p, ci, n) in enumerate(rows)
        ),
        notes=(
            line("* لم تُنشر القيمة لأن دقتها لا تكفي وفق معيار المركز الوطني للإحصاءات الصحية." if ar
                 else "* not shown: too imprecise by the NCHS reliability standard."),
        ),
    )  # fmt: skip


AAPOR = (
    ("Who sponsored the survey", "A demonstration survey without a sponsor.",
     "الجهة الراعية", "مسح توضيحي لا راعي له."),
    ("Who carried it out", "Generated by a documented program of masar_research.",
     "الجهة المنفذة", "أُنتج ببرنامج موثَّق ضمن masar_research."),
    ("Wording and presentation of questions", "Under each chart, in the language of the interview.",
     "نص الأسئلة وطريقة عرضها", "تحت كل شكل، بلغة المقابلة."),
    ("Population under study", "Residents of Jordan aged {parameter:age|15} and over in private households.",
     "مجتمع الدراسة", "المقيمون في الأردن بعمر {parameter:age|15} سنة فأكثر في الأسر المعيشية الخاصة."),
    ("Dates of data collection", "{date:f|1 March 2026} to {date:t|15 April 2026}.",
     "تواريخ جمع البيانات", "من {date:f|1 آذار/مارس 2026} إلى {date:t|15 نيسان/أبريل 2026}."),
    ("Sampling frame and method", "Governorate by urban/rural strata, blocks with probability proportional to size.",
     "إطار العينة وطريقة السحب", "طبقات المحافظة بحسب الحضر والريف، وبلوكات باحتمال متناسب مع الحجم."),
    ("Sample size and precision", "{cell:n|3,612} interviews; the margin for women's participation is {cell:moe|±1.8} points.",
     "حجم العينة ودقتها", "{cell:n|3,612} مقابلة، وهامش الخطأ لمشاركة النساء {cell:moe|±1.8} نقطة مئوية."),
    ("Weighting", "Non-response cells, then raking to published margins, then trimming.",
     "الترجيح", "خلايا عدم الاستجابة، ثم المعايرة التكرارية إلى هوامش منشورة، ثم تقليم الأوزان."),
    ("Treatment of refusals", "Counted as missing and never as an answer; the base under each chart says how many answered.",
     "معالجة الرفض", "يُعد قيمة مفقودة لا إجابة، ويبيّن عدد المجيبين تحت كل شكل."),
    ("Response rate", "{cell:rr|71.3%} (AAPOR RR3).",
     "معدل الاستجابة", "{cell:rr|71.3%} (تعريف AAPOR RR3)."),
    ("Where to obtain more", "The data, the code and the ledger of this brief accompany it.",
     "للاستزادة", "ترافق هذا الموجز بياناته وبرنامجه وسجل أرقامه."),
)  # fmt: skip


def build(lang: str) -> Document:
    """The sample brief, about four pages."""
    ar = lang == "ar"

    def t(en: str, arabic: str) -> Line:
        return line(arabic if ar else en)

    base = ("القاعدة: الأردنيات والأردنيون بعمر {parameter:age|15} سنة فأكثر، ن = {cell:n|2,984}" if ar
            else "Base: Jordanians aged {parameter:age|15} and over, n = {cell:n|2,984}")  # fmt: skip
    question = ("{question|هل عملتَ ولو ساعة واحدة بأجر أو لحسابك خلال الأيام السبعة الماضية؟}" if ar
                else "{question|Did you work even one hour for pay or for yourself in the last seven days?}")  # fmt: skip
    elements = (
        Messages(
            figures=(t("{cell:lfp.f|14.9%}", "{cell:lfp.f|14.9%}"), t("{cell:u.f|22.6%}", "{cell:u.f|22.6%}"),
                     t("{cell:gap|38.5}", "{cell:gap|38.5}")),
            lines=(
                t("{cell:lfp.f|14.9%} of Jordanian women take part in the labour force, about one in seven.",
                  "تشارك {cell:lfp.f|14.9%} من الأردنيات في القوى العاملة، ولم يتغيّر ذلك بصورة يمكن رصدها إحصائياً."),
                t("{cell:u.f|22.6%} of women in the labour force look for work and find none.",
                  "بلغ معدل البطالة بين النساء {cell:u.f|22.6%} من المشاركات في القوى العاملة."),
                t("{cell:gap|38.5} percentage points separate the participation of men and women.",
                  "تفصل {cell:gap|38.5} نقطة مئوية بين مشاركة الرجال ومشاركة النساء."),
            ),
        ),
        Paragraph(t("The modernisation vision aims at doubling women's participation by {parameter:target|2033}. "
                    "The survey shows where the distance is greatest and which groups stand closest to the labour market.",
                    "تستهدف رؤية التحديث الاقتصادي مضاعفة مشاركة المرأة بحلول عام {parameter:target|2033}. "
                    "ويبيّن المسح أين تتسع المسافة، وأي الفئات أقرب إلى سوق العمل."), style="lead"),
        Heading(t("Education opens the door, but not for all", "التعليم يفتح الباب، لكن ليس للجميع")),
        Paragraph(t("Participation among women with a bachelor's degree reached {cell:lfp.ba|37.2%} (95% interval: "
                    "{cell:lfp.ba|32.9%–41.6%}), against {cell:lfp.sec|6.1%} among women with secondary education or less. "
                    "The difference holds within every age group, and it is wider than the gap between regions.",
                    "بلغت نسبة المشاركة بين الحاصلات على البكالوريوس فأعلى {cell:lfp.ba|37.2%} (فترة الثقة 95%: "
                    "من {cell:lfp.ba|32.9%} إلى {cell:lfp.ba|41.6%})، مقابل {cell:lfp.sec|6.1%} بين من أتممن الثانوية فأدنى. "
                    "ويثبت هذا الفرق في كل فئة عمرية، وهو أوسع من الفجوة بين الأقاليم.")),
        figure(lang, "education",
               "النساء الأعلى تعليماً يشاركن ستة أضعاف غيرهن" if ar else "Women with a degree take part six times as often",
               "شكل نقطي لنسبة المشاركة بحسب الفئة، أعلاها الرجال {cell:x|53.4%}." if ar else
               "Dot chart of participation by group; men are highest at {cell:x|53.4%}.", base, question,
               notes=(("الخط يبيّن فترة الثقة {parameter:level|95%}." if ar else "The line is the {parameter:level|95%} interval."),)),
        Heading(t("Region matters less than schooling", "الإقليم أقل أثراً من التعليم")),
        Paragraph(t("With {cell:n|3,612} interviews most governorates cannot be shown alone; regions stand in their place.",
                    "مع {cell:n|3,612} مقابلة لا يمكن عرض معظم المحافظات منفردة، فتحل الأقاليم محلها.")),
        figure(lang, "region", "إقليم الشمال" if ar else "The North trails the Middle",
               "شكل نقطي للأقاليم." if ar else "Dot chart of regions.", base, None, width="half", rows=3),
        figure(lang, "change", "لم يتغير المعدل منذ الجولة السابقة" if ar else "No change since the last wave",
               "شكل نقطي للجولتين." if ar else "Dot chart of two waves.", base, None, width="half", rows=3),
        Heading(t("Who is most affected", "من الأكثر تأثراً"), level=2),
        affected(lang),
        Paragraph(t("Holding age and education equal, being married lowers a woman's probability of employment by "
                    "{cell:ame|11.2 percentage points} (interval {cell:ame|−14.9 to −7.4}).",
                    "وعند تساوي العمر والتعليم، يخفض الزواج احتمال عمل المرأة بمقدار {cell:ame|11.2 نقطة مئوية} "
                    "(فترة الثقة: من {cell:ame|−14.9} إلى {cell:ame|−7.4}).")),
        figure(lang, "model", "الزواج والتعليم أقوى العوامل" if ar else "Marriage and education weigh most",
               "شكل نقطي للآثار الحدية." if ar else "Dot chart of marginal effects.", base, None),
        Box("evidence", t("Strength of evidence", "قوة الدليل"), (
            t("Descriptive findings are strong: probability sample, published design, intervals under each figure. "
              "The model describes association, not cause.",
              "النتائج الوصفية قوية: عينة احتمالية وتصميم منشور وفترات ثقة تحت كل رقم. أما النموذج فيصف ارتباطاً لا سبباً."),),
            badge=t("Strong", "قوي"), tone="evidence"),
        Box("method", t("Method", "المنهجية"), (
            t("The survey interviewed {cell:n|3,612} persons aged {parameter:age|15} and over, one in each household, in "
              "{cell:psu|301} blocks drawn with probability proportional to size within strata of governorate and urban or rural "
              "residence. Weights correct for selection and non-response and agree with published margins of sex, age and "
              "governorate. Errors account for strata, clustering and weights by linearisation; intervals for proportions follow "
              "Korn and Graubard. Estimates that fail the NCHS standard are not shown. Differences are called changes only when "
              "their test says so.",
              "قابل المسح {cell:n|3,612} شخصاً بعمر {parameter:age|15} سنة فأكثر، واحداً في كل أسرة، في {cell:psu|301} بلوكاً "
              "سُحبت باحتمال متناسب مع الحجم ضمن طبقات المحافظة والحضر والريف. وتصحح الأوزان احتمالات الاختيار وعدم الاستجابة "
              "وتطابق هوامش منشورة للجنس والعمر والمحافظة. وتراعي الأخطاء المعيارية الطبقات والتجمّع والأوزان، وتتبع فترات الثقة "
              "للنسب طريقة كورن وغروبارد. ولا تُعرض التقديرات التي لا تستوفي المعيار، ولا يُسمى الفرق تغيراً إلا إذا أيده الاختبار."),)),
        Box("lacks", t("What this survey cannot say", "ما لا يستطيع هذا المسح قوله"), (
            t("It holds no question on wages, so the pay gap is left out.", "لا يتضمن سؤالاً عن الأجور، فلا يُعرض فارق الأجر."),
            t("People in collective households and camps outside the frame are excluded.",
              "يستثني الأسر الجماعية والتجمعات خارج الإطار.")), tone="warning"),
        Items("aapor", t("Disclosure (AAPOR)", "بنود الإفصاح (AAPOR)"),
              tuple((t(a, c), t(b, d)) for a, b, c, d in AAPOR)),
        Box("cite", t("How to cite", "كيف يُستشهد بهذا الموجز"), (
            t("Masarat (2026). Women at the edge of the labour market. Evidence brief women_empowerment, version {version|0.1.0}.",
              "مسارات (2026). النساء على حافة سوق العمل. موجز أدلة women_empowerment، الإصدار {version|0.1.0}."),)),
    )  # fmt: skip
    return Document(
        name="women_empowerment",
        lang=lang,
        kicker=t("Evidence brief · Women's economic participation", "موجز أدلة · المشاركة الاقتصادية للمرأة"),
        title=t("Six in seven Jordanian women stand outside the labour market",
                "ست من كل سبع أردنيات خارج سوق العمل"),
        subtitle=t("Demonstration survey, wave {parameter:wave|2026}, residents of Jordan aged {parameter:age|15} and over",
                   "المسح التوضيحي، جولة {parameter:wave|2026}، المقيمون في الأردن بعمر {parameter:age|15} سنة فأكثر"),
        notice=t("Synthetic data: invented for demonstration, not a finding about Jordan.",
                 "بيانات اصطناعية: أُنشئت للعرض والتدريب، وليست نتائج عن الأردن."),
        footer=t("masar_research {version|0.1.0} · evidence brief", "موجز أدلة من masar_research، الإصدار {version|0.1.0}"),
        elements=elements,
        date="2026-11-23",
        keywords=("women", "labour force", "Jordan"),
        other_lang="women_empowerment.en" if ar else "women_empowerment.ar",
    )  # fmt: skip
