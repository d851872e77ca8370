"""`harness.report.privacy`: the public version names nobody, in any output."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.core.clock import FakeClock
from harness.core.errors import UsageError
from harness.record.journal import RunJournal
from harness.record.reader import RunRecord
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.record.verify import verify
from harness.report import acceptance, html, junit, text
from harness.report.page_data import identities
from harness.report.privacy import Screen, masking, packed_forms, pseudonyms
from harness.report.publish import load_or_make_secret, publish
from harness.report.values import values
from harness.verdict.verdict import Verdict

IMEI = "490154203237518"
ICCID = "8981100005819480000"
IMSI = "440101234567890"
SERIAL = "SN-A4711B0815"
PHONE = "+81 90-1234-5678"
KEY = b"of whoever publishes"
# by hand: 3GPP TS 31.102 packs 8981... as 98 18 ...; IMSI's first byte carries parity 9
SECRETS = (
    IMEI,
    ICCID,
    IMSI,
    SERIAL,
    SERIAL.lower(),
    PHONE,
    "090-1234-5678",
    "819012345678",
    "981801005018490800f0",
    "4904012143658709",
    "94104502237315f8",
    "00340039003000310035003400320030003300320033003700350031003800",
)


def leaking_run(runs_dir: Path) -> Path:
    """Write a run that names everybody everywhere."""
    info = RunInfo(
        id="r1",
        title=f"for {IMEI}",
        plan=f"--dut {IMEI}",
        bench="b",
        is_virtual=True,
        harness_version="0",
        environment={"sim": ICCID, f"phone {PHONE}": PHONE},
    )
    journal = RunJournal.create(runs_dir, info, FakeClock())
    unit = journal.unit(UnitInfo(imei=IMEI, model="VR-1", firmware="1.2.7", serial=SERIAL))
    case = CaseInfo(id="CS-1", version="1", title_en="t", title_ja="題", requirements=("R01",))
    result = journal.begin_result(case, unit)
    result.sim_use(ICCID, IMSI, "docomo", "44010", start_ns=0, end_ns=None)
    for number, secret in enumerate(SECRETS):
        result.event("at", f'+X: "{secret}"', data={secret: [secret], "n": int(IMEI)})
        result.phase(f"P{number}", 0, 1, limit_s=None, note=secret)
    file = journal.directory / f"at-{IMEI}.txt"
    file.write_text(IMEI)
    result.artifact(file, "at-transcript")
    result.finish(Verdict.FAIL, cause="; ".join(SECRETS))
    journal.not_run(case, unit, f"no card {ICCID}")
    journal.finish(Verdict.FAIL)
    return journal.directory


def readable(page: str) -> str:
    """Return a page with its packed data unpacked."""
    found = re.findall(r'<script type="text/plain" id="[^"]+">([^<]+)</script>', page)
    return page + "".join(zlib.decompress(base64.b64decode(p), -15).decode() for p in found)


def pdf_text(path: Path) -> str:
    """Return the text of a PDF; skip where there is no reader of PDF."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (Debian: poppler-utils)")
    command = ["pdftotext", "-raw", str(path), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def leaks(output: str) -> list[str]:
    """Return the secrets in an output, also those written with other separators."""
    dense = re.sub(r"[ -]", "", output).lower()
    return [s for s in SECRETS if re.sub(r"[ -]", "", s).lower() in dense]


@pytest.mark.slow
def test_no_output_of_the_public_version_names_anybody(tmp_path: Path) -> None:
    """HTML, JUnit, terminal, acceptance report as HTML and as PDF text."""
    run_dir = leaking_run(tmp_path / "runs")
    hide = pseudonyms(KEY)
    with RunRecord.open(run_dir) as record:
        screen = Screen(identities(record), hide)
    console = Console(record=True, width=300, quiet=True)
    console.print(text.table(run_dir, screen=screen))
    page = html.write(run_dir, tmp_path / "r.html", screen=screen)
    xml = junit.write(run_dir, tmp_path / "j.xml", with_measurements=True, screen=screen)
    outputs = {
        "html": readable(page.read_text(encoding="utf-8")),
        "junit": xml.read_text(encoding="utf-8"),
        "terminal": console.export_text(),
        "json": json.dumps(values(run_dir, screen=screen)),
    }
    for ending in ("html", "pdf"):
        path = acceptance.write([run_dir], tmp_path / f"a.{ending}", hide=hide)
        if ending == "html":
            outputs["acceptance"] = path.read_text(encoding="utf-8")
        else:
            outputs["pdf"] = pdf_text(path)

    assert {name: leaks(output) for name, output in outputs.items() if leaks(output)} == {}
    assert "id-" in outputs["html"]
    assert "7518" not in outputs["acceptance"]


@pytest.mark.slow
def test_the_public_directory_names_nobody_and_can_be_verified(tmp_path: Path) -> None:
    """Every file of it, the tables unpacked; equal routers keep one pseudonym in all of them."""
    run_dir = leaking_run(tmp_path / "runs")
    target = tmp_path / "public"

    publish(run_dir, target, secret=KEY * 2, key=Ed25519PrivateKey.generate())

    outputs = {}
    for path in sorted(target.rglob("*")):
        if path.suffix == ".parquet":
            outputs[path.name] = str(pq.read_table(path).to_pydict())
        elif path.suffix == ".pdf":
            outputs[path.name] = pdf_text(path)
        elif path.is_file():
            outputs[path.name] = readable(path.read_bytes().decode("utf-8", "replace"))
    assert len(outputs) == 21  # 12 tables, manifest, signature, junit, 2 x (page, html, pdf)
    assert {name: leaks(output) for name, output in outputs.items() if leaks(output)} == {}
    pseudonym = pseudonyms(KEY * 2)(IMEI)
    named = {name for name, output in outputs.items() if pseudonym in output}
    assert {"unit.parquet", "junit.xml", "report_en.html", "acceptance_ja.html"} <= named
    found = verify(target)
    assert found.ok
    assert found.files == 12
    with pytest.raises(UsageError, match="there is something already"):
        publish(run_dir, target, secret=KEY * 2, key=Ed25519PrivateKey.generate())


def test_a_run_still_going_on_is_not_published(tmp_path: Path) -> None:
    """Nothing is written."""
    info = RunInfo(id="r", title="", plan="", bench="", is_virtual=True, harness_version="0")
    with (
        RunJournal.create(tmp_path, info, FakeClock()) as journal,
        pytest.raises(UsageError, match="the run is still going on"),
    ):
        publish(journal.directory, tmp_path / "p", secret=KEY, key=Ed25519PrivateKey.generate())

    assert not (tmp_path / "p").exists()


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    """Readable by nobody else; a short one is refused."""
    path = tmp_path / "own" / "publish.key"
    first = load_or_make_secret(path)

    assert load_or_make_secret(path) == first
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"short")
    with pytest.raises(
        UsageError, match=r"publish\.key: 5 bytes are no secret; it needs at least 32"
    ):
        load_or_make_secret(path)


