"""The parts of the survey card that do not come from the questionnaire."""


FRONT = """\
# SYNTHETIC DEMONSTRATION SURVEY: no record describes a person, household or place that exists.
# مسح مصطنع لأغراض العرض: لا يصف أي سجل فيه شخصاً أو أسرة أو مكاناً حقيقياً.
# Written by data/demo/generate.py from the questionnaire; change it there, not here.
study: masar_demo
title: {en: "Masar demonstration survey (synthetic)", ar: "مسح مسار التجريبي (بيانات مصطنعة)"}
synthetic: true
notice: {en: "Synthetic demonstration data", ar: "بيانات مصطنعة لأغراض العرض"}
citation:
  en: "Masar demonstration survey, waves 2022, 2024 and 2026. Synthetic data made by the program in data/demo."
  ar: "مسح مسار التجريبي، جولات 2022 و2024 و2026. بيانات مصطنعة أنتجها البرنامج الموجود في data/demo."
population:
  en: "persons 15 and over living in private households of the synthetic population, all nationalities and refugees included"
  ar: "الأشخاص 15 سنة فأكثر المقيمون في أسر خاصة ضمن السكان المصطنعين، من جميع الجنسيات وبمن فيهم اللاجئون"
  nationality: all_residents
  age_min: 15
  excluded:
    - {en: "persons in collective housing (prisons, barracks, hospitals, student and workers' dormitories)", ar: "المقيمون في المساكن الجماعية (السجون والثكنات والمستشفيات وسكنات الطلبة والعمال)"}
    - {en: "nomadic households without a fixed dwelling", ar: "الأسر المتنقلة التي ليس لها مسكن ثابت"}
    - {en: "domestic workers living in their employer's household", ar: "العاملون في المنازل المقيمون لدى أصحاب العمل"}
    - {en: "residents of Jordan staying abroad during fieldwork", ar: "المقيمون الموجودون خارج الأردن أثناء العمل الميداني"}
design:
  weights: base_weight
  strata: stratum
  psu: psu
  lonely_psu: raise
  clustered: true
  note:
    en: "Blocks are drawn without replacement; variance is estimated as if with replacement, which errs on the safe side. At most one block in five of a stratum serves the three waves together."
    ar: "تُسحب البلوكات دون إحلال، ويُقدَّر التباين كما لو كان السحب مع الإحلال، وهو تقدير متحفظ. ولا تتجاوز بلوكات الجولات الثلاث معاً خُمس بلوكات الطبقة."
"""

