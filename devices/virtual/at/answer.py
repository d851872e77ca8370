"""What goes back: information lines and one final result (V.250 clause 5.7, TS 27.007 clause 9)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

OPERATION_NOT_ALLOWED = 3
OPERATION_NOT_SUPPORTED = 4
CARD_NOT_INSERTED = 10
CARD_PIN_REQUIRED = 11
CARD_PUK_REQUIRED = 12
CARD_FAILURE = 13
CARD_BUSY = 14
INCORRECT_PASSWORD = 16
INVALID_INDEX = 21
NOT_FOUND = 22
NO_NETWORK_SERVICE = 30
INCORRECT_PARAMETERS = 50
UNKNOWN_ERROR = 100
UNSPECIFIED_GPRS_ERROR = 148

CMS_OPERATION_NOT_ALLOWED = 302
CMS_NOT_SUPPORTED = 303
CMS_INVALID_TEXT_PARAMETER = 305
CMS_INVALID_MEMORY_INDEX = 321
CMS_NO_NETWORK_SERVICE = 331

# TS 27.007 clauses 9.2.1 to 9.2.2; the standard writes SIM where this project writes card.
CME_TEXT = MappingProxyType(
    {
        OPERATION_NOT_ALLOWED: "operation not allowed",
        OPERATION_NOT_SUPPORTED: "operation not supported",
        CARD_NOT_INSERTED: "SIM not inserted",
        CARD_PIN_REQUIRED: "SIM PIN required",
        CARD_PUK_REQUIRED: "SIM PUK required",
        CARD_FAILURE: "SIM failure",
        CARD_BUSY: "SIM busy",
        INCORRECT_PASSWORD: "incorrect password",
        INVALID_INDEX: "invalid index",
        NOT_FOUND: "not found",
        NO_NETWORK_SERVICE: "no network service",
        INCORRECT_PARAMETERS: "Incorrect parameters",
        UNKNOWN_ERROR: "unknown",
        UNSPECIFIED_GPRS_ERROR: "unspecified GPRS error",
    }
)

# TS 27.005 clause 3.2.5.
CMS_TEXT = MappingProxyType(
    {
        CMS_OPERATION_NOT_ALLOWED: "operation not allowed",
        CMS_NOT_SUPPORTED: "operation not supported",
        CMS_INVALID_TEXT_PARAMETER: "invalid text mode parameter",
        CMS_INVALID_MEMORY_INDEX: "invalid memory index",
        CMS_NO_NETWORK_SERVICE: "no network service",
    }
)

# V.250 table 1: the numeric forms of the basic result codes.
_DIGITS = MappingProxyType(
    {"OK": "0", "CONNECT": "1", "RING": "2", "NO CARRIER": "3", "ERROR": "4", "BUSY": "7"}
)


class PlainError(Exception):
    """The command line is answered by ``ERROR``."""


class CmeError(Exception):
    """The command is answered by ``+CME ERROR`` (TS 27.007 clause 9.2).

    Attributes:
        code: The number of the error.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"+CME ERROR {code}")
        self.code = code


class CmsError(Exception):
    """The command is answered by ``+CMS ERROR`` (TS 27.005 clause 3.2.5).

    Attributes:
        code: The number of the error.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"+CMS ERROR {code}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The information lines of one command that went well."""

    lines: tuple[str, ...] = ()


OK = Answer()


def line(text: str) -> Answer:
    """Return an answer of one information line."""
    return Answer(lines=(text,))


def lines(*texts: str) -> Answer:
    """Return an answer of several information lines."""
    return Answer(lines=texts)


def error_text(error: PlainError | CmeError | CmsError, *, cmee: int) -> str:
    """Return the final result code of a failed command under the ``+CMEE`` setting."""
    if isinstance(error, CmsError):
        wording = CMS_TEXT.get(error.code, "unknown error")
        return f"+CMS ERROR: {wording if cmee > 1 else error.code}"
    if cmee == 0 or isinstance(error, PlainError):
        return "ERROR"
    wording = CME_TEXT.get(error.code, "unknown")
    return f"+CME ERROR: {wording if cmee > 1 else error.code}"


def encode_information(answer: Answer, *, verbose: bool) -> bytes:
    """Return the bytes of the information lines (V.250 clause 5.7.1, clause 6.2.6)."""
    if not answer.lines:
        return b""
    body = "\r\n".join(answer.lines).encode("latin-1") + b"\r\n"
    return b"\r\n" + body if verbose else body


def encode_final(text: str, *, verbose: bool) -> bytes:
    """Return the bytes of a final result code (V.250 clause 6.2.6)."""
    if verbose:
        return b"\r\n" + text.encode("latin-1") + b"\r\n"
    if text in _DIGITS:
        return _DIGITS[text].encode("ascii") + b"\r"
    return text.encode("latin-1") + b"\r\n"
