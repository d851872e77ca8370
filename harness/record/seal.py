"""Seals a finished run: Parquet tables, a manifest of hashes, and an Ed25519 signature."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from harness.core.clock import Clock, SystemClock
from harness.core.errors import UsageError
from harness.record.artifacts import sha256_of
from harness.record.canonical import canonical
from harness.record.database import settle, shipped_migrations
from harness.record.journal import JOURNAL_NAME, LOCK_NAME
from harness.record.manifest import FORMAT, FORMAT_VERSION, SIGNATURE_NAME
from harness.record.reader import RunRecord, is_live
from harness.record.reaper import REAPED_NAME
from harness.record.tables import MANIFEST_NAME, TABLES_NAME, write_tables

NOT_SEALED: Final = frozenset({MANIFEST_NAME, SIGNATURE_NAME, LOCK_NAME, REAPED_NAME})
"""What a manifest cannot list: itself, its signature, the lock, and what is removed later."""
_REPORT_ENDINGS: Final = (".html", ".pdf", ".xml")  # made from the record, so made again at will


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """Return the bench's signing key; make one, readable by its owner only, when there is none.

    Raises:
        UsageError: The file holds no Ed25519 key.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(fd, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        msg = f"{path.name}: it is no private key in PEM without a password: {exc}"
        raise UsageError(msg) from exc
    if not isinstance(key, Ed25519PrivateKey):
        msg = f"{path.name}: it is a {type(key).__name__}, and records are signed with Ed25519"
        raise UsageError(msg)
    return key


def public_key_hex(key: Ed25519PrivateKey) -> str:
    """Return the public half as it stands in manifests and in lists of trusted keys."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def seal(
    run_dir: Path,
    key: Ed25519PrivateKey,
    *,
    clock: Clock | None = None,
    keep_journal: bool = True,
) -> Path:
    """Seal a run and return its manifest; an interrupted run is sealed as what it is.

    Sealing again replaces the seal.

    Args:
        run_dir: The run's directory.
        key: Who seals.
        clock: Where the time of sealing comes from; None is the host's.
        keep_journal: Keep the journal beside the tables; without it the record is read from them.

    Raises:
        UsageError: There is no run, somebody is still writing to it, or it was sealed and its
            journal is not what was sealed.
        BenchError: The record is damaged.
    """
    if is_live(run_dir):
        msg = f"{run_dir.name}: the run is still going on; seal it when it is finished"
        raise UsageError(msg)
    tables = run_dir / TABLES_NAME
    with RunRecord.open(run_dir) as record:
        if record.remark:
            msg = f"{run_dir.name}: {record.remark}; a new seal would cover that up"
            raise UsageError(msg)
        run, state = record.run, record.state
        tables.mkdir(exist_ok=True)
        write_tables(record.connection, run.run_id, tables)
    journal = run_dir / JOURNAL_NAME
    if journal.exists():
        settle(journal)
        if not keep_journal:
            journal.unlink()
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "schema": len(shipped_migrations()),
        "run_id": run.run_id,
        "state": state,
        "verdict": run.verdict.word,
        "harness_version": run.harness_version,
        "sealed_utc_us": (clock or SystemClock()).utc_us(),
        "public_key": public_key_hex(key),
        "files": {
            path.relative_to(run_dir).as_posix(): {
                "sha256": sha256_of(path),
                "size_bytes": path.stat().st_size,
            }
            for path in sealed_files(run_dir)
        },
    }
    content = canonical(manifest)
    (run_dir / SIGNATURE_NAME).write_bytes(base64.b64encode(key.sign(content)) + b"\n")
    target = run_dir / MANIFEST_NAME
    target.write_bytes(content)
    return target


def sealed_files(run_dir: Path) -> Iterator[Path]:
    """Yield what a seal covers: everything but the seal itself, the lock and reports."""
    for path in sorted(run_dir.rglob("*")):
        is_report = path.parent == run_dir and path.suffix in _REPORT_ENDINGS
        if path.is_file() and path.name not in NOT_SEALED and not is_report:
            yield path
