"""Authentication and key agreement (3GPP TS 33.102): the network's half and the card's half.

SQN is a plain counter without the index part of annex C: the card accepts whatever is
newer than what it has seen and answers anything else with AUTS.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.virtual.milenage import f1, f2345, xor

_AMF = bytes.fromhex("8000")  # separation bit set: EPS (TS 33.401 clause 6.1.2)
_RESYNC_AMF = bytes(2)  # TS 33.102 clause 6.3.3: AMF is zero in AUTS
_SQN_BYTES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The secret of one card, known to it and to its carrier only.

    Attributes:
        k: Subscriber key, 16 bytes.
        opc: Operator's constant for this key, 16 bytes.
    """

    k: bytes
    opc: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One authentication vector.

    Attributes:
        rand: Random challenge, 16 bytes.
        autn: Authentication token, 16 bytes.
        xres: The response that the card must give.
    """

    rand: bytes
    autn: bytes
    xres: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The card took the network for its own.

    Attributes:
        res: Response for the network.
        ck: Cipher key.
        ik: Integrity key.
        sqn: The newest SQN seen by the card now.
    """

    res: bytes
    ck: bytes
    ik: bytes
    sqn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """The challenge's SQN is not newer than the card's (EMM cause 21).

    Attributes:
        auts: Token that tells the network the card's SQN.
    """

    auts: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MacFailure:
    """The challenge is not of this card's network (EMM cause 20)."""


def challenge(keys: Keys, rand: bytes, sqn: int) -> Challenge:
    """Make an authentication vector, as an HSS does."""
    sqn_bytes = sqn.to_bytes(_SQN_BYTES, "big")
    mac_a, _ = f1(keys.k, keys.opc, rand, sqn_bytes, _AMF)
    answers = f2345(keys.k, keys.opc, rand)
    return Challenge(rand=rand, autn=xor(sqn_bytes, answers.ak) + _AMF + mac_a, xres=answers.res)


def answer(keys: Keys, sqn_seen: int, rand: bytes, autn: bytes) -> Accepted | Resync | MacFailure:
    """Answer AUTHENTICATE as a card does; pure, the caller stores the new SQN.

    Args:
        keys: The card's secret.
        sqn_seen: The newest SQN the card has accepted.
        rand: Challenge from the network.
        autn: Token from the network.
    """
    answers = f2345(keys.k, keys.opc, rand)
    sqn_bytes = xor(autn[:6], answers.ak)
    mac_a, _ = f1(keys.k, keys.opc, rand, sqn_bytes, autn[6:8])
    if mac_a != autn[8:]:
        return MacFailure()
    sqn = int.from_bytes(sqn_bytes, "big")
    if sqn <= sqn_seen:
        seen = sqn_seen.to_bytes(_SQN_BYTES, "big")
        _, mac_s = f1(keys.k, keys.opc, rand, seen, _RESYNC_AMF)
        return Resync(auts=xor(seen, answers.ak_star) + mac_s)
    return Accepted(res=answers.res, ck=answers.ck, ik=answers.ik, sqn=sqn)


def sqn_from_auts(keys: Keys, rand: bytes, auts: bytes) -> int | None:
    """Read the card's SQN out of AUTS; ``None`` when AUTS is not this card's."""
    seen = xor(auts[:6], f2345(keys.k, keys.opc, rand).ak_star)
    _, mac_s = f1(keys.k, keys.opc, rand, seen, _RESYNC_AMF)
    return int.from_bytes(seen, "big") if mac_s == auts[6:] else None


class Card:
    """A card in a slot: keys, and the SQN it has seen.

    Args:
        keys: The card's secret.
        sqn_seen: Where its counter stands.
    """

    def __init__(self, keys: Keys, sqn_seen: int = 0) -> None:
        self._keys = keys
        self.sqn_seen = sqn_seen

    def authenticate(self, rand: bytes, autn: bytes) -> Accepted | Resync | MacFailure:
        """Answer one AUTHENTICATE and remember its SQN."""
        outcome = answer(self._keys, self.sqn_seen, rand, autn)
        if isinstance(outcome, Accepted):
            self.sqn_seen = outcome.sqn
        return outcome
