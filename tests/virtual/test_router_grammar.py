"""``devices.virtual.at.grammar``: command lines of V.250."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.virtual.at.answer import CmeError, PlainError
from devices.virtual.at.grammar import Command, Form, parse


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", []),
        ("+CSQ", [Command(name="+CSQ", form=Form.EXECUTE)]),
        ("+csq?", [Command(name="+CSQ", form=Form.READ)]),
        ("+CSQ=?", [Command(name="+CSQ", form=Form.TEST)]),
        ("+CEREG=2", [Command(name="+CEREG", form=Form.SET, values=("2",))]),
        (
            '+CGDCONT=1,"IP","a;b,c"',
            [Command(name="+CGDCONT", form=Form.SET, values=("1", '"IP"', '"a;b,c"'))],
        ),
        (
            "E0V1",
            [
                Command(name="E", form=Form.EXECUTE, values=("0",)),
                Command(name="V", form=Form.EXECUTE, values=("1",)),
            ],
        ),
        ("S3?", [Command(name="S", form=Form.READ, values=("3",))]),
        ("S0=2", [Command(name="S", form=Form.SET, values=("0", "2"))]),
        ("&F", [Command(name="&F", form=Form.EXECUTE, values=("",))]),
        ("^CLOUDSIM?", [Command(name="^CLOUDSIM", form=Form.READ)]),
        (
            "+CMEE=1;+CSQ",
            [
                Command(name="+CMEE", form=Form.SET, values=("1",)),
                Command(name="+CSQ", form=Form.EXECUTE),
            ],
        ),
        ("D*99#", [Command(name="D", form=Form.SET, values=("*99#",))]),
    ],
)
def test_a_line_is_split_into_its_commands(body: str, expected: list[Command]) -> None:
    """Basic, S-parameter and extended syntax (V.250 clauses 5.3 and 5.4) are told apart."""
    assert parse(body) == expected


@pytest.mark.parametrize("body", ["+", "%", "(", "+CSQ?x", "1"])
def test_what_is_no_command_is_refused(body: str) -> None:
    """A line that is no sequence of commands is answered by ERROR."""
    with pytest.raises(PlainError):
        parse(body)


@given(st.text(max_size=60))
def test_any_text_is_commands_or_an_error(body: str) -> None:
    """Whatever is typed: a list of commands or our own error, nothing else."""
    try:
        commands = parse(body)
    except PlainError:
        return

    assert all(isinstance(command, Command) for command in commands)


@pytest.mark.parametrize("value", ["", "-1", "17", "x", "1x", '"1"'])
def test_a_number_out_of_range_is_cme_50(value: str) -> None:
    """+CME ERROR 50, incorrect parameters (TS 27.007 clause 9.2.1)."""
    with pytest.raises(CmeError) as caught:
        Command(name="+X", form=Form.SET, values=(value,)).number(0, 0, 16)

    assert caught.value.code == 50
