"""The cards the router itself holds, as the modem sees them and as they answer."""

from __future__ import annotations

from devices.virtual.aka import Accepted, Card, MacFailure
from devices.virtual.at.modem import CardKind, CardView
from devices.virtual.firmware.profile import Profile, encode_iccid, encode_imsi
from devices.virtual.firmware.spec import CardSpec
from devices.virtual.firmware.stack import AuthResult

_ATR = bytes.fromhex("3B9F96801FC78031A073BE21136743200718000001A5")
_MNC_LENGTH_2 = bytes.fromhex("00000002")
_SUCCESS_TAG, _SYNCH_TAG = 0xDB, 0xDC


def answer_data(*, res: bytes = b"", ck: bytes = b"", ik: bytes = b"", auts: bytes = b"") -> bytes:
    """Return AUTHENTICATE's response data (TS 31.102 clause 7.1.2.1)."""
    fields = (auts,) if auts else (res, ck, ik)
    tag = _SYNCH_TAG if auts else _SUCCESS_TAG
    return bytes((tag,)) + b"".join(bytes((len(field),)) + field for field in fields)


class BuiltInCard:
    """A card with its keys on board: the seed card, or a physical card in the slot.

    Args:
        spec: The card.
        kind: Which slot it is in.
        sqn_seen: Where its counter stood at the last power-off.
    """

    def __init__(self, spec: CardSpec, kind: CardKind, sqn_seen: int) -> None:
        self._spec = spec
        self._kind = kind
        self._card = Card(spec.keys, sqn_seen)

    @property
    def sqn_seen(self) -> int:
        """The newest SQN the card has accepted."""
        return self._card.sqn_seen

    @property
    def spec(self) -> CardSpec:
        """What the card was made from."""
        return self._spec

    def view(self) -> CardView:
        """Return what the modem shows of it."""
        spec = self._spec
        files = {
            "EF_ICCID": encode_iccid(spec.iccid),
            "EF_IMSI": encode_imsi(spec.imsi),
            "EF_AD": _MNC_LENGTH_2,
        }
        return CardView(
            kind=self._kind,
            iccid=spec.iccid,
            imsi=spec.imsi,
            plmn=spec.plmn,
            atr=_ATR,
            files=files,
            pin=spec.pin,
        )

    def answer(self, rand: bytes, autn: bytes) -> AuthResult:
        """Answer AUTHENTICATE."""
        outcome = self._card.authenticate(rand, autn)
        if isinstance(outcome, MacFailure):
            return AuthResult()
        if isinstance(outcome, Accepted):
            data = answer_data(res=outcome.res, ck=outcome.ck, ik=outcome.ik)
            return AuthResult(res=outcome.res, data=data)
        return AuthResult(auts=outcome.auts, data=answer_data(auts=outcome.auts))


def cloud_view(profile: Profile) -> CardView:
    """Return what the modem shows of a held cloud card."""
    return CardView(
        kind=CardKind.CLOUD,
        iccid=profile.iccid,
        imsi=profile.imsi,
        plmn=profile.plmn,
        atr=profile.atr,
        files=profile.files,
    )
