"""Keeps files of a run by the hash of their content, compressed; how much, says the policy.

Of what failed everything is kept up to a cap, of what passed the headers of packets or a sample.
Everything streams: a capture of 5 GB costs a few megabytes of memory.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import zstandard

from harness.core.errors import BenchError, UsageError
from harness.record.database import free_space
from harness.record.pcapng import ENHANCED_PACKET, Walker, headers_only
from harness.record.rows import ArtifactRow
from harness.verdict.verdict import Verdict

FOLDER_NAME: Final = "artifacts"
_ENDING: Final = ".zst"
_CHUNK_BYTES: Final = 1 << 20
_LEVEL: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How much of a file is kept.

    Attributes:
        cap_bytes: Most bytes of one file of a result that did not pass.
        sample_bytes: Most bytes of one file of a result that passed: half from the start and
            half from the end.
        snap_bytes: Bytes of each packet of a capture of a result that passed.
    """

    cap_bytes: int = 2_000_000_000
    sample_bytes: int = 1_000_000
    snap_bytes: int = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file as it was kept.

    Attributes:
        path: Where, inside of the run's directory.
        sha256: Hash of what was kept, before compression.
        size_bytes: Size of what was kept, before compression.
        note: What was left out; empty when nothing was.
    """

    path: Path
    sha256: str
    size_bytes: int
    note: str


DEFAULT_POLICY: Final = Policy()


def keep(run_dir: Path, source: Path, *, verdict: Verdict, policy: Policy = DEFAULT_POLICY) -> Kept:
    """Move a file into the run's store; the source is gone when this returns.

    Args:
        run_dir: The run's directory.
        source: The file.
        verdict: What the result came to, which decides how much is kept.
        policy: How much that is.

    Raises:
        UsageError: There is no such file.
        BenchError: The disk is full, or the capture is damaged; the source is still there.
    """
    folder = run_dir / FOLDER_NAME
    folder.mkdir(exist_ok=True)
    part = folder / f".part-{os.getpid()}-{source.name}"
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with source.open("rb") as file, part.open("wb") as packed:
            writer = zstandard.ZstdCompressor(level=_LEVEL).stream_writer(packed, closefd=False)
            with writer:
                for chunk in _wanted(file, source, verdict, policy):
                    digest.update(chunk)
                    size_bytes += len(chunk)
                    writer.write(chunk)
            packed.flush()
            os.fsync(packed.fileno())
        original_bytes = source.stat().st_size
        target = folder / f"{digest.hexdigest()}{_ENDING}"
        part.replace(target)
    except FileNotFoundError as exc:
        msg = f"{source.name}: there is no such file to keep"
        raise UsageError(msg) from exc
    except OSError as exc:
        msg = f"{source.name}: cannot be kept: {exc}; {free_space(part)}"
        raise BenchError(msg) from exc
    finally:
        part.unlink(missing_ok=True)
    source.unlink()
    note = _left_out(original_bytes - size_bytes, original_bytes)
    return Kept(path=target, sha256=digest.hexdigest(), size_bytes=size_bytes, note=note)


def shorten(path: Path, *, verdict: Verdict, policy: Policy = DEFAULT_POLICY) -> str:
    """Leave of a large file what the policy says, under its own name; return what was left out.

    A file of up to `sample_bytes` stays whole whatever the verdict, and every time and length of
    a capture stays, so that what was measured from it can be measured again.

    Raises:
        UsageError: There is no such file.
        BenchError: The disk is full, or the capture is damaged; the file is as it was.
    """
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        original_bytes = path.stat().st_size
        if original_bytes <= policy.sample_bytes:
            return ""
        with path.open("rb") as file, part.open("wb") as kept:
            for chunk in _wanted(file, path, verdict, policy):
                kept.write(chunk)
            kept.flush()
            os.fsync(kept.fileno())
        left_out = original_bytes - part.stat().st_size
        if left_out <= 0:
            return ""
        part.replace(path)
    except FileNotFoundError as exc:
        msg = f"{path.name}: there is no such file to keep"
        raise UsageError(msg) from exc
    except OSError as exc:
        msg = f"{path.name}: cannot be kept: {exc}; {free_space(part)}"
        raise BenchError(msg) from exc
    finally:
        part.unlink(missing_ok=True)
    return _left_out(left_out, original_bytes)


def _left_out(left_out: int, original_bytes: int) -> str:
    return f"{left_out} of {original_bytes} bytes left out by policy" if left_out else ""


def _wanted(file: BinaryIO, source: Path, verdict: Verdict, policy: Policy) -> Iterator[bytes]:
    passed = verdict is Verdict.PASS
    if source.suffix == ".pcapng":
        snap_bytes = policy.snap_bytes if passed else None
        return _packets(file, snap_bytes, policy.cap_bytes)
    return _ends(file, policy.sample_bytes if passed else policy.cap_bytes)


def _ends(file: BinaryIO, most_bytes: int) -> Iterator[bytes]:
    """Yield a file, or its two ends with a line between them that says what is missing."""
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size_bytes <= most_bytes:
        yield from iter(lambda: file.read(_CHUNK_BYTES), b"")
        return
    half = most_bytes // 2
    yield from _pieces(file, half)
    yield f"\n[... {size_bytes - 2 * half} bytes left out ...]\n".encode()
    file.seek(size_bytes - half)
    yield from _pieces(file, half)


def _pieces(file: BinaryIO, left_bytes: int) -> Iterator[bytes]:
    while left_bytes > 0 and (chunk := file.read(min(left_bytes, _CHUNK_BYTES))):
        left_bytes -= len(chunk)
        yield chunk


def _packets(file: BinaryIO, snap_bytes: int | None, most_bytes: int) -> Iterator[bytes]:
    """Yield a capture, or its section and interfaces with its last packets: failures end runs."""
    excess_bytes = sum(len(block) for _, block in _cut_blocks(file, snap_bytes)) - most_bytes
    for is_packet, block in _cut_blocks(file, snap_bytes):
        if is_packet and excess_bytes > 0:
            excess_bytes -= len(block)
        else:
            yield block


def _cut_blocks(file: BinaryIO, snap_bytes: int | None) -> Iterator[tuple[bool, bytes]]:
    """Yield (whether it is a packet, block) from the start on, packets cut if that is wanted."""
    file.seek(0)
    walker = Walker(file)
    for kind, block in walker.blocks():
        is_packet = kind == ENHANCED_PACKET
        if is_packet and snap_bytes is not None:
            yield True, headers_only(block, walker.order, snap_bytes)
        else:
            yield is_packet, block


@contextmanager
def opened(run_dir: Path, row: ArtifactRow) -> Iterator[BinaryIO]:
    """Open the content of an artifact, unpacked.

    Raises:
        BenchError: It is not there any more, or it lies outside of the run.
    """
    path = run_dir / row.path
    if not path.resolve().is_relative_to(run_dir.resolve()):
        msg = f"{row.path}: it is outside of the run, so it is not opened"
        raise BenchError(msg)
    try:
        file = path.open("rb")
    except OSError as exc:
        msg = f"{row.name}: its content {row.path} is missing: {exc.strerror}"
        raise BenchError(msg) from exc
    with file:
        if path.suffix != _ENDING:
            yield file
            return
        with zstandard.ZstdDecompressor().stream_reader(file) as reader:
            yield io.BufferedReader(reader)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; reads it in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
