"""The generated part of a Markdown page, between two marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.files import read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A part of a page that a command writes.

    Attributes:
        what: What the marks call it.
        command: The command that writes it.
        heading: Heading under which it is put when the page has none yet.
    """

    what: str
    command: str
    heading: str

    @property
    def begin(self) -> str:
        """The mark before it."""
        return f"<!-- {self.what}: begin, written by `{self.command}` -->"

    @property
    def end(self) -> str:
        """The mark after it."""
        return f"<!-- {self.what}: end -->"

    def part(self, *paragraphs: str) -> str:
        """Return the part with its marks."""
        return "\n\n".join((self.begin, *paragraphs, self.end))

    def placed(self, page: str, part: str) -> str:
        """Return a page with its part replaced, or added at its end."""
        before, mark, rest = page.partition(self.begin)
        if mark:
            return before + part + rest.partition(self.end)[2]
        if not page.strip():
            return f"{part}\n"
        return f"{page.rstrip()}\n\n## {self.heading}\n\n{part}\n"

    def write(self, page: Path, part: str) -> None:
        """Replace or add the part of a page, which is made when there is none.

        Raises:
            UsageError: The page is there, and is no text.
        """
        remedy = "name a Markdown page"
        before = read_text(page, remedy=remedy) if page.exists() else ""
        page.write_text(self.placed(before, part), encoding="utf-8")


def pipes(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; a bar within a cell is escaped."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )
