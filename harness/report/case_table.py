"""The catalogue of cases as text and as the generated part of a Markdown page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from harness.procedure.case import Case
from harness.report.marked import Marked, pipes

CATALOGUE: Final = Marked(what="catalogue", command="make docs", heading="The catalogue")
_MEGA: Final = 1_000_000
_HEADS: Final = ("id", "shows", "injected", "who is blamed", "limits", "needs", "s", "MB")


def markdown(cases: Sequence[Case], plans: Mapping[str, Sequence[str]]) -> str:
    """Return the part with its marks: totals, one table a family, the plans.

    Args:
        cases: The catalogue.
        plans: Ids of each plan's cases, by the plan's name.
    """
    time_s = sum(case.estimated_s for case in cases)
    burnt = sum(case.estimated_bytes for case in cases)
    totals = (
        f"{len(cases)} cases; one router alone takes about {time_s:.0f} s for them on the virtual "
        f"bench and burns about {burnt / _MEGA:.0f} MB of SIM data. A case marked * changes what "
        "all routers of a bench share, and runs alone."
    )
    lines = [totals]
    for family, members in _families(cases):
        lines += [f"### {family}", pipes(_HEADS, [_row(case) for case in members])]
    lines += ["### Plans", pipes(("plan", "cases"), _plan_rows(plans))]
    return CATALOGUE.part(*lines)


def as_json(case: Case) -> dict[str, object]:
    """Return one case as plain values."""
    info = case.info
    return {
        "id": info.id,
        "version": info.version,
        "title_en": info.title_en,
        "title_ja": info.title_ja,
        "requirements": list(info.requirements),
        "injected": case.injected,
        "owner_rule": case.owner_rule,
        "limits": sorted(case.limits),
        "needs": sorted(case.needs),
        "estimated_s": case.estimated_s,
        "estimated_bytes": case.estimated_bytes,
        "exclusive": case.exclusive,
    }


def text(cases: Iterable[Case]) -> str:
    """Return one line a case: id, seconds, megabytes, title."""
    return "\n".join(
        f"{case.info.id:<14} {case.estimated_s:>5.0f} s {case.estimated_bytes / _MEGA:>7.2f} MB  "
        f"{case.info.title_en}"
        for case in cases
    )


def _families(cases: Sequence[Case]) -> list[tuple[str, list[Case]]]:
    """Group cases by the middle of their ids, in the order of the catalogue."""
    families: dict[str, list[Case]] = {}
    for case in cases:
        families.setdefault(case.info.id.rpartition("-")[0].removeprefix("CS-"), []).append(case)
    return list(families.items())


def _row(case: Case) -> tuple[str, ...]:
    info = case.info
    answers = f" ({', '.join(info.requirements)})" if info.requirements else ""
    return (
        f"{info.id}{'*' if case.exclusive else ''}",
        f"{info.title_en}{answers}<br>{info.title_ja}",
        case.injected,
        case.owner_rule,
        "<br>".join(f"`{name}`" for name in _short(case.limits)),
        ", ".join(sorted(case.needs)),
        f"{case.estimated_s:.0f}",
        f"{case.estimated_bytes / _MEGA:.2f}",
    )


def _short(limits: Iterable[str]) -> list[str]:
    """Name the limits, those of the phases of one start as one."""
    phases = sorted(name for name in limits if name.startswith("phase."))
    others = sorted(name for name in limits if not name.startswith("phase."))
    return (["phase.*"] if len(phases) > 1 else phases) + others


def _plan_rows(plans: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    return [(name, ", ".join(ids)) for name, ids in sorted(plans.items())]