DERIVED = """\
  age_labour:
    bands: {of: age, starts: [15, 25, 40, 60]}
    label: {en: "Age group", ar: "الفئة العمرية"}
    level: ordinal
    codes: {1: {en: "15–24", ar: "15–24"}, 2: {en: "25–39", ar: "25–39"}, 3: {en: "40–59", ar: "40–59"}, 4: {en: "60 and over", ar: "60 فأكثر"}}
  age_adult:
    bands: {of: age, starts: [18, 30, 50]}
    label: {en: "Age group of adults", ar: "الفئة العمرية للبالغين"}
    level: ordinal
    codes: {1: {en: "18–29", ar: "18–29"}, 2: {en: "30–49", ar: "30–49"}, 3: {en: "50 and over", ar: "50 فأكثر"}}
  age_youth:
    bands: {of: age, starts: [15, 18, 25], end: 30}
    label: {en: "Age group of youth", ar: "الفئة العمرية للشباب"}
    level: ordinal
    codes: {1: {en: "15–17", ar: "15–17"}, 2: {en: "18–24", ar: "18–24"}, 3: {en: "25–30", ar: "25–30"}}
  education3:
    cases: [{code: 1, when: "education <= 2"}, {code: 2, when: "education <= 4"}, {code: 3, otherwise: true}]
    label: {en: "Education, three groups", ar: "المستوى التعليمي، ثلاث فئات"}
    level: ordinal
    codes: {1: {en: "Below secondary", ar: "أقل من ثانوي"}, 2: {en: "Secondary or diploma", ar: "ثانوي أو دبلوم"}, 3: {en: "Bachelor's degree or higher", ar: "بكالوريوس فأعلى"}}
  region:
    cases: [{code: 1, when: "governorate < 20"}, {code: 2, when: "governorate < 30"}, {code: 3, otherwise: true}]
    label: {en: "Region", ar: "الإقليم"}
    codes: {1: {en: "Middle", ar: "الوسط"}, 2: {en: "North", ar: "الشمال"}, 3: {en: "South", ar: "الجنوب"}}
  jordanian:
    cases: [{code: 1, when: "nationality == 1"}, {code: 0, otherwise: true}]
    label: {en: "Jordanian", ar: "أردني الجنسية"}
    question: {en: "What is your nationality?", ar: "ما هي جنسيتك؟"}
    codes: {0: {en: "Not Jordanian", ar: "غير أردني"}, 1: {en: "Jordanian", ar: "أردني"}}
  disability:
    cases:
      - {code: 1, when: "ws_see >= 3 or ws_hear >= 3 or ws_walk >= 3 or ws_remember >= 3 or ws_care >= 3 or ws_communicate >= 3"}
      - {code: 0, otherwise: true}
    label: {en: "Disability (Washington Group short set: a lot of difficulty or more)", ar: "الإعاقة (أسئلة مجموعة واشنطن المختصرة: صعوبة كبيرة فأكثر)"}
    question: {en: "Do you have difficulty seeing, hearing, walking or climbing steps, remembering or concentrating, with self-care, communicating?", ar: "هل لديك صعوبة في الرؤية أو السمع أو المشي أو صعود الدرج أو التذكر أو التركيز أو العناية بالنفس أو التواصل؟"}
    codes: {0: {en: "Without disability", ar: "دون إعاقة"}, 1: {en: "With disability", ar: "مع إعاقة"}}
  employment:
    cases:
      - {code: 1, when: "worked == 1 or absent == 1"}
      - {code: 2, when: "available == 1 and (looked == 1 or starts == 1)"}
      - {code: 3, otherwise: true}
    label: {en: "Labour force status", ar: "حالة النشاط الاقتصادي"}
    question:
      en: "In the last seven days, did you do any work for pay, profit or family business, even for one hour? / In the last four weeks, did you look for work or try to start a business? / If a job had been offered to you, could you have started within two weeks?"
      ar: "خلال الأيام السبعة الماضية، هل قمت بأي عمل مقابل أجر أو ربح أو في عمل للأسرة، ولو لساعة واحدة؟ / خلال الأسابيع الأربعة الماضية، هل بحثت عن عمل أو حاولت البدء بمشروع خاص؟ / لو عُرض عليك عمل، هل كان بإمكانك البدء به خلال أسبوعين؟"
    note: {en: "19th conference of labour statisticians: worked an hour in seven days or temporarily absent; otherwise looked in four weeks (or starts within three months) and available within two weeks.", ar: "المؤتمر التاسع عشر لخبراء إحصاءات العمل: عمل ساعة خلال سبعة أيام أو تغيّب مؤقتاً؛ وإلا فقد بحث خلال أربعة أسابيع (أو يبدأ عملاً خلال ثلاثة أشهر) وهو مستعد للعمل خلال أسبوعين."}
    codes: {1: {en: "Employed", ar: "مشتغل"}, 2: {en: "Unemployed", ar: "متعطل"}, 3: {en: "Outside the labour force", ar: "خارج قوة العمل"}}
  in_labour_force:
    cases: [{code: 1, when: "employment in [1, 2]"}, {code: 0, otherwise: true}]
    label: {en: "In the labour force", ar: "داخل قوة العمل"}
    question: {en: "In the last seven days, did you do any work for pay, profit or family business, even for one hour? In the last four weeks, did you look for work? Could you have started within two weeks?", ar: "خلال الأيام السبعة الماضية، هل قمت بأي عمل مقابل أجر أو ربح أو في عمل للأسرة، ولو لساعة واحدة؟ خلال الأسابيع الأربعة الماضية، هل بحثت عن عمل؟ وهل كان بإمكانك البدء خلال أسبوعين؟"}
    codes: {0: {en: "Outside the labour force", ar: "خارج قوة العمل"}, 1: {en: "In the labour force", ar: "داخل قوة العمل"}}
  employed:
    cases: [{code: 1, when: "employment == 1"}, {code: 0, otherwise: true}]
    label: {en: "Employed", ar: "مشتغل"}
    question: {en: "In the last seven days, did you do any work for pay, profit or family business, even for one hour? Did you have a job or business from which you were temporarily absent?", ar: "خلال الأيام السبعة الماضية، هل قمت بأي عمل مقابل أجر أو ربح أو في عمل للأسرة، ولو لساعة واحدة؟ هل كان لديك عمل أو مشروع تغيبت عنه مؤقتاً؟"}
    codes: {0: {en: "Not employed", ar: "غير مشتغل"}, 1: {en: "Employed", ar: "مشتغل"}}
  unemployed:
    cases: [{code: 1, when: "employment == 2"}, {code: 0, otherwise: true}]
    universe: "employment in [1, 2]"
    label: {en: "Unemployed", ar: "متعطل"}
    question: {en: "In the last seven days, did you do any work for pay, profit or family business, even for one hour? In the last four weeks, did you look for work? Could you have started within two weeks?", ar: "خلال الأيام السبعة الماضية، هل قمت بأي عمل مقابل أجر أو ربح أو في عمل للأسرة، ولو لساعة واحدة؟ خلال الأسابيع الأربعة الماضية، هل بحثت عن عمل؟ وهل كان بإمكانك البدء خلال أسبوعين؟"}
    codes: {0: {en: "Employed", ar: "مشتغل"}, 1: {en: "Unemployed", ar: "متعطل"}}
  labour_slack:
    cases:
      - {code: 1, when: "employment == 2"}
      - {code: 1, when: "employment == 1 and hours < 35 and more_hours == 1"}
      - {code: 0, when: "employment == 1"}
      - {code: 1, when: "employment == 3 and (looked == 1 or starts == 1 or (wants_work == 1 and available == 1))"}
      - {missing: not_applicable, otherwise: true}
    label: {en: "Underused labour (LU4): unemployed, time-related underemployed or potential labour force", ar: "قصور استغلال العمل (LU4): متعطل أو عمالة ناقصة زمنياً أو قوة عمل محتملة"}
    question:
      en: "In the last seven days, did you do any work for pay, profit or family business, even for one hour? / In the last four weeks, did you look for work or try to start a business? / If a job had been offered to you, could you have started within two weeks?"
      ar: "خلال الأيام السبعة الماضية، هل قمت بأي عمل مقابل أجر أو ربح أو في عمل للأسرة، ولو لساعة واحدة؟ / خلال الأسابيع الأربعة الماضية، هل بحثت عن عمل أو حاولت البدء بمشروع خاص؟ / لو عُرض عليك عمل، هل كان بإمكانك البدء به خلال أسبوعين؟"
    note: {en: "Base: labour force and potential labour force. Those in work are not asked whether they could start more hours at once.", ar: "قاعدة الاحتساب: قوة العمل وقوة العمل المحتملة. ولا يُسأل المشتغلون عن استعدادهم الفوري لساعات إضافية."}
    codes: {0: {en: "Fully used", ar: "مستغل بالكامل"}, 1: {en: "Underused", ar: "غير مستغل بالكامل"}}
  informal:
    cases:
      - {code: 1, when: "work_status == 4 or (work_status == 1 and social_security == 2) or (work_status in [2, 3] and registered == 2)"}
      - {code: 0, otherwise: true}
    universe: "employment == 1"
    label: {en: "Informal employment", ar: "عمالة غير منظمة"}
    question: {en: "Does your employer pay social-security contributions for you? / Is the business registered with the Ministry of Industry and Trade or the chamber?", ar: "هل يدفع صاحب العمل عنك اشتراكات الضمان الاجتماعي؟ / هل المنشأة مسجلة لدى وزارة الصناعة والتجارة أو الغرفة؟"}
    note: {en: "Criterion: social security of employees, registration of the business of employers and own-account workers.", ar: "المعيار: الضمان الاجتماعي للمستخدمين بأجر، وتسجيل المنشأة لأصحاب العمل والعاملين لحسابهم."}
    codes: {0: {en: "Formal", ar: "منظمة"}, 1: {en: "Informal", ar: "غير منظمة"}}
  hourly_wage:
    compute: "wage / (hours * 4.345)"
    universe: "employment == 1 and work_status == 1"
    label: {en: "Take-home wage per hour, JD", ar: "صافي الأجر بالساعة بالدينار"}
    question: {en: "What was your take-home wage last month, in dinars? / How many hours do you usually work in a week?", ar: "كم بلغ صافي أجرك في الشهر الماضي بالدينار؟ / كم ساعة تعمل في الأسبوع عادةً؟"}
    unit: {en: "dinars per hour", ar: "دينار في الساعة"}
    note: {en: "Last month's take-home wage over usual weekly hours times 4.345 weeks.", ar: "صافي أجر الشهر الماضي مقسوماً على ساعات العمل الأسبوعية المعتادة مضروبة في 4.345 أسبوع."}
"""

