"""From lab.toml to a verdict, as a user goes: the command line and plain pytest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.record.reader import RunRecord
from harness.userplane.pcapng import records_of

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240.0
SMOKE = ("CANON-001", "THR-001", "CS-REB-001", "CS-ACC-001", "CS-THR-001")
pytestmark = pytest.mark.slow


def ran(directory: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this Python in a directory of its own."""
    return subprocess.run(
        [sys.executable, "-m", *argv],
        cwd=directory,
        env=os.environ | {"XDG_RUNTIME_DIR": str(directory), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a directory with the shipped bench file and the acceptance suite."""
    shutil.copy(ROOT / "lab.toml", tmp_path)
    shutil.copytree(ROOT / "tests/acceptance", tmp_path / "tests/acceptance")
    return tmp_path


def test_one_command_goes_from_lab_toml_to_a_verdict_with_evidence(desk: Path) -> None:
    """Table, record, transcript, packets and report; exit code 0."""
    ended = ran(desk, "harness.cli", "accept")

    assert ended.returncode == 0, ended.stderr
    rows = [line.split() for line in ended.stdout.splitlines()]
    verdicts = {row[0]: row[-1] for row in rows if row[2:3] == ["verdict"]}
    assert verdicts == dict.fromkeys(SMOKE, "PASS")
    assert [row[2] for row in rows if row[0] == "CANON-001"][:8] == [f"P{n}" for n in range(8)]
    assert "P4 download" in ended.stderr
    (run,) = (desk / "runs").iterdir()
    with RunRecord.open(run) as record:
        assert record.run.is_virtual
        assert record.state == "finished"
        kinds = sorted(artifact.kind for artifact in record.artifacts())
        events = {event.kind for event in record.events()}
        carriers = [(use.result_id, use.carrier) for use in record.sim_uses()]
    assert set(kinds) - {"kernel-log"} == {
        "at-transcript", "pcapng", "server-log", "shaper-readback", "udev-log",
    }  # fmt: skip  # the kernel's log is not everybody's to read
    assert kinds.count("at-transcript") == len(SMOKE)
    assert events >= {"power", "registration", "server", "urc", "udev", "injection"}
    # A case that changes no card has one, too; one that changes it has both.
    assert carriers[:2] == [(1, "docomo"), (2, "docomo")]
    assert {result for result, _ in carriers} == {1, 2, 3, 4, 5}
    assert sum(result == 3 for result, _ in carriers) > 1
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "860000000000017" not in page
    assert "https://" not in page


def test_the_tap_saw_the_profile_on_the_seed_bearer_and_never_in_clear(desk: Path) -> None:
    """The mirror port has the download: TLS, and neither ICCID nor IMSI to read.

    The profile store is emptied first, so the whole profile is downloaded anew.
    """
    ended = ran(desk, "harness.cli", "accept", "--case", "CANON-001")

    assert ended.returncode == 0, ended.stderr
    (capture,) = (desk / "runs").glob("*/*/seed.pcapng")
    data = capture.read_bytes()
    lengths = [record.wire_bytes for record in records_of(data)]
    assert sum(lengths) > 30_000
    assert b"\x16\x03\x01" in data
    assert b"8981100000000000010" not in data
    assert b"440101000000001" not in data


def test_the_transcript_is_readable_and_masks_the_imsi(desk: Path) -> None:
    """AT lines with times, both directions, and no IMSI."""
    ended = ran(desk, "harness.cli", "accept", "--case", "CANON-001")

    assert ended.returncode == 0, ended.stderr
    (transcript,) = (desk / "runs").glob("*/*/at.txt")
    text = transcript.read_text(encoding="ascii")
    assert '> "AT+CIMI\\r"' in text
    assert "+CEREG: " in text
    assert "440101000000001" not in text


def test_results_are_json_on_request(desk: Path) -> None:
    """Standard output is JSON and nothing else."""
    ended = ran(desk, "harness.cli", "accept", "--case", "THR-001", "--json")

    result = json.loads(ended.stdout)
    assert (ended.returncode, result["verdict"]) == (0, "pass"), ended.stderr
    names = [step["name"] for step in result["results"][0]["steps"]]
    assert names[-2:] == ["throttle.injected_ratio", "throttle.recovered_ratio"]


def test_plain_pytest_runs_the_same_cases(desk: Path) -> None:
    """With its own options: -k, --junitxml, and a record like any other."""
    ended = ran(
        desk, "pytest", "tests/acceptance", "--lab", "lab.toml", "-q", "-k", "boots",
        "--junitxml", "junit.xml", "-p", "no:cacheprovider",
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout
    suite = ET.parse(desk / "junit.xml").getroot()  # noqa: S314 - pytest wrote it just now
    assert suite.find("testsuite/testcase") is not None
    (run,) = (desk / "runs").iterdir()
    with RunRecord.open(run) as record:
        assert [row.case_id for row in record.results()] == ["CANON-001"]


def test_plain_pytest_shows_the_owner_of_a_failure(desk: Path) -> None:
    """The message has verdict, owner, cause and where the record is."""
    lab = (desk / "lab.toml").read_text(encoding="utf-8")
    text = lab.replace("[virtual]", '[virtual]\ndefects = ["carrier_rejects"]', 1)
    (desk / "lab.toml").write_text(text, encoding="utf-8")
    limits = desk / "tests/acceptance/limits.toml"
    limits.write_text(limits.read_text(encoding="utf-8").replace("60.0", "6.0"), encoding="utf-8")

    ended = ran(desk, "pytest", "tests/acceptance", "--lab", "lab.toml", "-q", "-k", "boots")

    assert ended.returncode == 1
    assert "CANON-001 on r1: fail, owner carrier" in ended.stdout
    assert "cause: the carrier rejects the attach with cause #11" in ended.stdout


def test_without_a_bench_pytest_says_in_one_line_what_to_do(desk: Path) -> None:
    """A usage error, nothing run."""
    ended = ran(desk, "pytest", "tests/acceptance", "-q")

    assert ended.returncode == 4
    assert (
        "ERROR: these cases need a bench; name its file: pytest tests/acceptance --lab lab.toml"
        in ended.stderr + ended.stdout
    )


@pytest.mark.parametrize("program", [("harness.cli", "accept"), ("harness.cli", "check")])
def test_a_wrong_bench_file_is_answered_by_key_and_nothing_is_started(
    desk: Path, program: tuple[str, ...]
) -> None:
    """Exit code 3, one line, no run directory."""
    lab = (desk / "lab.toml").read_text(encoding="utf-8")
    (desk / "lab.toml").write_text(lab.replace("relay = 0", "relai = 0"), encoding="utf-8")

    ended = ran(desk, *program)

    assert ended.returncode == 3
    assert ended.stderr == (
        "harness: error: lab.toml: routers.r1.relai: there is no such key; did you mean 'relay'?\n"
    )
    assert not (desk / "runs").exists()


def test_a_router_that_is_not_plugged_in_is_said_with_what_is(desk: Path) -> None:
    """The virtual bench shows another place than lab.toml wants of the second model."""
    lab = (desk / "lab.toml").read_text(encoding="utf-8")
    (desk / "lab.toml").write_text(lab.replace("virtual-unisoc", "no-such-model"), encoding="utf-8")

    ended = ran(desk, "harness.cli", "accept")

    assert ended.returncode == 3
    assert "lab.toml: routers.r1.model: there is no model 'no-such-model'; there are " in (
        ended.stderr
    )


def test_the_bench_is_printed_as_it_was_understood(desk: Path) -> None:
    """A line a fact, masked; JSON on request; a schema for editors."""
    text = ran(desk, "harness.cli", "check").stdout
    value = json.loads(ran(desk, "harness.cli", "check", "--json").stdout)
    schema = json.loads(ran(desk, "harness.cli", "schema").stdout)

    assert "carrier        docomo  44010, 40 Mbit/s, APN virtual.docomo.test" in text
    assert "860000000000017" not in text
    assert value["carriers"]["docomo"]["rate"] == "40 Mbit/s"
    assert schema["properties"]["bench"]


def test_one_at_dialogue_is_shown_raw_and_parsed(desk: Path) -> None:
    """The raw lines, the final result code, and what they mean."""
    ended = ran(desk, "harness.cli", "at", "r1", "AT+CPIN?", "--json")
    refused = ran(desk, "harness.cli", "at", "r1", "AT+NOPE")
    wrong = ran(desk, "harness.cli", "at", "r9", "AT")

    reply = json.loads(ended.stdout)
    assert (reply["lines"], reply["final"], reply["meaning"]) == (
        ["+CPIN: READY"],
        "OK",
        ["READY"],
    )
    assert (refused.returncode, wrong.returncode) == (1, 2)
    assert "there is no router 'r9' in lab.toml; there are r1" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("accept", "--case", "NOPE"), 2, "there is no case 'NOPE'; there are CANON-001, THR-001"),
        (("accept", "--limits", "nope.toml"), 2, "nope.toml: there is no such file"),
        (("accept", "--dut", "r7"), 2, "there is no router 'r7' in lab.toml; there are r1"),
        (("accept", "--limits", "."), 2, ".: it cannot be read: Is a directory"),
        (("accept", "--lab", "binary"), 3, "binary: it is not text in UTF-8; name the bench's own"),
        (("cases", "--readme", "binary"), 2, "binary: it is not text in UTF-8; name a Markdown"),
        (
            ("forecast", "bench", "--csv", "binary"),
            2,
            "it is not text in UTF-8; name a CSV",
        ),
        (("verify", "binary"), 3, "Not a directory; name another file"),
        (("bogus",), 2, "No such command 'bogus'"),
    ],
)
def test_wrong_usage_is_told_apart_from_a_wrong_bench(
    desk: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Exit code 2, and what would have been right; a wrong file is never a traceback."""
    (desk / "binary").write_bytes(b"\xff\xfe\x00\x80")

    ended = ran(desk, "harness.cli", *arguments)

    assert ended.returncode == code
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
