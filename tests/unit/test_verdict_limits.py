"""`harness.verdict.limits`: limits.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.verdict.limits import load_limits, parse_limits

GOOD = """
[phase.p6]
title = "attach"
unit = "s"
high = 60.0
requirements = ["R06"]

[ratio]
title = "ratio"
unit = "1"
low = 0.9
high = 1.1
requirements = ["R12", "R13"]
decision = "guarded"
"""


def test_limits_are_found_by_their_dotted_name() -> None:
    """Nested tables make the dots; the file's hash is kept."""
    limits = parse_limits(GOOD)

    assert limits["phase.p6"].high == 60.0
    assert limits["phase.p6"].low is None
    assert limits["phase.p6"].decision == "simple"
    assert limits["ratio"].requirements == ("R12", "R13")
    assert limits["ratio"].decision == "guarded"
    # sha256sum of GOOD
    assert limits.sha256 == "5a735feb0d4aa8e5eae34acab8d6bd58134abe8c7e3a8c01c3f47cc9daa342af"


def test_a_missing_limit_is_an_error_never_an_open_one() -> None:
    """The message names what there is."""
    with pytest.raises(UsageError) as caught:
        parse_limits(GOOD)["phase.p7"]

    assert str(caught.value) == (
        "limits.toml: phase.p7: there is no such limit; there are phase.p6, ratio"
    )


def test_an_unused_limit_is_an_error() -> None:
    """A limit that no case asks for would look like a demand that is checked."""
    limits = parse_limits(GOOD)

    limits.require_all_used(frozenset({"phase.p6", "ratio"}))
    with pytest.raises(UsageError, match=r"limits.toml: ratio: no case uses it"):
        limits.require_all_used(frozenset({"phase.p6"}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "limits.toml: x: a limit is a table with unit, low or high, and title"),
        ("[x", "limits.toml: it is not TOML: "),
        ("[a]\nunit='s'\ntitle='t'\nrequirements=['R01']", "it has neither low nor high"),
        (
            "[a]\nunit='s'\ntitle='t'\nlow=2.0\nhigh=1.0\nrequirements=['R01']",
            "low 2.0 is above high 1.0",
        ),
        ("[a]\nunit='m'\ntitle='t'\nhigh=1.0\nrequirements=['R01']", "limits.toml: a.unit: "),
        ("[a]\nunit='s'\ntitle='t'\nhigh=1.0\nrequirements=[]", "limits.toml: a.requirements: "),
        ("[a]\nunit='s'\ntitle='t'\nhigh=1.0\nrequirements=['X']", "limits.toml: a.requirements."),
        (
            "[a]\nunit='s'\ntitle='t'\nhigh=1.0\nrequirements=['R01']\nmax=1",
            "limits.toml: a.max: Extra inputs are not permitted",
        ),
        ("[a]\n", "limits.toml: a.unit: Field required"),
    ],
)
def test_what_is_no_limit_is_refused_by_its_key(text: str, message: str) -> None:
    """Nothing half-written becomes a limit."""
    with pytest.raises(UsageError) as caught:
        parse_limits(text)

    assert message in str(caught.value)


def test_limits_are_read_from_a_file(tmp_path: Path) -> None:
    """A file that is not there is the caller's mistake."""
    path = tmp_path / "limits.toml"
    with pytest.raises(UsageError, match="there is no such file; name it with --limits"):
        load_limits(path)

    path.write_text(GOOD, encoding="utf-8")
    assert set(load_limits(path).limits) == {"phase.p6", "ratio"}
