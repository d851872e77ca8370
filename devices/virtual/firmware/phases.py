"""The life of the cloud card as a table: (state, event) → state."""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType


class State(Enum):
    """Where the firmware stands; the value is the phase of P0 to P8 that has been reached."""

    BOOT = "boot"
    SEED_SEARCH = "seed-search"
    SEED_BEARER = "seed-bearer"
    LOGIN = "login"
    LOCATE = "locate"
    SELECT = "select"
    DOWNLOAD = "download"
    HOLD = "hold"
    ATTACH = "attach"
    PDN = "pdn"
    DATA = "data"
    REASSIGN = "reassign"
    NO_CARD = "no-card"
    OWN_CARD = "own-card"
    OWN_DATA = "own-data"


class Event(Enum):
    """What a step can end with."""

    DONE = "done"
    FAILED = "failed"
    SEED_LOST = "seed-lost"
    SESSION_LOST = "session-lost"
    NONE_LEFT = "none-left"
    KEPT = "kept"
    STAY = "stay"
    REFUSED = "refused"
    LOST = "lost"
    RADIO_CHANGED = "radio-changed"
    REASSIGN = "reassign"
    RELEASED = "released"
    TO_OWN_CARD = "to-own-card"
    TO_CLOUD = "to-cloud"


_S, _E = State, Event

_MAIN_LINE = {
    (_S.BOOT, _E.DONE): _S.SEED_SEARCH,
    (_S.BOOT, _E.TO_OWN_CARD): _S.OWN_CARD,
    (_S.SEED_SEARCH, _E.DONE): _S.SEED_BEARER,
    (_S.SEED_SEARCH, _E.FAILED): _S.SEED_SEARCH,
    (_S.SEED_BEARER, _E.DONE): _S.LOGIN,
    (_S.SEED_BEARER, _E.FAILED): _S.SEED_SEARCH,
    (_S.LOGIN, _E.DONE): _S.LOCATE,
    (_S.LOGIN, _E.FAILED): _S.LOGIN,
    (_S.LOGIN, _E.NONE_LEFT): _S.NO_CARD,
    (_S.LOCATE, _E.DONE): _S.SELECT,
    (_S.LOCATE, _E.FAILED): _S.LOGIN,
    (_S.SELECT, _E.DONE): _S.DOWNLOAD,
    (_S.SELECT, _E.KEPT): _S.HOLD,
    (_S.SELECT, _E.STAY): _S.DATA,
    (_S.SELECT, _E.NONE_LEFT): _S.NO_CARD,
    (_S.SELECT, _E.FAILED): _S.LOGIN,
    (_S.NO_CARD, _E.DONE): _S.LOGIN,
    (_S.DOWNLOAD, _E.DONE): _S.HOLD,
    (_S.DOWNLOAD, _E.FAILED): _S.LOGIN,
    (_S.HOLD, _E.DONE): _S.ATTACH,
    (_S.HOLD, _E.FAILED): _S.LOGIN,
    (_S.ATTACH, _E.DONE): _S.PDN,
    (_S.ATTACH, _E.REFUSED): _S.REASSIGN,
    (_S.ATTACH, _E.FAILED): _S.REASSIGN,
    (_S.ATTACH, _E.LOST): _S.ATTACH,
    (_S.PDN, _E.DONE): _S.DATA,
    (_S.PDN, _E.FAILED): _S.REASSIGN,
    (_S.PDN, _E.LOST): _S.ATTACH,
    (_S.DATA, _E.REASSIGN): _S.REASSIGN,
    (_S.DATA, _E.LOST): _S.ATTACH,
    (_S.DATA, _E.RELEASED): _S.REASSIGN,
    (_S.REASSIGN, _E.DONE): _S.LOCATE,
    (_S.OWN_CARD, _E.DONE): _S.OWN_DATA,
    (_S.OWN_CARD, _E.FAILED): _S.OWN_CARD,
    (_S.OWN_DATA, _E.LOST): _S.OWN_CARD,
    (_S.OWN_CARD, _E.TO_CLOUD): _S.SEED_SEARCH,
    (_S.OWN_DATA, _E.TO_CLOUD): _S.SEED_SEARCH,
}
_ON_SEED = (
    _S.SEED_BEARER,
    _S.LOGIN,
    _S.LOCATE,
    _S.SELECT,
    _S.NO_CARD,
    _S.DOWNLOAD,
    _S.HOLD,
    _S.ATTACH,
    _S.PDN,
    _S.REASSIGN,
)
_WITH_SESSION = (_S.LOCATE, _S.SELECT, _S.DOWNLOAD, _S.HOLD, _S.ATTACH, _S.PDN, _S.REASSIGN)

TRANSITIONS = MappingProxyType(
    _MAIN_LINE
    | {(state, _E.SEED_LOST): _S.SEED_SEARCH for state in _ON_SEED}
    | {(state, _E.SESSION_LOST): _S.LOGIN for state in _WITH_SESSION}
    | {(state, _E.RADIO_CHANGED): _S.SEED_SEARCH for state in (_S.SEED_SEARCH, _S.DATA, *_ON_SEED)}
    | {(state, _E.RADIO_CHANGED): _S.OWN_CARD for state in (_S.OWN_CARD, _S.OWN_DATA)}
    | {(state, _E.TO_OWN_CARD): _S.OWN_CARD for state in (_S.SEED_SEARCH, _S.DATA, *_ON_SEED)}
)

PHASES = MappingProxyType(
    {
        _S.BOOT: 0,
        _S.SEED_SEARCH: 0,
        _S.SEED_BEARER: 1,
        _S.LOGIN: 1,
        _S.LOCATE: 1,
        _S.SELECT: 2,
        _S.DOWNLOAD: 3,
        _S.HOLD: 4,
        _S.ATTACH: 5,
        _S.PDN: 6,
        _S.DATA: 7,
        _S.REASSIGN: 8,
        _S.NO_CARD: 2,
        _S.OWN_CARD: 0,
        _S.OWN_DATA: 7,
    }
)
"""The phase that has been reached on entering a state."""


def next_state(state: State, event: Event) -> State:
    """Return where an event leads.

    Raises:
        KeyError: The event cannot happen in this state.
    """
    return TRANSITIONS[state, event]
