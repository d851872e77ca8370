"""What a command line asks for (V.250 5.4, TS 27.007 4): name, form, and what may answer it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.core.errors import UsageError

COMMAND_CHARS_MAX: Final = 2048

_EXTENDED: Final = re.compile(
    r"(?P<name>[+^$%#!*@&\\][A-Z0-9_/]*)(?P<rest>.*)", re.ASCII | re.IGNORECASE | re.DOTALL
)
_BASIC: Final = re.compile(r"(?P<name>[A-Z]?)(?P<rest>.*)", re.ASCII | re.IGNORECASE | re.DOTALL)

# Commands whose answers carry another name, or none (modem.md (a) 15).
_ALIASES: Final = {
    "+CCID": ("+CCID", "+ICCID", "+QCCID", "^ICCID", "#CCID"),
    "+ICCID": ("+ICCID", "+CCID"),
    "+QCCID": ("+QCCID", "+CCID"),
    "+CICCID": ("+CICCID", "+ICCID"),
    "+CGSN": ("+CGSN", "+GSN", "+EGMR"),
    "+GSN": ("+GSN", "+CGSN"),
    "+CGMI": ("+CGMI", "+GMI"),
    "+CGMM": ("+CGMM", "+GMM"),
    "+CGMR": ("+CGMR", "+GMR"),
    "+GMI": ("+GMI", "+CGMI"),
    "+GMM": ("+GMM", "+CGMM"),
    "+GMR": ("+GMR", "+CGMR"),
}
_ANSWERED_BY_ANYTHING: Final = frozenset({"I", "&V", "+CLAC", "+CLAC?", "*CLAC", "\\S"})
_DIALS: Final = frozenset({"D", "A", "+CGDATA", "+CGANS", "$QCRMCALL", "O"})
_PROMPTS: Final = frozenset({"+CMGS", "+CMGW", "+CNMA", "+CMGC", "+QFUPL", "+CIPSEND", "+QISEND"})
_SILENT: Final = frozenset({"", "E", "V", "Q", "Z", "&F", "&D", "&C", "&K", "X", "H", "&W", "+IFC"})
# A set command of these answers with a final result code alone; a line of that name is a URC.
_SILENT_SETS: Final = frozenset(
    {
        "+CREG", "+CGREG", "+CEREG", "+C5GREG", "+CSCON", "+CFUN", "+CPIN", "+CMEE", "+CTZR",
        "+CTZU", "+CGATT", "+CGACT", "+CGDCONT", "+CGEREP", "+CCLK", "+COPS", "+CSCS", "+QINDCFG",
        "^CLOUDSIM", "^HCSQ", "^CURC",
    }
)  # fmt: skip


class Form(StrEnum):
    """Forms of a command."""

    ACTION = "action"
    SET = "set"
    READ = "read"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command line.

    Attributes:
        text: What is sent, without its CR.
        name: Upper case name with its sign, such as `+CREG`; a basic command is its letter.
        form: Which form it has.
        prefixes: Names that an information response may carry.
        any_answer: Whether lines of any name are its answer (ATI, AT&V, AT+CLAC).
        silent: Whether only a final result code answers it.
        dials: Whether CONNECT, NO CARRIER and BUSY end it.
        prompts: Whether it may ask for data by a prompt.
    """

    text: str
    name: str
    form: Form
    prefixes: tuple[str, ...]
    any_answer: bool
    silent: bool
    dials: bool
    prompts: bool


@functools.lru_cache(maxsize=1024)
def parse_command(text: str) -> Command:
    """Understand a command line that is to be sent.

    Raises:
        UsageError: It does not begin with AT, holds a line break or a character that is not
            Latin-1, or is longer than any modem takes.
    """
    if text[:2].upper() != "AT":
        msg = f"{text!r} is not a command; a command begins with AT"
        raise UsageError(msg)
    if len(text) > COMMAND_CHARS_MAX or not all(" " <= char <= "\xff" for char in text):
        msg = (
            f"{text!r} cannot be sent: one line of Latin-1, at most {COMMAND_CHARS_MAX} characters"
        )
        raise UsageError(msg)
    parts = [_part(part) for part in text[2:].split(";")] if '"' not in text else [_part(text[2:])]
    name, form = parts[0]
    prefixes = tuple(alias for part, _ in parts for alias in _ALIASES.get(part, (part,)) if part)
    return Command(
        text=text,
        name=name,
        form=form,
        prefixes=tuple(prefix for prefix in prefixes if not prefix.isalpha()),
        any_answer=any(part in _ANSWERED_BY_ANYTHING for part, _ in parts),
        silent=all(
            part in _SILENT or (how is Form.SET and part in _SILENT_SETS) for part, how in parts
        ),
        dials=any(part in _DIALS for part, _ in parts),
        prompts=name in _PROMPTS,
    )


def _part(text: str) -> tuple[str, Form]:
    text = text.strip()
    match = _EXTENDED.fullmatch(text)
    basic = match is None
    match = match or _BASIC.fullmatch(text)
    if match is None:
        return "", Form.ACTION
    name, rest = match["name"].upper(), match["rest"]
    if name[:1] in {"&", "\\"}:  # a basic command, too: its number follows without a sign
        name, rest, basic = text[:2].upper(), text[2:], True
    if rest.startswith("=?"):
        return name, Form.TEST
    if rest.startswith("="):
        return name, Form.SET
    if rest.startswith("?"):
        return name, Form.READ
    return name, Form.SET if basic and rest else Form.ACTION
