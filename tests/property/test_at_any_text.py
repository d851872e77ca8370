"""Every parser of ``harness.at``: any text gives a value or its own error, nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness.at
from harness.at.errors import AtFramingError

NOT_OF_ROUTERS = {"parse_command", "parse_address", "parse_interface"}


def parsers() -> list[Callable[..., Any]]:
    """Return every function `parse_…` of the package that reads what a router says."""
    found = []
    for module_info in pkgutil.iter_modules(harness.at.__path__):
        module = importlib.import_module(f"harness.at.{module_info.name}")
        found += [
            value
            for name, value in sorted(vars(module).items())
            if name.startswith("parse_")
            and name not in NOT_OF_ROUTERS
            and value.__module__ == module.__name__
        ]
    return found


PARSERS = parsers()
OF_LINES = {"parse_ati", "parse_ceer", "parse_cops_scan"}
NAMES = st.sampled_from(
    [
        "", "+CSQ", "+CESQ", "+CREG", "+CGREG", "+CEREG", "+C5GREG", "+COPS", "+CGDCONT", "+CGACT",
        "+CGATT", "+CGPADDR", "+CGCONTRDP", "+CGEV", "+CCLK", "+CTZV", "+CTZE", "+CFUN", "+CSCON",
        "+CRSM", "+CSIM", "+CGLA", "+CCHO", "+CNUM", "+CIND", "+CIEV", "+CPIN", "+QENG", "+QNWINFO",
        "+QGDCNT", "+CPSI", "^HCSQ", "^SYSINFOEX", "^DSFLOWQRY", "^DSFLOWRPT", "+UGCNTRD",
        "^CLOUDSIM", "+CGEQOSRDP", "+CGAPNRC", "+CMEE", "+CSCS", "+CCID", "+CGSN", "+CIMI",
    ]
)  # fmt: skip
VALUES = st.lists(
    st.one_of(
        st.integers(-1, 300).map(str),
        st.sampled_from(
            [
                "", "-", "(", ")", "(0-4)", "(0-99999999)", '"', '""', '"44010"', '"0053"',
"NW ACT",
                '"10.0.0.1"', '"10.0.0.1.255.0.0.0"', '"::1/64"', "26/11/24", "FFFE", '"LTE"',
                '"servingcell"', '"NOCONN"', "440-10", "9" * 40, "²", "\uff18", "\x00", "+36", "²²",
            ]
        ),
        st.text(st.characters(max_codepoint=255), max_size=8),
    ),
    max_size=20,
)  # fmt: skip


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: str(parser.__name__))
@given(st.one_of(st.text(max_size=200), st.builds("{}: {}".format, NAMES, VALUES.map(",".join))))
def test_any_text_gives_a_value_or_its_own_error(parser: Callable[..., Any], line: str) -> None:
    """No text makes a parser raise anything but `AtFramingError`."""
    given_ = (line,) if parser.__name__ in OF_LINES else line
    try:
        parser(given_)
    except AtFramingError as error:
        shown = str(error)
        assert shown


def test_all_parsers_are_found() -> None:
    """A new family is covered without being named here."""
    assert len(PARSERS) >= 45
