"""Live progress for a person who waits: a moving line on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from harness.core.clock import Clock
from harness.core.units import NS_PER_S
from harness.verdict.verdict import Verdict

STYLE: Final = {
    Verdict.NONE: "dim",
    Verdict.PASS: "green",
    Verdict.INCONC: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold magenta",
}


class StepProgress:
    """Tells which step goes on, how long it has taken, and how long it may take."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._console = Console(file=sys.stderr, highlight=False)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[elapsed]}"),
            console=self._console,
            transient=True,
            get_time=lambda: self._clock.monotonic_ns() / NS_PER_S,
        )
        self._task: TaskID | None = None
        self._step = ""
        self._start_ns = 0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def started(self, step: str, limit_s: float | None) -> None:
        """Show a step that may take `limit_s` seconds."""
        self._step = step
        self._start_ns = self._clock.monotonic_ns()
        self._remove()
        limit = "" if limit_s is None else f"limit {limit_s:.0f} s"
        self._task = self._bar.add_task(f"{step:<22}", total=limit_s, elapsed=limit)

    def tick(self) -> None:
        """Show the time that has passed."""
        if self._task is not None:
            elapsed_s = (self._clock.monotonic_ns() - self._start_ns) / NS_PER_S
            total = self._bar.tasks[0].total if self._bar.tasks else None
            limit = f" / {total:.0f} s" if total else ""
            self._bar.update(self._task, completed=elapsed_s, elapsed=f"{elapsed_s:5.1f} s{limit}")

    def ended(self, step: str, verdict: Verdict, text: str) -> None:
        """Leave a line that says what the step came to."""
        self._remove()
        line = Text(f"{step:<26} ")
        line.append(f"{verdict.name:<6}", style=STYLE[verdict])
        line.append(f"  {text}")
        self._console.print(line, soft_wrap=True)

    def _remove(self) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
