"""`harness.report.junit`: strict XML that other programs read."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from harness.core.clock import FakeClock
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.report import junit
from harness.verdict.verdict import Verdict


def read(path: Path) -> ET.Element:
    """Read what we wrote ourselves."""
    return ET.parse(path).getroot()  # noqa: S314  # our own file


def test_only_a_pass_is_a_pass(small_run: Path, tmp_path: Path) -> None:
    """Failure, pass and not-run are told apart, with owner and cause; sums are right."""
    root = read(junit.write(small_run, tmp_path / "j.xml"))

    (suite,) = root
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "50.000",
    }
    failed, passed, skipped = suite
    assert failed.get("name") == "CS-CANON-001 from power on to data"
    assert failed.get("classname") == "VR-1.1.2.7.***********7518"
    assert failed[0].attrib == {
        "type": "fail",
        "message": "carrier: the carrier rejects ***********7890 with cause #11",
    }
    assert len(passed) == 0
    assert skipped[0].tag == "skipped"
    assert skipped[0].get("message") == "no netem on this kernel"


def test_numbers_are_properties_by_flag(small_run: Path, tmp_path: Path) -> None:
    """Off by default: the common schema does not know them."""
    path = junit.write(small_run, tmp_path / "j.xml", with_measurements=True)

    values = {p.get("name"): p.get("value") for p in read(path).iter("property")}
    assert values == {"throttle.goodput": "383600 bit/s"}


def test_control_characters_of_a_device_do_not_break_the_xml(tmp_path: Path) -> None:
    """NUL, ESC and non-characters cannot stand in XML 1.0; an open case is an error."""
    info = RunInfo(
        id="r", title="\x00\x1b\ufffe", plan="", bench="b", is_virtual=True, harness_version="0"
    )
    journal = RunJournal.create(tmp_path, info, FakeClock())
    unit = journal.unit(UnitInfo(imei="1" * 15, model="\x07M", firmware="1"))
    case = CaseInfo(id="C", version="1", title_en="t", title_ja="t")
    journal.begin_result(case, unit)
    journal.begin_result(case, unit, attempt=2).finish(Verdict.INCONC, cause="\x1b[31m<too few>")
    journal.close()

    root = read(junit.write(journal.directory, tmp_path / "j.xml"))

    (suite,) = root
    assert suite.get("name") == "\ufffd\ufffd\ufffd"
    assert (suite.get("failures"), suite.get("errors")) == ("1", "1")
    assert suite[0][0].get("type") == "interrupted"
    assert suite[1].get("name") == "C t (attempt 2)"
    assert suite[1][0].get("message") == "\ufffd[31m<too few>"
