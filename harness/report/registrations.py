"""The registration lane of a time-line: what the record says of it, asked or reported. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.registration import Registration, parse_registration_urc
from harness.record.rows import EventRow
from harness.router.driver import RegistrationState

_NAMES: Final = ("+CEREG:", "+C5GREG:", "+CGREG:", "+CREG:")
"""Packet service of 4G and 5G first: one router may report several domains."""


def registrations(events: Sequence[EventRow]) -> list[tuple[int, str]]:
    """Return when the registration became what, in monotonic nanoseconds and words.

    A case that asked noted it; else the router's own lines in the AT transcript tell, of the
    first domain that it speaks of (TS 27.007, 7.2, 10.1.20, 10.1.22, 10.1.47).
    """
    noted = [(event.t_ns, event.text) for event in events if event.kind == "registration"]
    if noted:
        return noted
    lines = [e for e in events if e.kind == "at" and e.data.get("direction") == "rx"]
    for name in _NAMES:
        told = [
            (event.t_ns, _words(found))
            for event in lines
            if event.text.startswith(name) and (found := _read(event.text)) is not None
        ]
        if told:
            return [now for i, now in enumerate(told) if i == 0 or told[i - 1][1] != now[1]]
    return []


def _read(line: str) -> Registration | None:
    try:
        return parse_registration_urc(line)
    except AtFramingError:
        return None


def _words(found: Registration) -> str:
    state = RegistrationState(
        stat=found.stat, registered=found.registered, plmn=None, reject_cause=found.reject_cause
    )
    return state.words
