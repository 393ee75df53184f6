"""What `Brief.estimates` returns: named access to the cells of one set of estimates."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from masar_research.briefs.blocks import ChartRow, EstimatesBlock
from masar_research.briefs.refs import CellRef, GateRef, LabelRef, Scalar
from masar_research.briefs.words import Text
from masar_research.codebook import Codebook
from masar_research.errors import BriefError


@dataclass(frozen=True, slots=True, repr=False)
class Handle:
    """A registered set of estimates.

    Attributes
    ----------
    block : EstimatesBlock
        As it stands in the notebook.
    codebook : Codebook
        Labels of its domain variables.
    """

    block: EstimatesBlock
    codebook: Codebook

    def __len__(self) -> int:
        return len(self.block.rows)

    def __repr__(self) -> str:
        return f"<{self.block.id}: {len(self)} {self.block.kind} by {list(self.block.by) or 'nothing'}>"

    def cells(self, **key: Scalar) -> list[CellRef]:
        """References to every row whose codes equal `key`; all rows without one."""
        return [
            CellRef(set=self.block.id, row=number, key=_full(row))
            for number, row in enumerate(self.block.rows)
            if all(_same(_full(row).get(name), value) for name, value in key.items())
        ]

    def cell(self, **key: Scalar) -> CellRef:
        """The one row with these codes.

        Raises
        ------
        BriefError
            When no row or more than one has them; names the nearest keys.

        Examples
        --------
        >>> participation.cell(sex=2)                      # doctest: +SKIP
        participation[sex=2]
        """
        rows = self.block.rows
        columns = sorted({name for row in rows for name in _full(row)})
        unknown = [name for name in key if name not in columns]
        if unknown:
            near = difflib.get_close_matches(unknown[0], columns, n=2) or columns
            raise BriefError(
                f"{self.block.id!r} has no column {unknown[0]!r}; its columns are {columns}.",
                remedy=f"Use {' or '.join(map(repr, near))}.",
            )
        found = self.cells(**key)
        if len(found) == 1:
            return found[0]
        if found:
            some = "; ".join(map(repr, found[:6]))
            raise BriefError(
                f"{len(found)} rows of {self.block.id!r} have {_words(key)}: {some}.",
                remedy="Name further columns so that one row remains.",
            )
        near = sorted(self.cells(), key=lambda ref: -_overlap(ref.key, key))[:6]
        raise BriefError(
            f"No row of {self.block.id!r} has {_words(key)}.",
            remedy=f"The nearest are: {'; '.join(map(repr, near))}.",
            ar="لا صفّ في هذه التقديرات بهذه الرموز.",
        )

    def gate(self, told: Literal["computed", "shown", "withheld", "reasons"], *others: Handle) -> GateRef:
        """What the release gate said of the whole set, known only after the notebook has run.

        Parameters
        ----------
        told : {"computed", "shown", "withheld", "reasons"}
            How many figures there are, may be shown or are withheld; or why, as a phrase ("Not shown: …").
        *others : Handle
            Further sets, counted with it.

        Examples
        --------
        >>> Text(en="{k} of {n} can be shown", ar="يمكن عرض {k} من {n}",
        ...      values={"k": by_place.gate("shown"), "n": by_place.gate("computed")})   # doctest: +SKIP
        """
        return GateRef(sets=(self.block.id, *(other.block.id for other in others)), told=told)

    def label(self, ref: CellRef, column: str) -> LabelRef:
        """The codebook's label of one domain code of a row."""
        return code_label(self.codebook, column, ref.key[column])

    def rows(
        self,
        label: str,
        *,
        series: str | None = None,
        group: Text | LabelRef | None = None,
        where: Mapping[str, Scalar] | None = None,
    ) -> list[ChartRow]:
        """Chart rows labelled from the codebook.

        Parameters
        ----------
        label : str
            Domain column that names the rows.
        series : str, optional
            Domain column that sets the colour (drawn on the same line).
        group : Text or LabelRef, optional
            Heading above the rows.
        where : mapping, optional
            Codes the rows must have.

        Examples
        --------
        >>> by_age.rows("age_labour", series="sex", group=Text(en="Age", ar="العمر"))  # doctest: +SKIP
        """
        wanted = self.cells(**(where or {}))
        for column in filter(None, (label, series)):
            if column not in self.block.by and not any(column in ref.key for ref in wanted):
                raise BriefError(
                    f"{self.block.id!r} has no column {column!r} to label rows by: {list(self.block.by)}.",
                    remedy="Name a domain column of these estimates.",
                )
        return [
            ChartRow(
                cell=ref,
                label=self.label(ref, label),
                group=group,
                series=self.label(ref, series) if series else None,
                series_code=f"{series}:{_plain(ref.key[series])}" if series else None,
            )
            for ref in wanted
        ]


def code_label(codebook: Codebook, column: str, code: Scalar) -> LabelRef:
    """Label of a code in both languages; a missing one is an error."""
    if column == "wave" and column not in codebook:
        return LabelRef(en=_plain(code), ar=_plain(code), source="wave")
    return LabelRef(
        en=codebook.category(column, code, "en"),
        ar=codebook.category(column, code, "ar"),
        source=f"{column}={_plain(code)}",
    )


def _full(row: Any) -> dict[str, Scalar]:
    full = dict(row.key)
    full["variable"] = row.variable
    if row.category is not None:
        full["category"] = row.category
    return full


def _same(found: Scalar, wanted: Scalar) -> bool:
    return found == wanted or str(found) == str(wanted)


def _overlap(found: Mapping[str, Scalar], wanted: Mapping[str, Scalar]) -> int:
    return sum(_same(found.get(name), value) for name, value in wanted.items())


def _words(key: Mapping[str, Scalar]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in key.items()) or "no key"


def _plain(code: Scalar) -> str:
    return f"{code:g}" if isinstance(code, float) else str(code)