STATEMENT = """\
weighting:
  - {step: nonresponse, responded: "status == 1", cells: [governorate, urban]}
  - step: rake
    margins:
      - {variables: [wave, governorate], file: ../demo/margins.yml, key: governorate, source: {en: "Totals of the synthetic population", ar: "مجاميع السكان المصطنعين"}}
      - {variables: [wave, sex, age_labour], file: ../demo/margins.yml, key: sex_age_labour, source: {en: "Totals of the synthetic population", ar: "مجاميع السكان المصطنعين"}}
      - {variables: [wave, nationality], file: ../demo/margins.yml, key: nationality, source: {en: "Totals of the synthetic population", ar: "مجاميع السكان المصطنعين"}}
      - {variables: [wave, urban], file: ../demo/margins.yml, key: urban, source: {en: "Totals of the synthetic population", ar: "مجاميع السكان المصطنعين"}}
  - {step: trim, upper: "median + 6*iqr"}
outcomes:   # AAPOR dispositions of the visit's result
  variable: status
  codes: {1: I, 2: P, 3: R, 4: R, 5: NC, 6: O}
  rate: RR2
  substitution: false

disclosure:
  strategy:
    en: "Synthetic data. A program drew a stratified two-stage probability sample from an invented population; no interview took place. The files look as if a household survey with face-to-face interviews had been held."
    ar: "بيانات مصطنعة. سحب برنامج حاسوبي عينة احتمالية طبقية من مرحلتين من سكان مُتخيَّلين، ولم تُجرَ أي مقابلة. وتبدو الملفات كأنها نتاج مسح أسري بمقابلات وجاهية."
  sponsor:
    en: "Made within the masar_research workbench to show and test it. There is no sponsor, no funder and no fieldwork organisation."
    ar: "أُعدّت ضمن منصة masar_research لعرضها واختبارها. لا يوجد راعٍ ولا ممول ولا جهة نفذت عملاً ميدانياً."
  tools:
    en: "Questionnaire in Arabic and English (masar_demo_xlsform.xlsx). The wording of every question stands in the survey card and under each chart."
    ar: "استبانة بالعربية والإنجليزية (masar_demo_xlsform.xlsx). وترد صياغة كل سؤال في بطاقة المسح وتحت كل رسم."
  population:
    en: "About two million invented persons 15 and over in private households in twelve governorates, Jordanians, refugees and other nationalities. Collective housing, nomadic households and live-in domestic workers are left out."
    ar: "نحو مليوني شخص متخيَّل بعمر 15 سنة فأكثر في أسر خاصة في المحافظات الاثنتي عشرة، من الأردنيين واللاجئين والجنسيات الأخرى. ولا تشمل المساكن الجماعية والأسر المتنقلة والعاملين في المنازل المقيمين لدى أصحاب العمل."
  sample:
    en: "300 blocks a wave in 22 strata (governorate by urban and rural; Amman and Zarqa one stratum each), allocated to governorates by population to the power 0.7, drawn systematically with probability proportional to size; half the blocks stay for the next wave. Sixteen households a block, one person 15 and over by random selection. No substitution."
    ar: "300 بلوك في كل جولة ضمن 22 طبقة (المحافظة حسب الحضر والريف؛ والعاصمة والزرقاء طبقة واحدة لكل منهما)، موزعة على المحافظات حسب عدد السكان مرفوعاً للقوة 0.7، ومسحوبة سحباً منتظماً باحتمال متناسب مع الحجم؛ ويبقى نصف البلوكات للجولة التالية. ست عشرة أسرة في البلوك، وشخص واحد بعمر 15 سنة فأكثر يُختار عشوائياً. دون استبدال."
  mode:
    en: "Modelled on face-to-face interviews on tablets, in Arabic."
    ar: "على غرار المقابلات الوجاهية باستخدام الأجهزة اللوحية، باللغة العربية."
  dates:
    en: "Dates in the files are invented: 2 October to 17 November 2022, 6 October to 20 November 2024, 29 March to 7 May 2026."
    ar: "التواريخ في الملفات مُتخيَّلة: من 2 تشرين الأول/أكتوبر إلى 17 تشرين الثاني/نوفمبر 2022، ومن 6 تشرين الأول/أكتوبر إلى 20 تشرين الثاني/نوفمبر 2024، ومن 29 آذار/مارس إلى 7 أيار/مايو 2026."
  sizes:
    en: "4,800 households sampled and about 3,600 completed interviews in each wave; the file holds the result of every visit. Precision is computed for each estimate with the design effect."
    ar: "4,800 أسرة مسحوبة ونحو 3,600 مقابلة مكتملة في كل جولة؛ ويتضمن الملف نتيجة كل زيارة. وتُحسب الدقة لكل تقدير مع أثر التصميم."
  weighting:
    en: "Inverse selection probability over all stages; non-response by governorate and urban or rural; raking to the synthetic population's totals by governorate, sex and age, nationality, urban and rural; trimming at the median plus six interquartile ranges."
    ar: "مقلوب احتمال الاختيار في جميع المراحل؛ وتعديل عدم الاستجابة حسب المحافظة والحضر والريف؛ ثم الترجيح التكراري على مجاميع السكان المصطنعين حسب المحافظة والجنس والعمر والجنسية والحضر والريف؛ ثم تقليم الأوزان عند الوسيط مضافاً إليه ستة أمثال المدى الربيعي."
  processing:
    en: "Skips, ranges and codes are enforced by the form. Interviews broken off after the labour section are kept in the file and count as non-response. Lengths, visits and interviewer numbers are in the file for quality checks."
    ar: "تضبط الاستمارة الانتقالات والمدى والرموز. وتبقى المقابلات المنقطعة بعد قسم العمل في الملف وتُعد عدم استجابة. ويتضمن الملف مدة المقابلة وعدد الزيارات ورقم الباحث لأغراض ضبط الجودة."
  limitations:
    en: "These data are synthetic and say nothing about Jordan. Levels of the labour market, population and some attitudes follow published figures, the projection for 2026 and all other levels are assumptions, and relations between variables are those the program was given. Small governorates are scaled up, so totals are not totals of the country. Between waves nobody moves house. Figures from this survey must not be quoted as findings about real people."
    ar: "هذه بيانات مصطنعة ولا تقول شيئاً عن الأردن. تتبع مستويات سوق العمل والسكان وبعض المواقف أرقاماً منشورة، أما إسقاط 2026 وسائر المستويات فافتراضات، والعلاقات بين المتغيرات هي ما أُعطي للبرنامج. وقد كُبِّرت المحافظات الصغيرة فلا تمثل المجاميع مجاميع البلاد. ولا ينتقل أحد من مسكنه بين الجولات. ولا يجوز الاستشهاد بأرقام هذا المسح بوصفها نتائج عن أشخاص حقيقيين."
"""

