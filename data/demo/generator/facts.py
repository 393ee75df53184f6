"""The published facts and the assumptions from which the population is made.

A number with a fact id was found in a published source (the table of facts lists the source
of each id). A number without one is an assumption and is listed in :data:`ASSUMPTIONS`.
Facts that the table marks as recalled and unverified are not used.
"""

from __future__ import annotations

from dataclasses import dataclass

SEED = 20260301
WAVES = (2022, 2024, 2026)

NATIONALITIES = (1, 2, 3, 4, 5)  # Jordanian, Syrian, Palestinian without ID number, Egyptian, other

FACTS: dict[str, float] = {
    # share of women in the population, per cent; of women: 15-49, under 15, 50 and over
    "F004": 47.1, "F007": 52.7, "F008": 35.4, "F009": 12.0,
    # illiteracy, women 15+, per cent (2022; third quarter of 2025)
    "F015": 7.3, "F018": 7.3,
    # census 2015: all residents, Jordanians, Syrians, Egyptians, Palestinians without ID number,
    # Iraqis, Yemenis, Libyans, others; share of Jordanians, of non-Jordanians living in Amman
    "F027": 9531712, "F028": 6613587, "F033": 1260000, "F034": 636270, "F035": 634182,
    "F036": 130911, "F037": 31163, "F038": 22700, "F039": 197385, "F040": 38.6, "F041": 49.7,
    # population of the governorates, 2024 estimate, and of the country
    "F057": 216200, "F058": 4920100, "F059": 225970, "F060": 603700, "F061": 2084175,
    "F062": 291000, "F063": 388700, "F064": 194500, "F065": 232300, "F066": 541525,
    "F067": 118200, "F068": 1675700, "F069": 11625745,
    # average household size, households headed by women, median age at first marriage (women, men)
    "F089": 4.8, "F090": 15.0, "F097": 22.5, "F098": 27.5,
    # labour force, Jordanians 15+: participation (men, women), first quarter of 2023
    "F116": 53.3, "F117": 13.7,
    # unemployment, fourth quarter of 2022: all, men, women, bachelor or higher; 15-24
    "F137": 22.9, "F138": 20.6, "F139": 31.7, "F140": 28.4, "F141": 47.2, "F142": 43.7, "F143": 61.9,
    # participation 2024: women first quarter; men, women third quarter
    "F112": 15.5, "F122": 53.6, "F123": 14.8,
    # unemployment 2024: all, men, women (annual), bachelor or higher (first quarter)
    "F145": 21.4, "F146": 18.2, "F147": 32.9, "F113": 25.8,
    # share of the female, of the male labour force holding a bachelor's degree or higher
    "F167": 73.0, "F168": 27.2,
    # unemployment of Jordanians (all, men, women), of all residents, of non-Jordanians (all, men, women):
    # third quarter of 2025; all residents and Jordanians: third quarter of 2024
    "F254": 21.4, "F255": 18.0, "F256": 33.9, "F257": 16.2, "F260": 9.2, "F261": 8.1, "F262": 14.7, "F263": 16.3, "F264": 21.5,
    # turnout 2024: all, men, women; 2020
    "F169": 32.25, "F173": 35.69, "F174": 29.18, "F210": 29.86,
    # internet users 2024, 2023; households with a computer 2024
    "F216": 95.6, "F217": 92.5, "F221": 42.4,
    # trust: armed forces, police, courts, press, parliament; the government in autumn 2024
    "F245": 90.3, "F246": 82.0, "F247": 73.5, "F249": 32.9, "F250": 21.0, "F251": 50.0,
    # most people cannot be trusted
    "F252": 78.0,
}


@dataclass(frozen=True, slots=True)
class Assumption:
    """A choice that no fact of the table supports."""

    key: str
    text: str


ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption("scale", "The population is about 2.0 million persons 15 and over: one synthetic resident for "
               "about four real ones, so totals of the synthetic population are not totals of Jordan."),
    Assumption("governorates", "The governorates have the shares of F057-F068 in their own sum, which is 1.1 per cent below the "
               "total of the same source (F069)."),
    Assumption("small_strata", "Strata with fewer than ten times the blocks a wave samples are scaled up to that "
               "number, which raises the share of the small governorates a little above F057-F068."),
    Assumption("rural", "Rural shares by governorate (geography.py); a governorate with less than 6 per cent "
               "rural (Amman, Zarqa) is one stratum."),
    Assumption("blocks", "Blocks of 40 to 140 households, 80 on average; the frame's measure of size differs "
               "from the listed number of households by about 10 per cent."),
    Assumption("nationality_mix", "Nationality shares of the 2015 census (F027-F039) still hold; their spread over "
               "governorates other than Amman (F040, F041) is a fitted guess with more Syrians in Mafraq and Irbid."),
    Assumption("households", "Household types, age gaps of couples, births, and the ages at which children leave home "
               "(households.py) are set to reach the household size and age structure of the facts."),
    Assumption("ageing", "Between waves persons age two years, some die, divorce or marry, and children reach 15. "
               "Nobody moves, no household is founded or dissolved; those who marry stay where they live."),
    Assumption("education", "Final education by sex, birth cohort and nationality (education.py); only illiteracy of "
               "women (F015, F018) and the graduates' share of the labour force (F167, F168) are published."),
    Assumption("labour_base", "Labour figures up to F168 whose reports name no nationality base are taken to be those of Jordanians, "
               "as the later reports with a base suggest (F254, F264)."),
    Assumption("labour_2022", "Participation by sex in the first quarter of 2023 (F116, F117) stands for the 2022 wave."),
    Assumption("labour_2024", "Women's participation of 14.9 per cent stands for 2024, between F112 (15.5) and "
               "F123 (14.8)."),
    Assumption("labour_2026", "The 2026 labour market is a projection: participation of Jordanian women 17.0 and men "
               "53.5 per cent; unemployment 33.3 and 17.4, near the third quarter of 2025 (F255, F256) and 21.4 in all "
               "(F254); of graduates 25.0."),
    Assumption("labour_non_jordanians", "Participation and unemployment by nationality are set so that non-Jordanians come "
               "near F260-F262 and all residents stand about five points below Jordanians (F254, F257; F263, F264)."),
    Assumption("clustering", "Blocks and households share unobserved causes that give intra-class correlations of "
               "about 0.03 to 0.08 within blocks."),
    Assumption("attitudes", "Levels of attitudes, media habits, finance, rights, norms and civic action without a "
               "fact id in the questionnaire modules are plausible guesses, not findings about Jordan."),
    Assumption("turnout_reporting", "Voters and some abstainers report that they voted, so that reported turnout lies "
               "about twelve points above the official rate (F169, F210)."),
    Assumption("response", "Contact depends on place, co-operation on place, sex and age (sampling.py); answers are "
               "refused or not known with rates by item, sex, age and education (fieldwork.py)."),
)
