"""`harness.verdict.line_blame`: a slow line is one party's, or nobody knows whose."""

from __future__ import annotations

import pytest

from harness.core.party import Party
from harness.verdict.line_blame import FreeLine, blame_slow_line

FAST = FreeLine(carrier="kddi", rate_bps=4e7, is_slow=False)


def slow(carrier: str, **found: object) -> FreeLine:
    """Return a line at 2 Mbit/s."""
    return FreeLine(carrier=carrier, rate_bps=2e6, is_slow=True, **found)  # type: ignore[arg-type]


LOST_BEFORE = {"sent_bytes": 375_000, "booked_bytes": 125_000, "arrived_bytes": 124_000}
LOST_AFTER = {"sent_bytes": 375_000, "booked_bytes": 374_000, "arrived_bytes": 125_000}
LOST_NOWHERE = {"sent_bytes": 375_000, "booked_bytes": 375_000, "arrived_bytes": 374_000}


@pytest.mark.parametrize(
    ("lines", "owner", "cause"),
    [
        (
            [slow("docomo", **LOST_BEFORE), FAST],
            Party.CARRIER,
            "docomo 2 Mbit/s, and the other carriers are fast",
        ),
        (
            [slow("docomo", **LOST_BEFORE), slow("kddi", carrier_set="2 Mbit/s", **LOST_BEFORE)],
            Party.CARRIER,
            "docomo 2 Mbit/s, kddi 2 Mbit/s: the books of kddi say 2 Mbit/s",
        ),
        (
            [slow("docomo", **LOST_BEFORE), slow("kddi", **LOST_BEFORE)],
            Party.BENCH,
            (
                "docomo 2 Mbit/s, kddi 2 Mbit/s: the test server's datagrams are lost before any "
                "carrier counts them"
            ),
        ),
        (
            [slow("docomo", **LOST_AFTER), slow("kddi", **LOST_AFTER)],
            Party.ROUTER,
            (
                "docomo 2 Mbit/s, kddi 2 Mbit/s: the carriers count datagrams that the router's "
                "user never gets"
            ),
        ),
        (
            [slow("docomo", **LOST_NOWHERE), slow("kddi", **LOST_NOWHERE)],
            None,
            "docomo 2 Mbit/s, kddi 2 Mbit/s, and the trains do not tell where",
        ),
        (
            [slow("docomo", **LOST_BEFORE), slow("kddi", **LOST_AFTER)],
            None,
            "docomo 2 Mbit/s, kddi 2 Mbit/s, and the trains do not tell where",
        ),
        ([slow("docomo")], None, "docomo 2 Mbit/s, and no other carrier was looked at"),
    ],
)
def test_what_slow_lines_have_in_common(
    lines: list[FreeLine], owner: Party | None, cause: str
) -> None:
    """Its own carrier alone; else what is lost where; contradiction is not known."""
    found = blame_slow_line(lines)

    assert (found.owner, found.cause) == (owner, cause)