LACKS = """\
lacks:
  - {indicator: WE10, reason: {en: "Rights over agricultural land: the survey does not ask about agricultural parcels", ar: "الحقوق في الأراضي الزراعية: لا يسأل المسح عن الحيازات الزراعية"}}
  - {indicator: WE14, reason: {en: "Violence by a partner: it may be asked only under a safety protocol; this survey does not ask it", ar: "العنف من الشريك: لا يُسأل عنه إلا وفق بروتوكول حماية، وهذا المسح لا يسأل عنه"}}
  - {indicator: WE17, reason: {en: "Seats held by women: an administrative figure, not a survey estimate", ar: "المقاعد التي تشغلها النساء: رقم إداري وليس تقديراً من مسح"}}
  - {indicator: WE21, reason: {en: "Women's empowerment index: it needs two respondents in a household; this survey interviews one", ar: "مؤشر تمكين المرأة: يحتاج إلى مستجيبَين في الأسرة، وهذا المسح يقابل شخصاً واحداً"}}
  - {indicator: YO14, reason: {en: "Change in participants of a programme: a measure before and after, not a population estimate", ar: "التغيّر لدى المشاركين في برنامج: قياس قبلي وبعدي، وليس تقديراً للسكان"}}
  - {indicator: YO15, reason: {en: "Administrative figure of programmes", ar: "رقم إداري عن البرامج"}}
  - {indicator: YO17, reason: {en: "Comes from platform logs", ar: "مصدره سجلات المنصة"}}
  - {indicator: MI17, reason: {en: "Content analysis of newsrooms, not a population survey", ar: "تحليل محتوى لغرف الأخبار وليس مسحاً للسكان"}}
  - {indicator: GO01, reason: {en: "Official turnout is administrative", ar: "نسبة الاقتراع الرسمية رقم إداري"}}
"""
