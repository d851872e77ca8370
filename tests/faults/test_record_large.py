"""A capture of 5 GB: it is recorded, sealed and verified in a few megabytes of memory."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.core.clock import FakeClock
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.record.seal import seal
from harness.record.verify import verify
from harness.verdict.verdict import Verdict

SIZE_BYTES = 5_000_000_000
ROOM_BYTES = 64 << 20


@pytest.mark.slow
def test_a_capture_of_5_gb_is_streamed(tmp_path: Path) -> None:
    """The file is sparse, so the disk holds nothing of it; every byte is read all the same."""
    info = RunInfo(id="r1", title="t", plan="p", bench="b", is_virtual=True, harness_version="0")
    journal = RunJournal.create(tmp_path, info, FakeClock())
    unit = journal.unit(UnitInfo(imei="1", model="m", firmware="1"))
    result = journal.begin_result(CaseInfo(id="C", version="1", title_en="", title_ja=""), unit)
    capture = journal.directory / "lan.pcapng"
    capture.touch()
    os.truncate(capture, SIZE_BYTES)

    tracemalloc.start()
    try:
        result.artifact(capture, "pcapng")
        result.finish(Verdict.PASS)
        journal.finish(Verdict.PASS)
        seal(journal.directory, Ed25519PrivateKey.from_private_bytes(bytes(32)))
        verified = verify(journal.directory)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert verified.ok
    assert peak_bytes < ROOM_BYTES
    assert capture.stat().st_size == SIZE_BYTES
