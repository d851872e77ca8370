"""Answers of the virtual router, as ITU-T V.250 writes them."""

from __future__ import annotations

import pytest

from devices.virtual.at.commands import table_for
from devices.virtual.at.session import AtSession
from tests.spec.test_router_answers_27007 import modem


def answer(*lines: bytes) -> bytes:
    """Return what the last of some lines is answered with."""
    sent = bytearray()
    session = AtSession(modem(), table_for("unisoc"), sent.extend)
    for line in lines:
        sent.clear()
        session.feed(line)
    return bytes(sent)


@pytest.mark.parametrize(
    ("clause", "lines", "expected"),
    [
        ("5.2.1 echo", (b"AT\r",), b"AT\r\r\nOK\r\n"),
        ("5.2.1 lower case", (b"ATE0\r", b"at\r"), b"\r\nOK\r\n"),
        ("5.2.1 cases", (b"ATE0\r", b"at+cgsn\r"), b"\r\n860000000000017\r\n\r\nOK\r\n"),
        ("5.2.4 A/", (b"ATE0\r", b"ATS0?\r", b"A/"), b"\r\n000\r\n\r\nOK\r\n"),
        ("5.3.1 zero by default", (b"ATE\r", b"AT\r"), b"\r\nOK\r\n"),
        ("5.3.2 S-parameter", (b"ATE0\r", b"ATS0=3S0?\r"), b"\r\n003\r\n\r\nOK\r\n"),
        ("5.3.2 out of range", (b"ATE0\r", b"ATS0=256\r"), b"\r\nERROR\r\n"),
        ("5.4.1 unknown command", (b"ATE0\r", b"AT+ZZZ\r"), b"\r\nERROR\r\n"),
        ("5.7.1 verbose", (b"ATE0V1\r", b"AT\r"), b"\r\nOK\r\n"),
        ("5.7.1 numeric", (b"ATE0V0\r", b"AT\r"), b"0\r"),
        ("5.7.1 numeric error", (b"ATE0V0\r", b"AT+ZZZ\r"), b"4\r"),
        ("6.1.1 Z", (b"ATE0V0\r", b"ATZ\r"), b"\r\nOK\r\n"),
        ("6.1.2 &F", (b"ATE0Q1\r", b"AT&F\r"), b"\r\nOK\r\n"),
        ("6.2.1 S3", (b"ATE0\r", b"ATS3?\r"), b"\r\n013\r\n\r\nOK\r\n"),
        ("6.2.2 S4", (b"ATE0\r", b"ATS4?\r"), b"\r\n010\r\n\r\nOK\r\n"),
        ("6.2.3 S5", (b"ATE0\r", b"ATS5?\r"), b"\r\n008\r\n\r\nOK\r\n"),
        ("6.2.1 S3 stays CR", (b"ATE0\r", b"ATS3=59\r"), b"\r\nERROR\r\n"),
        ("6.2.4 E", (b"ATE2\r",), b"ATE2\r\r\nERROR\r\n"),
        ("6.2.5 Q", (b"ATE0Q1\r", b"AT+CGSN\r"), b"\r\n860000000000017\r\n"),
    ],
)  # fmt: skip
def test_the_answer_is_the_clause_s(clause: str, lines: tuple[bytes, ...], expected: bytes) -> None:
    """Each line is answered by the bytes its clause gives."""
    assert answer(*lines) == expected, clause
