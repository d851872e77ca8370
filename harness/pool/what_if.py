"""A question to the forecast, as a person writes it: SIMs bought, heavy lines capped, no carrier.

Three forms: ``add 50 SIMs of 60 GB on 2020-03-11``, ``cap lines of 200 GB at 25 GB`` and
``44010 dark``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from harness.core.errors import UsageError
from harness.core.units import parse_size_bytes
from harness.pool.balance import Step
from harness.pool.look import WhatIf

_SIZE: Final = r"\d+(?:\.\d+)? ?[A-Za-z]+"
_ADD: Final = re.compile(
    rf"add (?P<sims>\d{{1,6}}) SIMs? of (?P<size>{_SIZE}) on (?P<day>\d{{4}}-\d\d-\d\d)", re.ASCII
)
_CAP: Final = re.compile(rf"cap lines of (?P<heavy>{_SIZE}) at (?P<cap>{_SIZE})", re.ASCII)
_DARK: Final = re.compile(r"(?P<plmn>\d{5,6}) dark", re.ASCII)
_FORMS: Final = (
    "'add 50 SIMs of 60 GB on 2020-03-11', 'cap lines of 200 GB at 25 GB' or '44010 dark'"
)


def what_if_of(texts: Sequence[str], *, today: date) -> WhatIf:
    """Read questions; several are asked together.

    Args:
        texts: Each in one of the three forms.
        today: The first day that is not over, in the pool's zone.

    Raises:
        UsageError: A text has none of the forms, a form that stands once comes twice, or SIMs are
            to be added before today.
    """
    found = WhatIf()
    for text in texts:
        if match := _ADD.fullmatch(text):
            found = replace(found, steps=[*found.steps, _step(match, text, today)])
        elif (match := _CAP.fullmatch(text)) and found.heavy_bytes is None:
            heavy, cap = parse_size_bytes(match["heavy"]), parse_size_bytes(match["cap"])
            if cap > heavy:
                msg = f"{text!r}: a cap above the amount caps nobody; write the smaller one last"
                raise UsageError(msg)
            found = replace(found, heavy_bytes=heavy, cap_bytes=cap)
        elif (match := _DARK.fullmatch(text)) and not found.dark_carrier:
            found = replace(found, dark_carrier=match["plmn"])
        else:
            msg = (
                f"{text!r} is no question that can be asked here; write {_FORMS}, the last two once"
            )
            raise UsageError(msg)
    return found


def _step(match: re.Match[str], text: str, today: date) -> Step:
    try:
        day = date.fromisoformat(match["day"])
    except ValueError:
        msg = f"{text!r}: {match['day']} is not a day of the calendar"
        raise UsageError(msg) from None
    if day < today:
        msg = f"{text!r}: {day} is over; the first day that can change is {today}"
        raise UsageError(msg)
    return Step(
        in_days=(day - today).days,
        sims=int(match["sims"]),
        quota_bytes=parse_size_bytes(match["size"]),
    )
