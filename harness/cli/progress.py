"""Live progress for a person who waits: a moving line on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
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


class ElapsedColumn(ProgressColumn):
    """Seconds since a step began, and how many it may take."""

    def render(self, task: Task) -> Text:
        """Write `elapsed / limit`."""
        limit = "" if task.total is None else f" / {task.total:.0f} s"
        return Text(f"{task.elapsed or 0.0:5.1f} s{limit}")


class StepProgress:
    """Tells which step goes on, how long it has taken, and how long it may take."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._console = Console(file=sys.stderr, highlight=False)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            ElapsedColumn(),
            console=self._console,
            transient=True,
            get_time=lambda: self._clock.monotonic_ns() / NS_PER_S,
        )

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

    def of(self, router: str) -> RouterProgress:
        """Return who is told of one router's steps; each has its own moving line."""
        return RouterProgress(self._bar, self._console, router)


class RouterProgress:
    """Tells of one router's steps; used by one thread."""

    def __init__(self, bar: Progress, console: Console, router: str) -> None:
        self._bar = bar
        self._console = console
        self._router = router
        self._task: TaskID | None = None

    def started(self, step: str, limit_s: float | None) -> None:
        """Show a step that may take `limit_s` seconds."""
        self._remove()
        self._task = self._bar.add_task(f"{self._router:<4} {step:<26}", total=limit_s)

    def ended(self, step: str, verdict: Verdict, text: str) -> None:
        """Leave a line that says what the step came to."""
        self._remove()
        line = Text(f"{self._router:<4} {step:<26} ")
        line.append(f"{verdict.name:<6}", style=STYLE[verdict])
        line.append(f"  {text}")
        self._console.print(line, soft_wrap=True)

    def _remove(self) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