def test_a_pseudonym_is_not_hidden_again() -> None:
    """Reports of a public record name a router as the record does."""
    pseudonym = pseudonyms(KEY)(IMEI)

    assert Screen([pseudonym], pseudonyms(b"another")).text(pseudonym) == pseudonym
    assert Screen([pseudonym], masking()).text(pseudonym) == pseudonym


def test_equal_identities_stay_equal_under_one_key() -> None:
    """A reader can follow a router through a report, and cannot try all IMEIs without the key."""
    first, again, other = pseudonyms(KEY), pseudonyms(KEY), pseudonyms(b"another")

    assert first(IMEI) == again(IMEI)
    assert first(IMEI) != first(IMSI)
    assert first(IMEI) != other(IMEI)
    assert re.fullmatch(r"id-[a-p]{10}", first(IMEI))


def test_what_is_no_identity_stays() -> None:
    """Times, rates, addresses and causes are not touched."""
    screen = Screen([IMEI], masking())
    line = "2026-11-24 03:21:05 384000 bit/s 192.168.1.1 cause #11 +CEREG: 0,1,44010"

    assert screen.text(line) == line
    values = [True, None, 1.5, 384_000, 25_000_000_000, "x"]
    assert screen.value(values) == values
    assert screen.value({"imei": int(IMEI)}) == {"imei": "***********7518"}
    assert screen.text(f"IMEI {IMEI}") == "IMEI ***********7518"


def test_packed_forms_are_those_of_the_standard() -> None:
    """TS 31.102: EF_ICCID swaps nibbles; EF_IMSI starts with the parity nibble 9 or 1."""
    assert packed_forms("89811") == ("9818f1", "898911", "00380039003800310031")
    assert packed_forms("4401")[1] == "4104f1"


@given(st.text(alphabet="0123456789", min_size=9, max_size=20), st.text(alphabet="ab ,;\n"))
def test_a_long_number_that_the_record_does_not_know_is_hidden_too(number: str, rest: str) -> None:
    """Whatever stands around it."""
    assert number not in Screen([], masking()).text(f"{rest}{number}{rest}")
