"""A sealed run whose journal was damaged: each report is made from its tables and says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from typer.testing import CliRunner

from harness.cli.main import app
from harness.core.errors import BenchError, UsageError
from harness.record.reader import RunRecord
from harness.record.seal import seal
from harness.record.verify import verify
from harness.report import acceptance, diff, html, junit, overview, text, values
from harness.report.privacy import masking

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STANDS_IN = "read from the sealed tables, which are as they were sealed"
CASES = ["CS-CANON-001", "CS-THR-001", "CS-NETEM-001"]


def cut(run_dir: Path) -> int:
    """Cut the journal in half; return how long it was."""
    journal = run_dir / "journal.sqlite"
    content = journal.read_bytes()
    journal.write_bytes(content[: len(content) // 2])
    return len(content)


def printed(renderable: object) -> str:
    """Return what a wide terminal shows."""
    console = Console(width=300)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def flip(run_dir: Path) -> None:
    """Change one byte in the middle of the journal."""
    journal = run_dir / "journal.sqlite"
    content = bytearray(journal.read_bytes())
    content[len(content) // 2] ^= 1
    journal.write_bytes(content)


def gone(run_dir: Path) -> None:
    """Take the journal away."""
    (run_dir / "journal.sqlite").unlink()


def empty(run_dir: Path) -> None:
    """Leave nothing of the journal but its name."""
    (run_dir / "journal.sqlite").write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, flip, gone, empty])
def test_whatever_became_of_the_journal_the_sealed_tables_are_read(
    damage: object, small_run: Path
) -> None:
    """All that the journal said, and what is wrong with it."""
    with RunRecord.open(small_run) as record:
        before = (record.run, record.results(), record.measurements(), record.events())
    seal(small_run, KEY)
    assert callable(damage)
    damage(small_run)

    with RunRecord.open(small_run) as record:
        after = (record.run, record.results(), record.measurements(), record.events())
        assert record.remark.startswith("journal.sqlite: ")
        assert record.remark.endswith(STANDS_IN)
    assert after == before


def test_a_whole_journal_needs_no_remark(small_run: Path) -> None:
    """Sealed or not."""
    with RunRecord.open(small_run) as record:
        assert record.remark == ""
    seal(small_run, KEY)
    with RunRecord.open(small_run) as record:
        assert record.remark == ""


@pytest.mark.parametrize("other", ["tables/result.parquet", "manifest.sig", "manifest.json"])
def test_tables_that_were_changed_do_not_stand_in(other: str, small_run: Path) -> None:
    """An error that names both files; a record that nobody can vouch for is not shown."""
    seal(small_run, KEY)
    cut(small_run)
    path = small_run / other
    content = bytearray(path.read_bytes())
    place = content.index(b'"sealed_utc_us":') + 17 if other == "manifest.json" else 20
    content[place] = ord("1") if content[place] != ord("1") else ord("2")
    path.write_bytes(content)

    with pytest.raises(BenchError, match=r"restore the run from a copy") as caught:
        RunRecord.open(small_run)
    named = "manifest.sig" if other == "manifest.json" else other
    assert f"the sealed tables cannot stand in for it ({named}: " in str(caught.value)
    assert "journal.sqlite: " in str(caught.value)


def test_every_report_says_what_it_was_made_from(small_run: Path) -> None:
    """Terminal, JSON, page, acceptance, JUnit, comparison and the list of runs."""
    seal(small_run, KEY)
    whole = cut(small_run)
    said = f"journal.sqlite: {whole // 2} bytes; {whole} bytes were sealed; {STANDS_IN}"

    shown = printed(text.table(small_run))
    assert f"! {said}" in shown
    assert all(case in shown for case in CASES)
    assert values.values(small_run)["remark"] == said
    out = small_run.parent / "out"
    page = html.write(small_run, out.with_suffix(".html")).read_text()
    assert f"about this record: {said}</p>" in page
    japanese = html.write(small_run, out.with_suffix(".html"), language="ja").read_text()
    assert f"記録についての注意: {said}</p>" in japanese
    report = acceptance.write([small_run], out.with_suffix(".html"), language="en").read_text()
    assert f"<li>{small_run.name}: about this record: {said}</li>" in report
    assert f"<system-err>{said}</system-err>" in junit.write(small_run, out).read_text()
    compared = diff.diff(small_run, small_run)
    assert compared.remarks == (f"{small_run.name}: {said}",) * 2
    assert f"! {small_run.name}: {said}" in printed(diff.table(compared))
    assert diff.as_values(compared)["remarks"] == list(compared.remarks)
    (listed,) = overview.Shelf(small_run.parent).overviews()
    line = overview.line(listed, masking())
    assert (line["remark"], line["word"]) == (said, "fail")


def test_verify_names_the_journal_and_still_computes_the_numbers_again(small_run: Path) -> None:
    """From the tables, which are as they were sealed."""
    seal(small_run, KEY)
    whole = cut(small_run)
    result = verify(small_run)

    assert not result.ok
    broken = [(f.where, f.text) for f in result.findings if f.kind == "broken"]
    assert broken == [("journal.sqlite", f"{whole // 2} bytes; {whole} bytes were sealed")]
    assert (result.measurements, result.rejudged) == (1, 1)
    notes = [f.text for f in result.findings if f.where == "journal.sqlite" and f.kind == "note"]
    assert notes == ["the numbers were computed again from the sealed tables, which are as sealed"]


def test_a_damaged_journal_is_not_sealed_again(small_run: Path) -> None:
    """A new seal would make the damage look as if it had always been so."""
    seal(small_run, KEY)
    flip(small_run)
    manifest = (small_run / "manifest.json").read_bytes()

    with pytest.raises(UsageError, match="a new seal would cover that up"):
        seal(small_run, KEY)
    assert (small_run / "manifest.json").read_bytes() == manifest


def test_a_cut_journal_that_was_not_sealed_loses_nothing_more(small_run: Path) -> None:
    """The command says how much is there, how much was, and what to do; no file is changed."""
    whole = cut(small_run)
    before = {p: p.read_bytes() for p in small_run.rglob("*") if p.is_file()}
    other = small_run.parent / "copy"
    shutil.copytree(small_run, other)

    for command in (["report", str(small_run)], ["diff", str(small_run), str(other)]):
        result = CliRunner().invoke(app, command)
        assert isinstance(result.exception, BenchError)
        assert str(result.exception) == (
            f"journal.sqlite: it was cut off: {whole // 2} bytes, and it had {whole}; "
            "nothing in it was changed by reading it: restore it from a copy, "
            "or save what is left with `sqlite3 journal.sqlite .recover`"
        )
    assert {p: p.read_bytes() for p in small_run.rglob("*") if p.is_file()} == before


def test_the_commands_read_a_sealed_run_with_a_cut_journal(small_run: Path) -> None:
    """`report` and `diff` go on; the JSON carries the remark."""
    seal(small_run, KEY)
    cut(small_run)

    result = CliRunner().invoke(app, ["report", str(small_run), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["remark"].endswith(STANDS_IN)
    result = CliRunner().invoke(app, ["diff", str(small_run), str(small_run), "--json"])
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["remarks"]) == 2
