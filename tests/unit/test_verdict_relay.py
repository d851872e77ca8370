"""``harness.verdict.relay``: whose fault a failed authentication is."""

from __future__ import annotations

import pytest

from harness.core.party import Party
from harness.verdict.relay import Relay, relay_blame


@pytest.mark.parametrize(
    ("relay", "owner", "words"),
    [
        (Relay(asked=True, card_absent=True), Party.SIM_BANK, "no card"),
        (Relay(asked=True, other_card=True, held_as_offered=True), Party.SIM_BANK, "another card"),
        (Relay(asked=True, other_card=True, held_as_offered=False), Party.ROUTER, "than it was"),
        (
            Relay(asked=True, outcomes=("failure",), bank_said=("auth_failed",)),
            Party.SIM_BANK,
            "MAC failure",
        ),
        (
            Relay(
                asked=True,
                outcomes=("failure", "resync", "failure"),
                bank_said=("auth_resync", "auth_resync"),
            ),
            Party.CARRIER,
            "old SQN",
        ),
        (
            Relay(asked=True, outcomes=("wrong response",), res_agrees=True),
            Party.SIM_BANK,
            "exactly as",
        ),
        (Relay(asked=True, outcomes=("wrong response",), res_agrees=False), None, "otherwise"),
        (
            Relay(asked=True, outcomes=("timeout",), bank_took_s=7.04, carrier_waited_s=3.02),
            Party.SIM_BANK,
            "took 7.0 s for an answer, and the carrier gave up after 3.0 s",
        ),
        (
            Relay(asked=True, outcomes=("timeout",), server_answered=False),
            Party.ACCESS_SERVER,
            "silent",
        ),
        (
            Relay(
                asked=True,
                outcomes=("timeout",),
                bank_took_s=0.01,
                carrier_waited_s=3.0,
                server_answered=True,
            ),
            Party.ROUTER,
            "too late",
        ),
        (
            Relay(asked=True, outcomes=("ok",), bank_said=("auth_ok",), not_accepted=True),
            Party.CARRIER,
            "neither accepts nor rejects",
        ),
    ],
)
def test_the_logs_on_both_sides_name_the_owner(
    relay: Relay, owner: Party | None, words: str
) -> None:
    """Each kind of failure has one owner, and the cause says what shows it."""
    found = relay_blame(relay)

    assert found is not None
    assert found.owner is owner
    assert words in found.cause


@pytest.mark.parametrize(
    "relay",
    [
        Relay(outcomes=("timeout",), server_answered=True),
        Relay(asked=True),
        Relay(asked=True, outcomes=("ok",), bank_said=("auth_ok",)),
        Relay(asked=True, outcomes=("failure", "resync", "ok"), bank_said=("auth_resync",)),
        Relay(asked=True, outcomes=("timeout",)),
        Relay(asked=True, outcomes=("wrong response",)),
        Relay(asked=True, other_card=True),
    ],
)
def test_logs_that_do_not_say_name_nobody(relay: Relay) -> None:
    """Without evidence of the relay, other rules decide."""
    assert relay_blame(relay) is None
