"""``harness.at.reading``: what `harness at` says about an answer, line by line."""

from __future__ import annotations

import pytest

from harness.at.lane import Reply
from harness.at.reading import read_reply
from harness.core.errors import UsageError

LTE_CELL = '+QENG: "servingcell","SEARCH"'


def reply(*lines: str) -> Reply:
    """Return an answer of these lines."""
    return Reply(lines=lines, final="OK", raw=b"", sent_ns=0, done_ns=0)


@pytest.mark.parametrize(
    ("command", "lines", "shown"),
    [
        ("AT+CSQ", ("+CSQ: 20,99",), ["rssi_dbm=-73, ber_class=-"]),
        ("at+csq", ("+CSQ: 20,99",), ["rssi_dbm=-73, ber_class=-"]),
        (
            "AT+CSQ",
            ("+CSQ: 0,99", "+CSQ: 1,99"),
            ["rssi_dbm=-113, ber_class=-", "rssi_dbm=-111, ber_class=-"],
        ),
        ("AT+CSQ=?", ("+CSQ: (0-31,99),(0-7,99)",), []),
        ("AT+CGMI", ("Quectel",), ["Quectel"]),
        ("AT+CGATT?", ("+CGATT: 1",), ["True"]),
        ("AT+CGATT=1", (), []),
        ("AT+CGATT=?", ("+CGATT: (0,1)",), []),
        ("AT+COPS?", ('+COPS: 0,2,"44010",7',), ["mode=0, name=-, plmn=44010, act=7"]),
        (
            "AT+COPS=?",
            ('+COPS: (2,"NTT DOCOMO","DOCOMO","44010",7),(1,,,"44020"),,(0-4),(0-2)',),
            [
                "availability=2, long_name=NTT DOCOMO, short_name=DOCOMO, plmn=44010, act=7",
                "availability=1, long_name=-, short_name=-, plmn=44020, act=-",
            ],
        ),
        ("AT+QNWINFO", ("+QNWINFO: No Service",), ["-"]),
        ("AT+CPIN?", ("+CPIN: READY",), ["READY"]),
        ("AT+CPIN=1234", ("+CPIN: READY",), []),
        ("AT+CIND?", ("+CIND: 5,0",), ["(5, 0)"]),
        ("AT+VENDOR", ("+VENDOR: 1",), []),
    ],
)
def test_an_answer_is_read_by_the_parser_of_its_command(
    command: str, lines: tuple[str, ...], shown: list[str]
) -> None:
    """A line of `name=value` for each line; nothing for what no parser reads."""
    assert read_reply(command, reply(*lines)) == shown


def test_the_raw_line_is_not_shown_twice() -> None:
    """`harness at` prints it already."""
    (text,) = read_reply('AT+QENG="servingcell"', reply(LTE_CELL))

    assert text.startswith("rat=-, state=SEARCH, plmn=-, cell=-, ")
    assert LTE_CELL not in text


def test_ati_is_read_as_a_whole() -> None:
    """Its lines say maker, model and firmware."""
    assert read_reply("ATI", reply("Quectel", "EC25", "Revision: EC25EFAR06A03M4G")) == [
        "manufacturer=Quectel, model=EC25, revision=EC25EFAR06A03M4G, imei=-"
    ]


def test_what_is_not_understood_is_said_with_the_line() -> None:
    """The answer is shown all the same."""
    assert read_reply("AT+CSQ", reply("+CSQ: 32,99")) == [
        "not understood: +CSQ <rssi> 32 is not defined (0 to 31 or 99): '+CSQ: 32,99'"
    ]


def test_a_command_that_is_none_is_the_callers_mistake() -> None:
    """It says how a command begins."""
    with pytest.raises(UsageError, match="'CSQ' is not a command; a command begins with AT"):
        read_reply("CSQ", reply())
