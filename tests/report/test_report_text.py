"""`harness.report.text`: what a person sees on the terminal."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from harness.report import text


def printed(run_dir: Path, *, colour: bool = False) -> str:
    """Print a run's table 120 columns wide."""
    out = io.StringIO()
    console = Console(
        file=out, width=120, force_terminal=colour, color_system="standard" if colour else None
    )
    console.print(text.table(run_dir))
    return out.getvalue()


def test_each_result_is_one_line_and_the_sums_come_last(small_run: Path) -> None:
    """Verdict with a shape, router by its last four digits, owner and cause of the failure."""
    lines = [" ".join(line.split()) for line in printed(small_run).splitlines()]

    assert lines == [
        "2026-11-26T02:40:00Z 2026-11-26T024000Z-r1 canonical on virtual routers",
        "verdict case router time owner cause",
        (
            "✗ fail CS-CANON-001 VR-1 1.2.7 7518 35 s carrier "
            "the carrier rejects ***********7890 with cause #11"
        ),
        "✓ pass CS-THR-001 VR-1 1.2.7 7518 15 s",
        "\N{EN DASH} not run CS-NETEM-001 VR-1 1.2.7 7518 \N{EN DASH} no netem on this kernel",
        "✗ FAIL 1 pass, 1 fail, 1 not run",
    ]


def test_only_what_needs_a_person_is_loud(small_run: Path) -> None:
    """The failing line is red, the passing one has no colour of its own."""
    lines = printed(small_run, colour=True).splitlines()

    assert "\x1b[1;31m✗ fail" in lines[2]
    assert "31m" not in lines[3]
