"""The catalogue of planted faults: named switches, each consulted at one obvious place.

A defect says who is at fault, what is seen, and which case of the acceptance suite must
catch it. One module a party holds the table of its own; nothing registers itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Party = Literal["router", "access_server", "sim_bank", "carrier", "bench"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A planted fault.

    Attributes:
        name: The switch, as ``--defect`` and ``lab.toml`` write it.
        title: A few words for a table.
        party: Who is at fault.
        symptom: What is seen from outside, one sentence.
        case: Id of the acceptance case that must catch it.
    """

    name: str
    title: str
    party: Party
    symptom: str
    case: str
