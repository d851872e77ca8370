"""``devices.virtual.firmware.phases`` and ``reject``: the tables of the firmware."""

from __future__ import annotations

import pytest

from devices.virtual.firmware.__main__ import STEPS
from devices.virtual.firmware.phases import PHASES, TRANSITIONS, Event, State, next_state
from devices.virtual.firmware.reject import Reaction, reaction
from devices.virtual.firmware.router import backoff_s


def test_the_straight_way_leads_from_boot_to_data() -> None:
    """P0 to P7 without trouble, each phase reached in its turn."""
    state, phases = State.BOOT, []
    while state is not State.DATA:
        state = next_state(state, Event.DONE)
        phases.append(PHASES[state])

    assert phases == [0, 1, 1, 1, 2, 3, 4, 5, 6, 7]


def test_every_state_has_a_step_and_a_phase() -> None:
    """No state without what is done in it."""
    assert set(STEPS) == set(State)
    assert set(PHASES) == set(State)


def test_every_state_but_boot_can_be_reached() -> None:
    """No dead rows in the table."""
    reached = set(TRANSITIONS.values())

    assert set(State) - reached == {State.BOOT}


def test_a_pair_that_is_not_in_the_table_is_an_error() -> None:
    """The firmware never guesses."""
    with pytest.raises(KeyError):
        next_state(State.BOOT, Event.REASSIGN)


def test_a_reassignment_downloads_again() -> None:
    """P8 leads back to P4 by way of a new selection."""
    state = State.DATA
    for event in (Event.REASSIGN, Event.DONE, Event.DONE, Event.DONE):
        state = next_state(state, event)

    assert state is State.DOWNLOAD


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (3, Reaction.CARD_INVALID),
        (6, Reaction.CARD_INVALID),
        (7, Reaction.CARD_INVALID),
        (8, Reaction.CARD_INVALID),
        (11, Reaction.NETWORK_FORBIDDEN),
        (12, Reaction.AREA_FORBIDDEN),
        (13, Reaction.AREA_FORBIDDEN),
        (14, Reaction.NETWORK_FORBIDDEN),
        (15, Reaction.AREA_FORBIDDEN),
        (17, Reaction.RETRY),
        (22, Reaction.RETRY),
        (35, Reaction.NETWORK_FORBIDDEN),
        (42, Reaction.RETRY),
        (111, Reaction.RETRY),
    ],
)
def test_a_reject_cause_has_the_standard_s_reaction(cause: int, expected: Reaction) -> None:
    """TS 24.301 clauses 5.5.1.2.5 and 5.5.1.2.6."""
    assert reaction(cause) is expected


@pytest.mark.parametrize(
    ("failures", "expected"), [(1, 1.0), (2, 2.0), (4, 8.0), (7, 60.0), (1000, 60.0)]
)
def test_back_off_doubles_up_to_a_minute(failures: int, expected: float) -> None:
    """1 s, 2 s, 4 s … 60 s at the real scale of timers."""
    assert backoff_s(failures, 1.0) == expected
