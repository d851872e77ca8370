"""What a run burnt of which SIM, from its record, beside what its cases declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.core.units import format_size
from harness.pool.budget import Burnt, burnt_by_sim, understated
from harness.record.reader import RunRecord

_SHOWN: Final = 4
_DIGITS: Final = 4


def burnt_of(run: Path, declared: Mapping[str, int]) -> list[Burnt]:
    """Return what each result of a run burnt, as far as somebody saw it.

    Args:
        run: The run's directory.
        declared: Bytes that each case declares, by its id.

    Raises:
        BenchError: The record is damaged.
    """
    by_result: dict[int, Counter[str]] = {}
    with RunRecord.open(run) as record:
        for use in record.sim_uses():
            if use.burnt_bytes is not None:
                by_result.setdefault(use.result_id, Counter())[use.iccid] += use.burnt_bytes
        cases = {result.id: result.case_id for result in record.results()}
    return [
        Burnt(case=cases[number], declared_bytes=declared.get(cases[number], 0), by_sim=by_sim)
        for number, by_sim in by_result.items()
    ]


def burnt_lines(burnt: Sequence[Burnt]) -> list[str]:
    """Say what was burnt where, and which cases burn more than they declare."""
    by_sim = burnt_by_sim(burnt)
    if not by_sim:
        return ["not seen: no tap had an interface of a router with a SIM"]
    shown = [f"*{sim[-_DIGITS:]} {format_size(size)}" for sim, size in by_sim.items() if size]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    declared = format_size(sum(run.declared_bytes for run in burnt))
    total = format_size(sum(by_sim.values()))
    where = ", ".join(shown[:_SHOWN]) or "nothing"
    return [
        f"{total} of {declared} declared: {where}{more}",
        *(
            f"{case} burnt {format_size(run.burnt_bytes)} and declares "
            f"{format_size(run.declared_bytes)}: correct its estimated_bytes"
            for case, run in understated(burnt).items()
        ),
    ]
