"""What one line of a modem is: final result code, unsolicited, noise (V.250 5.7, TS 27.007 9)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from harness.at.command import Command, Form

NUMERIC_RESULTS: Final = {
    "0": "OK",
    "1": "CONNECT",
    "2": "RING",
    "3": "NO CARRIER",
    "4": "ERROR",
    "6": "NO DIALTONE",
    "7": "BUSY",
    "8": "NO ANSWER",
}
_FINALS: Final = frozenset(
    {
        "OK", "ERROR", "ABORTED", "COMMAND NOT SUPPORT", "TOO MANY PARAMETERS", "NA",
        "unknown atcmd", "UNKNOWN ATCMD",
    }
)  # fmt: skip
# `+CME ERROR: ` with nothing behind the blank ends a command, `+CME ERROR:` does not: its code
# may come in the next read, 34 ms later (modem.md (a) 3, 7).
_ERROR_CODE: Final = re.compile(r"(?:\+C(?:ME|MS) ERROR: ?\S|\+C(?:ME|MS) ERROR: $).*", re.ASCII)
_VENDOR_ERROR: Final = re.compile(r"(?:MODEM ERROR|\+EXT ERROR): ?.+", re.ASCII)
_DIAL_FINALS: Final = frozenset(
    {"NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE", "NO DIAL TONE", "CONNECT"}
)
_BARE_URCS: Final = frozenset(
    {
        "RING", "RDY", "SMS DONE", "PB DONE", "SMS READY", "CALL READY", "NORMAL POWER DOWN",
        "POWERED DOWN", "READY", "SIM READY", "BOOT READY", "APP RDY", "OVER-VOLTAGE WARNNING",
        "UNDER-VOLTAGE WARNNING", "VOICE NO CARRIER", "NO CARRIER", "BUSY", "NO ANSWER",
    }
)  # fmt: skip
_NAMED: Final = re.compile(r"([+^$%#!*&@][A-Z][A-Z0-9_]*(?: ERROR)?) ?:", re.ASCII | re.IGNORECASE)
# These are never an answer, whatever is in flight.
_URC_NAMES: Final = frozenset(
    {
        "+CREG", "+CGREG", "+CEREG", "+C5GREG", "+CGEV", "+CRING", "+CMTI", "+CMT", "+CDS",
        "+CDSI", "+CBM", "+CUSD", "+CTZV", "+CTZE", "+CTZEU", "+CIEV", "+QIND", "+QUSIM",
        "+QSIMSTAT", "+CPIN", "+CFUN", "+CSCON", "^HCSQ", "^RSSI", "^SYSSTART", "^SIMST",
        "^SRVST", "^MODE", "^BOOT", "^NDISSTAT", "^DSFLOWRPT", "*PSUTTZ", "^CLOUDSIM", "+ZDONR",
        "+ZPASR", "+ZUSIMR", "+PACSP", "+XREG", "+UUSIMSTAT", "%RSIMREQ", "+ERSAIND",
    }
)  # fmt: skip
_SOLICITED_REGISTRATION: Final = re.compile(r" ?\d ?, ?\d{1,2}(?: ?,.*)?", re.ASCII | re.DOTALL)
_SOLICITED_CONNECTION: Final = re.compile(r" ?[0-4] ?, ?[01](?: ?,.*)?", re.ASCII | re.DOTALL)
_SOLICITED: Final = {
    "+CREG": _SOLICITED_REGISTRATION,
    "+CGREG": _SOLICITED_REGISTRATION,
    "+CEREG": _SOLICITED_REGISTRATION,
    "+C5GREG": _SOLICITED_REGISTRATION,
    "+CSCON": _SOLICITED_CONNECTION,
}
_GLUED_STARTS: Final = (b"OK^", b"OK+", b"OK%", b"OK*", b"ERROR^", b"ERROR+", b"ERROR%", b"ERROR*")
_GLUED: Final = re.compile(rb"(OK|ERROR)([+^%*][A-Z][A-Z0-9_]*: ?.+)", re.DOTALL)
_NMEA: Final = re.compile(r"\$[A-Z]{2,5}[A-Z0-9]*,[^\r\n]*", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\xff]+")
_NULS_OF_A_DEAD_PORT: Final = 32


class NoiseKind(StrEnum):
    """What bytes are that no AT port should send."""

    NULS = "NUL bytes"
    DIAG = "diagnostic frames"
    NMEA = "NMEA sentences"
    BINARY = "binary junk"
    OVERLONG = "a line without an end"
    OVERFLOW = "more lines than an answer may have"
    DATA = "data after CONNECT"


def is_final(text: str, command: Command | None, extra: frozenset[str] = frozenset()) -> bool:
    """Tell whether a line ends `command`; None stands for a command that is over."""
    trimmed = text.strip()
    if trimmed in _FINALS or trimmed in extra:
        return True
    if "ERROR:" in trimmed:
        left = text.lstrip()
        return bool(_ERROR_CODE.match(left) or _VENDOR_ERROR.fullmatch(trimmed))
    if command is not None and command.dials:
        return trimmed in _DIAL_FINALS or trimmed.startswith("CONNECT ")
    return False


def name_of(text: str) -> str | None:
    """Return the upper case name before the colon, such as `+CREG`; None for a bare line."""
    match = _NAMED.match(text)
    return match[1].upper() if match else None


def is_unsolicited(text: str, name: str | None, command: Command) -> bool:
    """Tell a URC from an information response of `command`, by name and by shape."""
    if name is None:
        return command.silent or text.strip().upper() in _BARE_URCS
    if name not in command.prefixes:
        return not command.any_answer or name in _URC_NAMES
    if command.silent:
        return True
    rest = text.partition(":")[2]
    if command.form is Form.TEST:
        return name in _URC_NAMES and "(" not in rest
    solicited = _SOLICITED.get(name) if command.form is Form.READ else None
    return solicited is not None and solicited.fullmatch(rest) is None


def is_recognised(text: str, command: Command | None, extra: frozenset[str]) -> bool:
    """Tell whether a line can only be one that a modem sends on purpose."""
    return (
        name_of(text) is not None
        or text.strip().upper() in _BARE_URCS
        or is_final(text, command, extra)
    )


def unglued(raw: bytes) -> tuple[bytes, ...]:
    """Part a final result code from a URC that no line break keeps apart (``OK^RSSI: 20``)."""
    match = _GLUED.fullmatch(raw) if raw.startswith(_GLUED_STARTS) else None
    return (match[1], match[2]) if match else (raw,)


def noise_kind(raw: bytes, text: str) -> NoiseKind | None:
    """Name what a line is when it is not AT; None when it can be."""
    if len(raw) != len(text) and raw.count(0) >= _NULS_OF_A_DEAD_PORT:
        return NoiseKind.NULS
    if text.startswith("$") and _NMEA.fullmatch(text):
        return NoiseKind.NMEA
    if "os_logids.h" in text or "option/faema_" in text or "NETWORK SERVICE CHANGE" in text:
        return NoiseKind.DIAG
    if not text.isprintable() and _CONTROL.search(text):
        return NoiseKind.DIAG if raw.rstrip(b"\x00").endswith(b"~") else NoiseKind.BINARY
    return None


def without_leading_junk(text: str) -> str:
    """Drop what a booting modem spits before a line."""
    match = _NOT_TEXT.match(text)
    return text[match.end() :] if match else text
