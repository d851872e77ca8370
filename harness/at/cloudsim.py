"""Cloud-SIM state: ^CLOUDSIM, the command of the virtual models.

Vendors differ and publish little (modem.md (c)); a real model names its own commands in its file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import split_fields

_PHASES: Final = range(9)
_ICCID: Final = re.compile(r"[0-9A-E]{18,20}", re.ASCII)


class Card(IntEnum):
    """Which card the router uses."""

    PHYSICAL = 0
    CLOUD = 1
    SEED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudSimState:
    """Where a router is in its life with a cloud SIM.

    Attributes:
        card: Which card it uses.
        phase: 0 to 8: P0 boot to P8 reassignment (design.md 2).
        iccid: ICCID of that card; None when there is none.
    """

    card: Card
    phase: int
    iccid: str | None


def parse_cloudsim(line: str) -> CloudSimState:
    """Read one ``^CLOUDSIM`` information response or URC.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "^CLOUDSIM")
    iccid = fields.text(2)
    if iccid is not None and _ICCID.fullmatch(iccid) is None:
        msg = f"^CLOUDSIM <iccid> {iccid!r} is not 18 to 20 digits: {line!r}"
        raise AtFramingError(msg)
    return CloudSimState(
        card=Card(fields.one_of(0, "card", range(len(Card)))),
        phase=fields.one_of(1, "phase", _PHASES),
        iccid=iccid,
    )
