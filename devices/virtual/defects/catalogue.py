"""All planted faults of the virtual bench: one module of this package a party, each a table."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from devices.virtual import defects
from devices.virtual.defects import Defect
from devices.virtual.errors import WorldError


def catalogue() -> tuple[Defect, ...]:
    """Return the tables of all parties, in the order of their modules' names."""
    tables = []
    for module in pkgutil.iter_modules(defects.__path__):
        content = importlib.import_module(f"{defects.__name__}.{module.name}")
        tables.append(getattr(content, "DEFECTS", ()))
    return tuple(defect for table in tables for defect in table)


def check_names(entries: Iterable[str]) -> None:
    """Refuse a defect that is not in the catalogue: a switch nobody reads proves nothing.

    Raises:
        WorldError: A name is unknown.
    """
    known = {defect.name for defect in catalogue()}
    for entry in entries:
        if entry.partition("@")[0] not in known:
            msg = f"no defect {entry!r}; `python -m devices.virtual --list-defects` names them"
            raise WorldError(msg)
