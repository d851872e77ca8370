"""`harness.record.seal` and `verify`: what was sealed can be checked, and nothing else passes."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from harness.core.clock import FakeClock
from harness.core.errors import BenchError, UsageError
from harness.measure.measurement import Measurement
from harness.record.canonical import canonical
from harness.record.journal import RunJournal
from harness.record.reader import RunRecord
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.record.seal import load_or_make_key, public_key_hex, seal
from harness.record.verify import VerifyResult, verify
from harness.verdict.judge import Judgement, judge
from harness.verdict.limits import parse_limits
from harness.verdict.verdict import Verdict

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
S = 1_000_000_000
CASE = CaseInfo(id="CS-THR-001", version="1", title_en="t", title_ja="t")
LIMITS = parse_limits(
    """
[phase.p6]
title = "attach"
unit = "s"
high = 60.0
requirements = ["R06"]
[rate]
title = "ceiling"
unit = "bit/s"
high = 400000.0
requirements = ["R12"]
decision = "guarded"
"""
)


def written(runs_dir: Path, *, rate_bps: float = 384_000.0, forged: bool = False) -> RunJournal:
    """Write a run whose rate is 384 kbit/s by its evidence, and leave it open."""
    info = RunInfo(
        id="r1", title="t", plan="p", bench="b", is_virtual=True, harness_version="0.1.0"
    )
    clock = FakeClock(monotonic_ns=S)
    journal = RunJournal.create(runs_dir, info, clock)
    journal.limit_set(LIMITS.text, LIMITS.sha256)
    result = journal.begin_result(CASE, journal.unit(UnitInfo(imei="1", model="m", firmware="1")))
    result.phase("P6", S, 5 * S, limit_s=60.0, verdict=Verdict.PASS)
    result.series("rx_bytes", "B", [(S, 0.0), (2 * S, 48_000.0), (3 * S, 96_000.0)])
    attach = Measurement(name="attach", value=4.0, unit="s", n=1)
    result.measurement(
        attach, judge(LIMITS["phase.p6"], 4.0), evidence={"from": "phase", "phase": "P6"}
    )
    rate = Measurement(name="rate", value=rate_bps, unit="bit/s", low=380e3, high=390e3, n=2)
    judgement = judge(LIMITS["rate"], rate_bps, low=380e3, high=390e3)
    if forged:
        judgement = Judgement(
            limit=judgement.limit, verdict=Verdict.FAIL, marginal=False, text="forged"
        )
    evidence = {"from": "rate", "series": "rx_bytes", "start_ns": S, "end_ns": 3 * S}
    result.measurement(rate, judgement, evidence=evidence)
    transcript = journal.directory / "at.txt"
    transcript.write_bytes(b"AT\r\nOK\r\n")
    result.artifact(transcript, "at-transcript")
    result.finish(Verdict.PASS)
    return journal


def sealed(runs_dir: Path, **options: bool) -> Path:
    """Write, finish and seal a run; return its directory."""
    journal = written(runs_dir)
    journal.finish(Verdict.PASS)
    seal(journal.directory, KEY, clock=FakeClock(), **options)
    return journal.directory


def said(result: VerifyResult, kind: str = "broken") -> list[tuple[str, str]]:
    """Return what a verification found of one kind."""
    return [(f.where, f.text) for f in result.findings if f.kind == kind]


@pytest.mark.slow
def test_a_sealed_run_verifies_on_another_machine(tmp_path: Path) -> None:
    """A copy elsewhere, read-only files: every hash, number and judgement comes out the same."""
    copy = tmp_path / "laptop" / "run"
    shutil.copytree(sealed(tmp_path / "runs"), copy)
    before = sorted((p, p.stat().st_mtime_ns) for p in copy.rglob("*"))

    result = verify(copy, trusted_keys={public_key_hex(KEY)})

    assert result.ok
    assert result.findings == ()
    assert (result.measurements, result.recomputed, result.rejudged) == (2, 2, 2)
    assert result.files == 14  # twelve tables, the journal, the transcript
    assert sorted((p, p.stat().st_mtime_ns) for p in copy.rglob("*")) == before


def test_one_changed_byte_in_any_file_is_found_and_named(tmp_path: Path) -> None:
    """Each sealed file in turn: first, middle and last byte."""
    run_dir = sealed(tmp_path)
    names = json.loads((run_dir / "manifest.json").read_bytes())["files"]
    for name in names:
        path = run_dir / name
        content = path.read_bytes()
        for place in {0, len(content) // 2, len(content) - 1}:
            changed = bytearray(content)
            changed[place] ^= 1
            path.write_bytes(changed)
            result = verify(run_dir)
            assert not result.ok
            assert [where for where, _ in said(result)] == [name]
            assert said(result)[0][1].startswith("changed: SHA-256 ")
        path.write_bytes(content)

    assert verify(run_dir).ok


def test_a_missing_or_cut_file_is_named(tmp_path: Path) -> None:
    """With how much was sealed."""
    run_dir = sealed(tmp_path)
    (run_dir / "at.txt").write_bytes(b"AT")

    assert said(verify(run_dir)) == [("at.txt", "2 bytes; 8 bytes were sealed")]
    (run_dir / "at.txt").unlink()
    assert said(verify(run_dir)) == [("at.txt", "it is missing; 8 bytes were sealed")]


def test_a_changed_manifest_breaks_the_signature(tmp_path: Path) -> None:
    """Also when its new form is canonical; an unknown key is named, and so is a missing one."""
    run_dir = sealed(tmp_path)
    path = run_dir / "manifest.json"
    manifest = json.loads(path.read_bytes())

    path.write_bytes(canonical({**manifest, "verdict": "fail"}))
    assert [where for where, _ in said(verify(run_dir))] == ["manifest.sig"]
    path.write_bytes(canonical({**manifest, "extra": 1}))
    assert said(verify(run_dir))[0] == (
        "manifest.json",
        "unknown key 'extra': changed by hand, or written by a newer harness",
    )
    path.write_bytes(path.read_bytes().replace(b'"extra":1,', b" "))
    assert said(verify(run_dir))[0] == (
        "manifest.json",
        "it is not in canonical form (RFC 8785), so it was changed after sealing",
    )
    del manifest["state"]
    path.write_bytes(canonical(manifest))
    assert said(verify(run_dir))[0] == ("manifest.json", "there is no key 'state'")


def test_a_seal_by_another_key_is_not_trusted(tmp_path: Path) -> None:
    """Whoever changes a run can sign it again, but not with the bench's key."""
    run_dir = sealed(tmp_path)
    stranger = Ed25519PrivateKey.generate()
    seal(run_dir, stranger, clock=FakeClock())

    result = verify(run_dir, trusted_keys={public_key_hex(KEY)})

    assert said(result) == [
        (
            "manifest.sig",
            f"signed by key {public_key_hex(stranger)}, which is not among the 1 trusted keys",
        )
    ]
    assert said(verify(run_dir), "note")[0][1].endswith("no list of trusted keys was given")


