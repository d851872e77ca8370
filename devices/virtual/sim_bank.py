"""The SIM bank: cards in slots. Their files may be read and sent; their keys never leave it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass

from devices.virtual import aka, identity
from devices.virtual.lab_file import CarrierEntry, SlotEntry
from devices.virtual.plan import Terms
from devices.virtual.subscribers import compressed

_ATR = "3b9f96801fc78031e073fe2111634082918307900099"
_EMPTY_PLMN = "ffffff"
_FPLMN_ENTRIES, _OPLMN_ENTRIES = 4, 40
_LTE_AND_LESS = "4080"  # access technologies of EF_OPLMNwACT: E-UTRAN and GSM
_PHONE_BOOK_BYTES, _MESSAGE_STORE_BYTES = 7000, 8800
_IMSI_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BankCard:
    """A card in its slot.

    Attributes:
        slot: Its place and contract.
        carrier: Its carrier.
        terms: Volume terms, compressed by the world's quota factor.
        keys: Its secret, for the card's own answers only.
    """

    slot: SlotEntry
    carrier: CarrierEntry
    terms: Terms
    keys: aka.Keys

    @property
    def disclosed(self) -> bool:
        """Whether the contract's terms are known; an unknown one never counts as healthy."""
        return self.slot.disclosed and bool(self.slot.source)


def bank_card(
    slot: SlotEntry, carrier: CarrierEntry, *, random_seed: int, quota_factor: float
) -> BankCard:
    """Put a card into its slot."""
    terms = Terms(
        quota_bytes=compressed(slot.quota_bytes, quota_factor),
        reset_day=slot.reset_day,
        reset_time=slot.reset_time,
        zone=slot.zone,
        throttle_bps=slot.throttle_bps,
        window_bytes=compressed(slot.window_bytes, quota_factor),
        window_days=slot.window_days,
    )
    keys = identity.keys_of(random_seed, slot.iccid)
    return BankCard(slot=slot, carrier=carrier, terms=terms, keys=keys)


def profile_of(
    card: BankCard, files: BankCard, *, assignment: str, imei: str, device_key: bytes
) -> bytes:
    """Return what a router downloads to act as a card, signed for that router.

    ``files`` is the card whose files are read, the same one in a bank that is in order.

    Phone book and message store are sent as a real card's are: empty, and by far the largest.
    """
    content = {
        "assignment": assignment,
        "imei": imei,
        "iccid": card.slot.iccid,
        "atr": _ATR,
        "apn": card.carrier.apn,
        "plmn": card.carrier.plmn,
        "files": {
            "EF_ICCID": _swapped(files.slot.iccid.ljust(20, "f")),
            "EF_IMSI": _ef_imsi(files.slot.imsi),
            "EF_AD": "00000002",
            "EF_FPLMN": _EMPTY_PLMN * _FPLMN_ENTRIES,
            "EF_OPLMNwACT": _oplmn(card.carrier.plmn),
            "EF_ADN": "ff" * _PHONE_BOOK_BYTES,
            "EF_SMS": "ff" * _MESSAGE_STORE_BYTES,
        },
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    signature = hmac.new(device_key, text.encode(), hashlib.sha256).hexdigest()
    signed = content | {"signature": signature}
    return json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()


def _swapped(digits: str) -> str:
    return "".join(digits[i + 1] + digits[i] for i in range(0, len(digits), 2))


def _ef_imsi(imsi: str) -> str:
    # TS 31.102 clause 4.2.2: length, then the parity nibble and the digits, swapped.
    parity = "9" if len(imsi) % 2 else "1"
    nibbles = (parity + imsi).ljust(2 * _IMSI_BYTES, "f")
    used = (len(imsi) + 2) // 2
    return f"{used:02x}" + _swapped(nibbles)


def plmn_bytes(plmn: str) -> str:
    """Encode a PLMN as TS 24.008 clause 10.5.1.3 does, hex."""
    mcc, mnc = plmn[:3], plmn[3:].ljust(3, "f")
    return f"{mcc[1]}{mcc[0]}{mnc[2]}{mcc[2]}{mnc[1]}{mnc[0]}"


def _oplmn(plmn: str) -> str:
    first = plmn_bytes(plmn) + _LTE_AND_LESS
    return first + (_EMPTY_PLMN + "0000") * (_OPLMN_ENTRIES - 1)
