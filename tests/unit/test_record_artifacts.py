"""`harness.record.artifacts` and `reaper`: what is kept, how much of it, and for how long."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest

from harness.core.clock import FakeClock
from harness.core.errors import BenchError, UsageError
from harness.record.artifacts import Policy, keep, opened, shorten
from harness.record.journal import RunJournal
from harness.record.reader import RunRecord
from harness.record.reaper import Reaped, reap
from harness.record.rows import ArtifactRow, CaseInfo, RunInfo, UnitInfo
from harness.record.seal import load_or_make_key, seal
from harness.record.verify import verify
from harness.verdict.verdict import Verdict

DAY_S = 86_400.0


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """Return a pcapng block (draft-ietf-opsawg-pcapng, 3.1)."""
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def capture(packets: list[bytes], order: str = "<", options: bytes = b"") -> bytes:
    """Return a capture with one Ethernet interface."""
    section = struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)
    interface = struct.pack(f"{order}HHI", 1, 0, 0)
    blocks = [block(0x0A0D0D0A, section, order), block(1, interface, order)]
    for number, packet in enumerate(packets):
        head = struct.pack(f"{order}IIIII", 0, 0, number, len(packet), len(packet))
        blocks.append(block(6, head + packet + bytes(-len(packet) % 4) + options, order))
    return b"".join(blocks)


def kept_content(run_dir: Path, source: Path, verdict: Verdict, policy: Policy) -> bytes:
    """Keep a file and read it back."""
    kept = keep(run_dir, source, verdict=verdict, policy=policy)
    row = ArtifactRow(
        result_id=1,
        kind="k",
        name=source.name,
        path=kept.path.relative_to(run_dir).as_posix(),
        sha256=kept.sha256,
        size_bytes=kept.size_bytes,
        note=kept.note,
    )
    with opened(run_dir, row) as file:
        content = file.read()
    assert len(content) == kept.size_bytes
    return content


def test_all_of_a_failure_is_kept_by_its_hash(tmp_path: Path) -> None:
    """Compressed, under the hash of its content; the source has moved."""
    source = tmp_path / "at.txt"
    source.write_bytes(b"AT\r\n" * 1000)

    kept = keep(tmp_path, source, verdict=Verdict.FAIL)

    # yes $'AT\r' | head -1000 | sha256sum
    assert kept.sha256 == "7b7822cba520bb1b33132d242b84777789e7592fb31cfd6564a2e932564a9ac2"
    assert kept.path == tmp_path / "artifacts" / f"{kept.sha256}.zst"
    assert (kept.size_bytes, kept.note) == (4000, "")
    assert kept.path.stat().st_size < 100
    assert not source.exists()


def test_of_a_pass_a_sample_of_both_ends_is_kept(tmp_path: Path) -> None:
    """What was left out is said in the text and in the note."""
    source = tmp_path / "kernel.log"
    source.write_bytes(b"a" * 50 + b"b" * 900 + b"c" * 50)

    content = kept_content(tmp_path, source, Verdict.PASS, Policy(sample_bytes=100))

    assert content == b"a" * 50 + b"\n[... 900 bytes left out ...]\n" + b"c" * 50


@pytest.mark.parametrize("order", ["<", ">"])
def test_of_a_passing_capture_the_headers_are_kept(tmp_path: Path, order: str) -> None:
    """Packets are cut to the snap length, options and true lengths stay; both byte orders."""
    flags = struct.pack(f"{order}HHI", 2, 4, 1) + bytes(4)
    source = tmp_path / "tap.pcapng"
    source.write_bytes(capture([b"x" * 10, b"y" * 201], order, flags))

    content = kept_content(tmp_path, source, Verdict.PASS, Policy(snap_bytes=50))

    short = capture([b"x" * 10], order, flags)
    head = struct.pack(f"{order}IIIII", 0, 0, 1, 50, 201)
    assert content == short + block(6, head + b"y" * 50 + bytes(2) + flags, order)


def test_of_a_capture_beyond_the_cap_the_end_is_kept(tmp_path: Path) -> None:
    """A failure ends a capture, so its last packets count; it stays a readable capture."""
    source = tmp_path / "tap.pcapng"
    packets = [bytes([n]) * 100 for n in range(50)]
    source.write_bytes(capture(packets) + b"\x06\x00\x00\x00\x00\x01\x00\x00cut off")

    content = kept_content(tmp_path, source, Verdict.FAIL, Policy(cap_bytes=48 + 3 * 132 + 5))

    prefix = capture([])
    assert content.startswith(prefix)
    assert content[len(prefix) :] == capture(packets)[len(prefix) + 47 * 132 :]


def test_a_damaged_capture_is_an_error_and_stays_where_it_is(tmp_path: Path) -> None:
    """Nothing is lost: the source is only removed when its copy is safe."""
    source = tmp_path / "tap.pcapng"
    source.write_bytes(capture([]) + struct.pack("<III", 6, 7, 0))
    with pytest.raises(BenchError, match="a pcapng block of type 0x6 has 7 bytes; it is damaged"):
        keep(tmp_path, source, verdict=Verdict.PASS)
    source.write_bytes(struct.pack("<III", 0x0A0D0D0A, 28, 7))
    with pytest.raises(BenchError, match="it is no pcapng file: byte-order magic"):
        keep(tmp_path, source, verdict=Verdict.PASS)

    assert source.exists()
    assert list((tmp_path / "artifacts").iterdir()) == []
    with pytest.raises(UsageError, match="gone: there is no such file to keep"):
        keep(tmp_path, tmp_path / "gone", verdict=Verdict.PASS)


def test_an_artifact_outside_of_its_run_is_not_opened(tmp_path: Path) -> None:
    """A record comes from another machine; its paths are not trusted."""
    row = ArtifactRow(
        result_id=1, kind="k", name="n", path="../x", sha256="", size_bytes=0, note=""
    )
    with (
        pytest.raises(BenchError, match=r"\.\./x: it is outside of the run"),
        opened(tmp_path, row),
    ):
        pass


def finished_run(runs_dir: Path, name: str, clock: FakeClock, *, live: bool = False) -> RunJournal:
    """Write a run that kept one file of 1000 incompressible bytes or so."""
    info = RunInfo(id=name, title="", plan="", bench="", is_virtual=True, harness_version="0")
    journal = RunJournal.create(runs_dir, info, clock)
    case = CaseInfo(id="C", version="1", title_en="", title_ja="")
    result = journal.begin_result(case, journal.unit(UnitInfo(imei="1", model="m", firmware="1")))
    file = journal.directory / "at.txt"
    file.write_bytes(bytes(range(250)) * 4)
    result.artifact(file, "at-transcript")
    log = journal.directory / "kernel.log"
    log.write_bytes(b"x")
    result.keep(log, "kernel-log", verdict=Verdict.FAIL)
    result.finish(Verdict.PASS)
    if not live:
        journal.finish(Verdict.PASS)
    clock.sleep(DAY_S)
    return journal


def test_old_files_go_and_live_runs_are_never_touched(tmp_path: Path) -> None:
    """Three runs a day apart; the oldest still has a writer. Tables stay."""
    clock = FakeClock()
    live = finished_run(tmp_path, "live", clock, live=True)
    old = finished_run(tmp_path, "old", clock)
    new = finished_run(tmp_path, "new", clock)

    reaped = reap(tmp_path, clock, age_cap_s=1.5 * DAY_S, cap_bytes=None)

    assert [(r.run, r.files, r.reason) for r in reaped] == [(old.directory.name, 2, "age")]
    assert (live.directory / "at.txt").exists()
    assert (new.directory / "at.txt").exists()
    assert not (old.directory / "at.txt").exists()
    with RunRecord.open(old.directory) as record:
        assert len(record.artifacts()) == 2
    live.close()


def test_room_is_made_from_the_oldest_run_on(tmp_path: Path) -> None:
    """Until what is kept fits; a second pass has nothing to do."""
    clock = FakeClock()
    runs = [finished_run(tmp_path, name, clock).directory.name for name in ("a", "b", "c")]
    (tmp_path / "not a run").mkdir()

    reaped = reap(tmp_path, clock, age_cap_s=None, cap_bytes=1100)

    assert [(r.run, r.reason) for r in reaped] == [(runs[0], "room"), (runs[1], "room")]
    assert reaped[0] == Reaped(
        run=runs[0], files=2, freed_bytes=reaped[0].freed_bytes, reason="room"
    )
    assert 1000 < reaped[0].freed_bytes < 1100
    assert reap(tmp_path, clock, age_cap_s=None, cap_bytes=1100) == []
    assert reap(tmp_path / "none", clock, age_cap_s=0.0, cap_bytes=0) == []


@pytest.mark.slow
def test_a_verification_tells_removed_from_lost(tmp_path: Path) -> None:
    """What the reaper took is gone, not broken; numbers still come out the same."""
    clock = FakeClock()
    run_dir = finished_run(tmp_path, "a", clock).directory
    seal(run_dir, load_or_make_key(tmp_path / "key"), clock=clock)
    reap(tmp_path, clock, age_cap_s=0.0, cap_bytes=None)

    result = verify(run_dir)

    assert result.ok
    assert not result.complete
    gone = {f.where: f.text for f in result.findings if f.kind == "gone"}
    # printf x | sha256sum
    log = "artifacts/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881.zst"
    assert gone.keys() == {"at.txt", log}
    assert gone["at.txt"] == "removed by the reaper; 1000 bytes were sealed"


@pytest.mark.parametrize(
    ("verdict", "length", "note"),
    [
        (Verdict.PASS, 32 + 16, "8000 of 9968 bytes left out by policy"),
        (Verdict.FAIL, 32 + 216, "3968 of 9968 bytes left out by policy"),
    ],
)
def test_a_large_capture_gets_shorter_in_its_place(
    tmp_path: Path, verdict: Verdict, length: int, note: str
) -> None:
    """Of a pass the headers stay, with every time and length; of a failure the last packets."""
    path = tmp_path / "lan.pcapng"
    path.write_bytes(capture([bytes([n]) * 216 for n in range(40)]))
    policy = Policy(cap_bytes=6_000, sample_bytes=1_000, snap_bytes=16)

    assert shorten(path, verdict=verdict, policy=policy) == note

    data = path.read_bytes()
    assert len(data) == 9968 - int(note.split(maxsplit=1)[0])
    assert data[-4:] == struct.pack("<I", length)
    captured, original = struct.unpack_from("<II", data, len(data) - length + 20)
    assert (captured, original) == (length - 32, 216)
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_small_stays_whole_under_its_name(tmp_path: Path) -> None:
    """A transcript of a pass, for example; nothing was left out, nothing is said."""
    path = tmp_path / "at.txt"
    path.write_bytes(b"AT" * 500)
    policy = Policy(sample_bytes=1_000)

    assert shorten(path, verdict=Verdict.PASS, policy=policy) == ""
    assert path.read_bytes() == b"AT" * 500


def test_what_is_no_capture_is_left_as_it_was(tmp_path: Path) -> None:
    """Damaged evidence is evidence, and nothing half-written stays beside it."""
    path = tmp_path / "lan.pcapng"
    path.write_bytes(b"rubbish" * 1000)

    with pytest.raises(BenchError, match="pcapng"):
        shorten(path, verdict=Verdict.PASS, policy=Policy(sample_bytes=1_000))
    assert path.read_bytes() == b"rubbish" * 1000
    assert list(tmp_path.iterdir()) == [path]


def test_shortening_what_is_not_there_is_said(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(UsageError, match=r"at\.txt: there is no such file to keep"):
        shorten(tmp_path / "at.txt", verdict=Verdict.PASS)


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL])
def test_a_large_capture_is_never_in_memory(tmp_path: Path, verdict: Verdict) -> None:
    """100 MB, sparse, in a hundred blocks: not a tenth of it at once."""
    path = tmp_path / "lan.pcapng"
    length = 1 << 20
    with path.open("wb") as file:
        file.write(capture([]))
        for _ in range(100):
            start = file.tell()
            file.write(struct.pack("<IIIIIII", 6, length, 0, 0, 0, length - 32, 1514))
            file.seek(start + length - 4)
            file.write(struct.pack("<I", length))
    policy = Policy(cap_bytes=50_000_000, sample_bytes=1_000_000, snap_bytes=96)

    tracemalloc.start()
    shorten(path, verdict=verdict, policy=policy)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 10_000_000
    assert path.stat().st_size <= 50_000_000
