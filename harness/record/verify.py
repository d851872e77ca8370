"""Verifies a sealed run on any machine: hashes, signature, and every number computed again."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from harness.core.errors import HarnessError, UsageError
from harness.record.artifacts import sha256_of
from harness.record.canonical import canonical
from harness.record.reader import RunRecord
from harness.record.reaper import reaped_files
from harness.record.recheck import Recheck
from harness.record.recompute import BUILT_IN, Recomputer
from harness.record.seal import (
    FORMAT,
    FORMAT_VERSION,
    SIGNATURE_NAME,
    sealed_files,
)
from harness.record.tables import MANIFEST_NAME

_KEYS: Final = frozenset(
    {
        "format",
        "format_version",
        "schema",
        "run_id",
        "state",
        "verdict",
        "harness_version",
        "sealed_utc_us",
        "public_key",
        "files",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a verification has to say.

    Attributes:
        kind: `broken`: it is not what was sealed. `changed`: computed again it comes out
            differently. `gone`: removed by the reaper, as it says. `note`: breaks nothing.
        where: The file, measurement or result.
        text: What was found, with both values.
    """

    kind: Literal["broken", "changed", "gone", "note"]
    where: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """What a verification came to.

    Attributes:
        findings: Everything that it has to say.
        public_key: Who sealed the run, in hexadecimal.
        files: Number of files whose hash is right.
        measurements: Number of measurements in the record.
        recomputed: Number of them that were computed again from evidence, and agree.
        rejudged: Number of judgements that came out the same.
        run_id: The run.
    """

    findings: tuple[Finding, ...]
    public_key: str
    files: int
    measurements: int = 0
    recomputed: int = 0
    rejudged: int = 0
    run_id: str = ""

    @property
    def ok(self) -> bool:
        """Whether what is there is what was sealed and comes out the same."""
        return all(finding.kind in {"note", "gone"} for finding in self.findings)

    @property
    def complete(self) -> bool:
        """Whether everything that was sealed is still there."""
        return self.ok and all(finding.kind != "gone" for finding in self.findings)


def verify(
    run_dir: Path,
    *,
    trusted_keys: Collection[str] = (),
    recomputers: Mapping[str, Recomputer] = BUILT_IN,
) -> VerifyResult:
    """Check every hash and the signature, then compute every measurement and verdict again.

    Args:
        run_dir: The run's directory, or a copy of it.
        trusted_keys: Public keys in hexadecimal; empty: any key, with a note.
        recomputers: How to compute measurements again, by the `from` of their evidence.

    Raises:
        UsageError: The run is not sealed, or its seal or record is from a newer harness.
    """
    content, manifest = _manifest(run_dir)
    findings = _form(content, manifest)
    findings += _signature(run_dir, content, manifest, trusted_keys)
    broken = _files(run_dir, manifest)
    findings += broken
    right = len(manifest.get("files", {})) - sum(f.kind != "note" for f in broken)
    base = VerifyResult(
        findings=tuple(findings),
        public_key=str(manifest.get("public_key", "")),
        files=right,
        run_id=str(manifest.get("run_id", "")),
    )
    if any(f.kind == "broken" for f in findings):
        return base  # numbers from a record that is not what was sealed say nothing
    with RunRecord.from_tables(run_dir, int(manifest["schema"])) as record:
        recheck = Recheck(record, recomputers)
        recheck.run()
    return VerifyResult(
        findings=(*findings, *(Finding(kind=k, where=w, text=t) for k, w, t in recheck.said)),
        public_key=base.public_key,
        files=right,
        measurements=recheck.measurements,
        recomputed=recheck.recomputed,
        rejudged=recheck.rejudged,
        run_id=base.run_id,
    )


def _manifest(run_dir: Path) -> tuple[bytes, dict[str, Any]]:
    path = run_dir / MANIFEST_NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        msg = f"{run_dir.name}: it has no {MANIFEST_NAME}; seal it first"
        raise UsageError(msg) from None
    try:
        manifest = json.loads(content)
    except ValueError as exc:
        msg = f"{MANIFEST_NAME}: it is no JSON, so it was changed or cut off: {exc}"
        raise UsageError(msg) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        msg = f"{MANIFEST_NAME}: it is no manifest of a run of this harness"
        raise UsageError(msg)
    if manifest.get("format_version") != FORMAT_VERSION:
        msg = (
            f"{MANIFEST_NAME}: format version {manifest.get('format_version')!r}; this harness "
            f"reads {FORMAT_VERSION}: verify it with a newer harness"
        )
        raise UsageError(msg)
    return content, manifest


def _form(content: bytes, manifest: Mapping[str, Any]) -> list[Finding]:
    texts = [
        f"unknown key {key!r}: changed by hand, or written by a newer harness"
        for key in sorted(set(manifest) - _KEYS)
    ]
    texts += [f"there is no key {key!r}" for key in sorted(_KEYS - set(manifest))]
    try:
        same = canonical(manifest) == content
    except HarnessError:
        same = False
    if not same:
        texts.append("it is not in canonical form (RFC 8785), so it was changed after sealing")
    return [Finding(kind="broken", where=MANIFEST_NAME, text=text) for text in texts]


def _signature(
    run_dir: Path, content: bytes, manifest: Mapping[str, Any], trusted_keys: Collection[str]
) -> list[Finding]:
    key = str(manifest.get("public_key", ""))
    try:
        signature = base64.b64decode((run_dir / SIGNATURE_NAME).read_bytes(), validate=False)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, content)
    except (OSError, ValueError, binascii.Error, InvalidSignature) as exc:
        text = f"the signature is not that of key {key[:16]} over the manifest: {exc!r}"
        return [Finding(kind="broken", where=SIGNATURE_NAME, text=text)]
    if not trusted_keys:
        text = f"signed by key {key}; no list of trusted keys was given"
        return [Finding(kind="note", where=SIGNATURE_NAME, text=text)]
    if key not in trusted_keys:
        text = f"signed by key {key}, which is not among the {len(trusted_keys)} trusted keys"
        return [Finding(kind="broken", where=SIGNATURE_NAME, text=text)]
    return []


def _files(run_dir: Path, manifest: Mapping[str, Any]) -> list[Finding]:
    findings = []
    files: Mapping[str, Any] = manifest.get("files", {})
    reaped = reaped_files(run_dir)
    for name, sealed in files.items():
        path = run_dir / name
        if not path.resolve().is_relative_to(run_dir.resolve()):
            text = "the manifest names a file outside of the run"
        elif not path.is_file() and name in reaped:
            text = f"removed by the reaper; {sealed['size_bytes']} bytes were sealed"
            findings.append(Finding(kind="gone", where=name, text=text))
            continue
        elif not path.is_file():
            text = f"it is missing; {sealed['size_bytes']} bytes were sealed"
        elif path.stat().st_size != sealed["size_bytes"]:
            text = f"{path.stat().st_size} bytes; {sealed['size_bytes']} bytes were sealed"
        elif (digest := sha256_of(path)) != sealed["sha256"]:
            text = f"changed: SHA-256 {digest[:16]}, sealed {str(sealed['sha256'])[:16]}"
        else:
            continue
        findings.append(Finding(kind="broken", where=name, text=text))
    for path in sealed_files(run_dir):
        name = path.relative_to(run_dir).as_posix()
        if name not in files:
            text = "it came after sealing and is not covered"
            findings.append(Finding(kind="note", where=name, text=text))
    return findings