def test_a_number_that_its_evidence_does_not_give_is_found(tmp_path: Path) -> None:
    """Sealed in good order, and still wrong: 384,000 bit/s by the series, 385,000 written."""
    journal = written(tmp_path, rate_bps=385_000.0)
    journal.finish(Verdict.PASS)
    seal(journal.directory, KEY)

    result = verify(journal.directory)

    assert not result.ok
    assert said(result, "changed") == [
        (
            "CS-THR-001[1]/rate",
            "recorded 385000.0 bit/s, computed again 384000.0 bit/s",
        )
    ]


@pytest.mark.parametrize(
    ("evidence", "value", "text"),
    [
        ({"phase": "P6"}, 4.0, None),
        ({"from": "phase", "phase": "P9"}, 4.0, "cannot be computed again: there is no phase 'P9'"),
        ({"from": "sum", "series": "rx_bytes"}, 144_000.0, None),
        ({"from": "sum", "series": "x"}, 1.0, "cannot be computed again: there is no series 'x'"),
        ({"from": "ratio", "numerator": "rate", "denominator": 384_000}, 1.0, None),
        ({"from": "ratio", "numerator": 1, "denominator": 0}, 1.0, "the denominator is zero"),
        ({"from": "ratio", "numerator": "y"}, 1.0, "numerator is 'y', which is neither a number"),
        ({"from": "events", "kind": "urc", "text": "+CE"}, 2.0, None),
        ({"from": "rate", "series": "rx_bytes", "start_ns": 7}, 1.0, "has no points at 7 and None"),
        ({"from": "tarot"}, 1.0, "not computed again: nothing here computes 'tarot'"),
        ({}, 1.0, "not computed again: it names no evidence"),
    ],
)
def test_evidence_of_each_kind_is_computed_again(
    tmp_path: Path, evidence: dict[str, object], value: float, text: str | None
) -> None:
    """Or it is said why not."""
    journal = written(tmp_path)
    result = journal.begin_result(CASE, 1)
    result.phase("P6", S, 5 * S, limit_s=60.0, verdict=Verdict.PASS)
    result.series("rx_bytes", "B", [(S, 0.0), (2 * S, 48_000.0), (3 * S, 96_000.0)])
    result.measurement(Measurement(name="rate", value=384e3, unit="bit/s"), evidence={"from": "k"})
    result.event("urc", "+CEREG: 1")
    result.event("urc", "+CEREG: 2")
    result.event("urc", "RING")
    result.measurement(Measurement(name="m", value=value, unit="1"), evidence=evidence)
    journal.finish(Verdict.PASS)
    seal(journal.directory, KEY)

    found = verify(journal.directory)

    texts = [f.text for f in found.findings if f.where == "CS-THR-001[2]/m"]
    assert texts == [] if text is None else text in texts[0]
    assert found.recomputed == (3 if text is None else 2)


