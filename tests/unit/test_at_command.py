"""``harness.at.command`` and ``deadlines``: what a command line asks for, and how long it may."""

from __future__ import annotations

import pytest

from harness.at.command import Form, parse_command
from harness.at.deadlines import deadline_s


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Understand each command anew; what was understood is kept otherwise."""
    parse_command.cache_clear()


@pytest.mark.parametrize(
    ("text", "name", "form", "prefixes"),
    [
        ("AT", "", Form.ACTION, ()),
        ("ATI", "I", Form.ACTION, ()),
        ("ATE0", "E", Form.SET, ()),
        ("at+csq", "+CSQ", Form.ACTION, ("+CSQ",)),
        ("AT+CREG?", "+CREG", Form.READ, ("+CREG",)),
        ("AT+CREG=?", "+CREG", Form.TEST, ("+CREG",)),
        ("AT+CREG=2", "+CREG", Form.SET, ("+CREG",)),
        ("AT&F", "&F", Form.ACTION, ("&F",)),
        ("at&f1", "&F", Form.SET, ("&F",)),
        ("AT&FAB", "&F", Form.SET, ("&F",)),
        ("AT\\Q3", "\\Q", Form.SET, ("\\Q",)),
        ("AT\\", "\\", Form.ACTION, ("\\",)),
        ("ATD*99#", "D", Form.SET, ()),
        ("AT  +CSQ ", "+CSQ", Form.ACTION, ("+CSQ",)),
        ("AT#", "#", Form.ACTION, ("#",)),
        ("AT+CGDCONT=1", "+CGDCONT", Form.SET, ("+CGDCONT",)),
        ("AT&D0", "&D", Form.SET, ("&D",)),
        ("AT!GSTATUS?", "!GSTATUS", Form.READ, ("!GSTATUS",)),
        ("AT+CGMI;+CGMM", "+CGMI", Form.ACTION, ("+CGMI", "+GMI", "+CGMM", "+GMM")),
        ('AT+CPIN=";"', "+CPIN", Form.SET, ("+CPIN",)),
        ("AT+CICCID", "+CICCID", Form.ACTION, ("+CICCID", "+ICCID")),
    ],
)
def test_a_command_has_a_name_a_form_and_prefixes(
    text: str, name: str, form: Form, prefixes: tuple[str, ...]
) -> None:
    """Basic and extended commands, chains, aliases."""
    command = parse_command(text)

    assert (command.name, command.form, command.prefixes) == (name, form, prefixes)


@pytest.mark.parametrize(
    ("text", "silent", "any_answer", "dials", "prompts"),
    [
        ("AT", True, False, False, False),
        ("AT+CFUN=1", True, False, False, False),
        ("AT+CFUN?", False, False, False, False),
        ("ATE0;+CSQ", False, False, False, False),
        ("ATI", False, True, False, False),
        ("ATD*99#", False, False, True, False),
        ("AT+CMGS=4", False, False, False, True),
    ],
)
def test_a_command_has_traits_that_sort_its_answers(
    text: str, *, silent: bool, any_answer: bool, dials: bool, prompts: bool
) -> None:
    """Whether only a result code, anything, CONNECT, or a prompt may come."""
    command = parse_command(text)

    assert (command.silent, command.any_answer) == (silent, any_answer)
    assert (command.dials, command.prompts) == (dials, prompts)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("AT", 3.0),
        ("AT+CSQ", 3.0),
        ("AT+CPIN?", 10.0),
        ("AT+CRSM=176,12258,0,0,10", 20.0),
        ('AT+CGLA=1,4,"0000"', 30.0),
        ("AT+COPS?", 180.0),
        ("AT+COPS=?", 315.0),
        ("AT+COPS=0", 180.0),
        ("AT+CGATT?", 3.0),
        ("AT+CGATT=1", 180.0),
        ("AT+CGACT=1,1", 150.0),
        ("AT+CFUN=1,1", 180.0),
        ("AT+CFUN?", 3.0),
        ("ATD*99#", 60.0),
    ],
)
def test_each_command_has_the_time_that_the_field_needs(text: str, seconds: float) -> None:
    """modem.md (b): scans 315 s, attaching 180 s, most questions 3 s."""
    assert deadline_s(text) == seconds
