"""Shaper or policer: a shaper delays, a policer drops. Signs in, name out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_SHAPER_QUEUE_S: Final = 0.015
_POLICER_QUEUE_S: Final = 0.003
_POLICER_LOSS: Final = 0.02
_SHAPER_LOSS: Final = 0.05
_DEEP_QUEUE_S: Final = 0.2


class Limiter(StrEnum):
    """What kind of limiter shows itself."""

    SHAPER = "shaper"
    POLICER = "policer"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What was seen of a limiter.

    Attributes:
        queue_s: Typical wait above the idle round trip, in seconds; None when not known.
        loss: Part of the packets that was lost, 0 to 1.
        packet_s: Time of one full packet at the limiter's rate, in seconds.
        lump_s: Wait that the path's own scheduler can cause, in seconds.
    """

    queue_s: float | None
    loss: float
    packet_s: float
    lump_s: float


def classify(signs: Signs) -> Limiter:
    """Name the limiter; unsure when the signs do not tell it from the path's own jitter.

    A policer never makes a packet wait for longer than its own neighbour takes; a shaper of a
    queue below 20 ms looks like one behind a radio, and is not guessed. Neither is one that seems
    to queue a little and drops much: a sender's timers look like that.
    """
    if signs.queue_s is None:
        return Limiter.UNSURE
    own_s = signs.lump_s + 1.5 * signs.packet_s
    if signs.queue_s > _SHAPER_QUEUE_S + own_s and (
        signs.loss < _SHAPER_LOSS or signs.queue_s > _DEEP_QUEUE_S
    ):
        return Limiter.SHAPER
    if signs.loss > _POLICER_LOSS and signs.queue_s < _POLICER_QUEUE_S + own_s:
        return Limiter.POLICER
    return Limiter.UNSURE
