"""Which planted faults are on in this run."""

from __future__ import annotations

from collections.abc import Iterable


class Switches:
    """The defects that were asked for, as ``name`` or ``name@router``.

    Args:
        entries: What ``--defect`` and ``lab.toml`` say.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self.entries = frozenset(entries)

    def on(self, name: str, router: str | None = None) -> bool:
        """Tell whether a defect is planted, everywhere or in the router that is asked about."""
        return name in self.entries or f"{name}@{router}" in self.entries

    def for_router(self, router: str) -> list[str]:
        """Return the names planted in one router."""
        names = [entry.partition("@") for entry in self.entries]
        return sorted(name for name, _, where in names if where in {"", router})