def test_a_judgement_that_comes_out_differently_says_what_changed(tmp_path: Path) -> None:
    """The recorded verdict, the harness that gave it, and what comes out now."""
    journal = written(tmp_path, forged=True)
    journal.finish(Verdict.PASS)
    seal(journal.directory, KEY)

    assert said(verify(journal.directory), "changed") == [
        (
            "CS-THR-001[1]/rate",
            "recorded fail by harness 0.1.0, judged now pass: 384 kbit/s, limit 400 kbit/s",
        )
    ]


def test_a_verdict_better_than_its_parts_is_found(tmp_path: Path) -> None:
    """A result and a run are at least as bad as what they are made of."""
    journal = written(tmp_path)
    journal.close()
    raw = sqlite3.connect(journal.directory / "journal.sqlite")
    with raw:
        raw.execute("UPDATE phase SET verdict = 'fail'")
        raw.execute("UPDATE measurement SET limit_high = 1e9 WHERE name = 'rate'")
        raw.execute("UPDATE run SET verdict = 'none', finished_ns = 9, finished_utc_us = 9")
    raw.close()
    seal(journal.directory, KEY)

    assert said(verify(journal.directory), "changed") == [
        (
            "CS-THR-001[1]/rate",
            "judged by None to 1000000000.0; the limits file says None to 400000.0",
        ),
        ("CS-THR-001[1]", "recorded pass, but a part of it came to fail"),
        ("run", "recorded none, but a part of it came to pass"),
    ]


