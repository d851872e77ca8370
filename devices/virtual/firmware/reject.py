"""What a UE does with an EMM cause, 3GPP TS 24.301 clause 5.5.1.2.5 and 5.5.1.2.6."""

from __future__ import annotations

from enum import Enum


class Reaction(Enum):
    """What follows from a reject."""

    CARD_INVALID = "the card is not used again until power-off"
    NETWORK_FORBIDDEN = "this network is not tried again with this card"
    AREA_FORBIDDEN = "this tracking area is not tried again with this card"
    RETRY = "try again after T3411, and after T3402 from the fifth time on"


MAX_ATTEMPTS = 5
"""Attach attempt counter at which T3402 takes over (clause 5.5.1.2.6)."""

T3410_S = 15.0
T3411_S = 10.0
T3402_S = 720.0

_CARD = frozenset({3, 6, 7, 8})
_NETWORK = frozenset({11, 14, 35})
_AREA = frozenset({12, 13, 15})


def reaction(cause: int) -> Reaction:
    """Return what a UE does after ATTACH REJECT with this cause.

    Illegal UE (3), illegal ME (6) and "services not allowed" (7, 8) rule the card out; 11, 14
    and 35 the network; 12, 13 and 15 the tracking area. Everything else counts as an abnormal
    case: 17 (network failure), 22 (congestion), 42 and what is not known here.
    """
    if cause in _CARD:
        return Reaction.CARD_INVALID
    if cause in _NETWORK:
        return Reaction.NETWORK_FORBIDDEN
    if cause in _AREA:
        return Reaction.AREA_FORBIDDEN
    return Reaction.RETRY
