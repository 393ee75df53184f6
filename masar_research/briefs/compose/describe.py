"""What the ledger says of a cell: the public part and the office's."""

from __future__ import annotations

from typing import Any

from masar_research.briefs.blocks import Header
from masar_research.briefs.gate import Cell
from masar_research.briefs.ledger import decision

_STATISTICS = (
    "estimate", "std_error", "conf_low", "conf_high", "df", "n", "n_eff", "deff", "cv", "p_value",
)  # fmt: skip


def cell_entry(cell: Cell, header: Header) -> tuple[dict[str, Any], dict[str, Any]]:
    """Public and office facts of a cell; a suppressed one keeps its reason only."""
    block, row = cell.block, cell.row
    checksums = {str(wave.wave): wave.checksum for wave in header.waves if wave.checksum}
    waves = [row.key["wave"]] if "wave" in row.key else list(block.waves)
    public: dict[str, Any] = {
        "cell": cell.address,
        "estimator": block.estimator,
        "indicator": block.indicator,
        "variable": row.variable,
        "category": row.category,
        "domain": row.key,
        "base": {"en": block.base.en, "ar": block.base.ar, "condition": block.note.get("base")},
        "design": {
            "weights": block.note.get("weights"),
            "lonely_psu": header.lonely_psu,
            "clustered": header.clustered,
            **({} if header.replicates is None else {"replicates": header.replicates}),
            "interval": block.note.get("interval"),
            "level": block.level,
        },
        "data": {str(wave): checksums.get(str(wave)) for wave in waves},
        "decision": decision(cell.status, cell.reason, cell.note),
    }
    office = {name: getattr(row, name) for name in _STATISTICS}
    office["same_as"] = cell.same_as
    return public, office