def test_a_pass_beyond_its_limit_and_foreign_limits_are_found(tmp_path: Path) -> None:
    """A phase that passed although it was late or never ended; a limits file of another hash."""
    journal = written(tmp_path)
    journal.close()
    raw = sqlite3.connect(journal.directory / "journal.sqlite")
    with raw:
        raw.execute("UPDATE phase SET limit_s = 3.5")
        raw.execute(
            "INSERT INTO phase (result_id, name, start_ns, limit_s, verdict, note)"
            " VALUES (1, 'P7', 9, 30.0, 'pass', '')"
        )
        raw.execute("UPDATE limit_set SET sha256 = '00'")
        raw.execute("INSERT INTO limit_set VALUES ('11', 'not TOML [')")
    raw.close()
    seal(journal.directory, KEY)

    found = verify(journal.directory)

    assert ("CS-THR-001[1]/P6", "recorded as pass, but it took 4.0 s, limit 3.5 s") in said(
        found, "changed"
    )
    assert ("CS-THR-001[1]/P7", "recorded as pass, but it never ended, limit 30.0 s") in said(
        found, "changed"
    )
    assert ("limits", f"the text has SHA-256 {LIMITS.sha256}, recorded is 00") in said(
        found, "changed"
    )
    assert any(t.startswith("this harness cannot read them") for _, t in said(found, "note"))


def test_the_record_is_read_from_its_tables_when_the_journal_is_gone(tmp_path: Path) -> None:
    """A rack keeps the tables only."""
    run_dir = sealed(tmp_path, keep_journal=False)

    assert not (run_dir / "journal.sqlite").exists()
    with RunRecord.open(run_dir) as record:
        assert record.run.verdict is Verdict.PASS
        assert [m.value for m in record.measurements()] == [4.0, 384_000.0]
        assert record.series()[0].points[2] == (3 * S, 96_000.0)
    assert verify(run_dir).ok


def test_what_comes_after_the_seal_is_told_and_reports_may_come(tmp_path: Path) -> None:
    """Reports are made from the record; anything else is named as not covered."""
    run_dir = sealed(tmp_path)
    (run_dir / "report.html").write_text("")
    (run_dir / "more.txt").write_text("")

    result = verify(run_dir, trusted_keys={public_key_hex(KEY)})

    assert result.ok
    assert said(result, "note") == [("more.txt", "it came after sealing and is not covered")]


def test_a_run_still_going_on_is_not_sealed(tmp_path: Path) -> None:
    """The message says when; an interrupted one is sealed as what it is."""
    journal = written(tmp_path)

    with pytest.raises(UsageError, match="the run is still going on; seal it when it is finished"):
        seal(journal.directory, KEY)
    journal.close()
    manifest = json.loads(seal(journal.directory, KEY).read_bytes())
    assert manifest["state"] == "interrupted"
    assert verify(journal.directory).ok


def test_a_seal_of_another_time_is_refused_with_a_reason(tmp_path: Path) -> None:
    """No seal, no JSON, another format, a newer format: each says what to do."""
    with pytest.raises(UsageError, match=r"it has no manifest\.json; seal it first"):
        verify(tmp_path)
    path = tmp_path / "manifest.json"
    for content, message in [
        (b"{", "it is no JSON, so it was changed or cut off"),
        (b"[]", "it is no manifest of a run of this harness"),
        (
            b'{"format":"cloudsim-harness run","format_version":2}',
            "format version 2; this harness reads 1: verify it with a newer harness",
        ),
    ]:
        path.write_bytes(content)
        with pytest.raises(UsageError, match=message):
            verify(tmp_path)


def test_tables_of_a_newer_schema_are_refused(tmp_path: Path) -> None:
    """With both versions in the message."""
    run_dir = sealed(tmp_path, keep_journal=False)
    path = run_dir / "manifest.json"
    text = re.sub(r'"schema":\d+', '"schema":99', path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match="the record is of schema 99 and this harness reads up to"):
        RunRecord.open(run_dir)
    path.unlink()
    with pytest.raises(BenchError, match="tables without a manifest that names their schema"):
        RunRecord.open(run_dir)


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    """Mode 0600; the second call reads the first one's key; anything else is refused."""
    path = tmp_path / "bench.key"

    first, second = load_or_make_key(path), load_or_make_key(path)

    assert public_key_hex(first) == public_key_hex(second)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"none")
    with pytest.raises(UsageError, match=r"bench\.key: it is no private key in PEM"):
        load_or_make_key(path)
    other = X25519PrivateKey.generate()
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(UsageError, match="records are signed with Ed25519"):
        load_or_make_key(path)
