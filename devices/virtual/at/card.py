"""The card in use: TS 27.007 clause 8, TS 31.102 clauses 4 and 7, TS 102 221 clause 11."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from types import MappingProxyType

from devices.virtual.at.answer import (
    CARD_FAILURE,
    CARD_NOT_INSERTED,
    CARD_PUK_REQUIRED,
    INCORRECT_PARAMETERS,
    INCORRECT_PASSWORD,
    INVALID_INDEX,
    OK,
    OPERATION_NOT_ALLOWED,
    Answer,
    CmeError,
    PlainError,
    line,
)
from devices.virtual.at.apdu import execute, read_file
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table, fixed
from devices.virtual.at.modem import CardView, Modem

_READ_BINARY, _READ_RECORD, _GET_RESPONSE, _UPDATE_BINARY, _STATUS = 176, 178, 192, 214, 242
_PIN = re.compile(r"\d{4,8}", re.ASCII)


def _pin_state(call: Call) -> str:
    modem = call.modem
    if modem.card is None or modem.fun == 0:
        raise CmeError(CARD_NOT_INSERTED)
    if modem.pin_tries_left == 0:
        return "SIM PUK"
    return "SIM PIN" if modem.needs_pin() else "READY"


def _pin(call: Call) -> Answer:
    if call.form is Form.TEST:
        return OK
    state = _pin_state(call)
    if call.form is Form.READ:
        return line(f"+CPIN: {state}")
    if call.form is Form.EXECUTE:
        raise PlainError
    if state == "READY":
        raise CmeError(OPERATION_NOT_ALLOWED)
    if state == "SIM PUK":
        raise CmeError(CARD_PUK_REQUIRED)
    _verify_pin(call.modem, call.command.text(0))
    return OK


def _verify_pin(modem: Modem, pin: str) -> None:
    if not _PIN.fullmatch(pin):
        raise CmeError(INCORRECT_PARAMETERS)
    if modem.card is None or pin != modem.card.pin:
        modem.pin_tries_left -= 1
        raise CmeError(INCORRECT_PASSWORD if modem.pin_tries_left else CARD_PUK_REQUIRED)
    modem.pin_tries_left = 3
    modem.is_pin_entered = True


def _imsi(call: Call) -> Answer:
    if call.form is Form.TEST:
        return OK
    if call.form is not Form.EXECUTE:
        raise CmeError(INCORRECT_PARAMETERS)
    return line(call.card().imsi)


def _visible_card(call: Call) -> CardView:
    """Return the card for commands that need no PIN."""
    if call.modem.card is None or call.modem.fun == 0:
        raise CmeError(CARD_NOT_INSERTED)
    return call.modem.card


def _iccid_line(call: Call, prefix: str) -> Answer:
    if call.form is Form.TEST:
        return OK
    return line(f"{prefix}: {_visible_card(call).iccid}")


def _ccid(call: Call) -> Answer:
    return _iccid_line(call, "+CCID")


def _iccid_3gpp(call: Call) -> Answer:
    return _iccid_line(call, "+ICCID")


def _qccid(call: Call) -> Answer:
    return _iccid_line(call, "+QCCID")


def _hat_iccid(call: Call) -> Answer:
    return _iccid_line(call, "^ICCID")


def _restricted(call: Call) -> Answer:
    """``+CRSM`` (TS 27.007 clause 8.18): some commands of TS 102 221 on an elementary file."""
    if call.form is Form.TEST:
        return OK
    command = call.command
    instruction = command.number(0, 0, 255)
    card = call.card()
    if instruction == _STATUS:
        return line("+CRSM: 144,0")
    if instruction not in {_READ_BINARY, _READ_RECORD, _GET_RESPONSE, _UPDATE_BINARY}:
        return line("+CRSM: 109,0")  # 6D00, instruction not supported
    file_id = command.number(1, 0, 0xFFFF, 0)
    content = read_file(card, file_id)
    if content is None:
        return line("+CRSM: 106,130")  # 6A82, file not found
    if instruction == _UPDATE_BINARY:
        return line("+CRSM: 105,130")  # 6982, security status not satisfied
    data = _restricted_data(call, instruction, content, file_id)
    return line(f'+CRSM: 144,0,"{data.hex().upper()}"')


def _restricted_data(call: Call, instruction: int, content: bytes, file_id: int) -> bytes:
    command = call.command
    if instruction == _GET_RESPONSE:
        return get_response(file_id, len(content))
    if instruction == _READ_RECORD:
        return content
    offset = command.number(2, 0, 127, 0) << 8 | command.number(3, 0, 255, 0)
    length = command.number(4, 0, 255, 0)
    return content[offset : offset + length] if length else content[offset:]


def get_response(file_id: int, size: int) -> bytes:
    """Return the FCP template of a transparent file (TS 102 221 clause 11.1.1.3)."""
    identity = b"\x83\x02" + file_id.to_bytes(2, "big")
    length = b"\x80\x02" + size.to_bytes(2, "big")
    inner = b"\x82\x02\x41\x21" + identity + b"\x8a\x01\x05" + b"\x8b\x03\x6f\x06\x02" + length
    return b"\x62" + bytes((len(inner),)) + inner


async def _exchange(call: Call, name: str, text: str, length: int) -> Answer:
    if not re.fullmatch(r"([0-9A-Fa-f]{2}){4,}", text, re.ASCII) or length != len(text):
        raise CmeError(INCORRECT_PARAMETERS)
    data = await execute(call.card(), bytes.fromhex(text), call.modem.actions.authenticate)
    return line(f'{name}: {2 * len(data)},"{data.hex().upper()}"')


def _generic_access(call: Call) -> Answer | Awaitable[Answer]:
    """``+CSIM=<length>,<command>`` (TS 27.007 clause 8.17)."""
    if call.form is not Form.SET:
        return _only_set(call)
    return _exchange(call, "+CSIM", call.command.text(1), call.command.number(0, 8, 522))


def _only_set(call: Call) -> Answer:
    if call.form is Form.TEST:
        return OK
    raise PlainError


def _open_channel(call: Call) -> Answer:
    """``+CCHO=<dfname>`` (TS 27.007 clause 8.45)."""
    if call.form is Form.TEST:
        return OK
    name = call.command.text(0)
    call.card()
    if not re.fullmatch(r"([0-9A-Fa-f]{2}){5,16}", name, re.ASCII):
        raise CmeError(INCORRECT_PARAMETERS)
    is_usim = name.upper().startswith("A0000000871002")
    if not is_usim:
        raise CmeError(CARD_FAILURE)
    channel = call.modem.vendor.get("channels", 0) % 3 + 1
    call.modem.vendor["channels"] = channel
    call.modem.vendor[f"channel{channel}"] = 1
    return line(f"+CCHO: {channel}")


def _require_channel(call: Call) -> int:
    channel = call.command.number(0, 0, 19)
    if not call.modem.vendor.get(f"channel{channel}"):
        raise CmeError(INVALID_INDEX)
    return channel


def _channel_access(call: Call) -> Answer | Awaitable[Answer]:
    """``+CGLA=<sessionid>,<length>,<command>`` (TS 27.007 clause 8.43)."""
    if call.form is not Form.SET:
        return _only_set(call)
    _require_channel(call)
    return _exchange(call, "+CGLA", call.command.text(2), call.command.number(1, 8, 522))


def _close_channel(call: Call) -> Answer:
    """``+CCHC=<sessionid>`` (TS 27.007 clause 8.46)."""
    if call.form is Form.TEST:
        return OK
    channel = _require_channel(call)
    call.modem.vendor[f"channel{channel}"] = 0
    return line("+CCHC")


def _facility_lock(call: Call) -> Answer:
    """``+CLCK`` (TS 27.007 clause 7.4): only the card lock is there."""
    if call.form is Form.TEST:
        return line('+CLCK: ("SC")')
    if call.form is not Form.SET:
        raise PlainError
    facility, mode = call.command.text(0).upper(), call.command.number(1, 0, 2)
    card = _visible_card(call)
    if facility != "SC":
        raise CmeError(OPERATION_NOT_ALLOWED)
    if mode == 2:  # noqa: PLR2004 - the number the clause gives to "query status"
        return line(f"+CLCK: {1 if card.pin else 0}")
    if call.command.text(2, "") != card.pin:
        raise CmeError(INCORRECT_PASSWORD)
    return OK


def _tries_left(call: Call) -> Answer:
    """``+CPINR`` (TS 27.007 clause 8.65)."""
    if call.form is Form.TEST:
        return OK
    _visible_card(call)
    return line(f"+CPINR: SIM PIN, {call.modem.pin_tries_left},3")


def _own_number(call: Call) -> Answer:
    """``+CNUM``: a data card holds no number of its own."""
    if call.form is Form.EXECUTE:
        call.card()
    return OK


def _card_status(modem: Modem) -> str:
    return f"+CSUS: {0 if modem.card else 1}"


TABLE: Table = MappingProxyType(
    {
        "+CPIN": _pin,
        "+CPINR": _tries_left,
        "+CIMI": _imsi,
        "+CCID": _ccid,
        "+ICCID": _iccid_3gpp,
        "+QCCID": _qccid,
        "^ICCID": _hat_iccid,
        "+CRSM": _restricted,
        "+CSIM": _generic_access,
        "+CCHO": _open_channel,
        "+CGLA": _channel_access,
        "+CCHC": _close_channel,
        "+CLCK": _facility_lock,
        "+CNUM": _own_number,
        "+CSUS": fixed(_card_status),
    }
)
