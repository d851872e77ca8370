"""Verifies a sealed run on any machine: hashes, signature, and every number computed again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.record.journal import JOURNAL_NAME
from harness.record.manifest import Finding, changes, form, read_manifest, signature
from harness.record.reader import RunRecord
from harness.record.reaper import reaped_files
from harness.record.recheck import Recheck
from harness.record.recompute import BUILT_IN, Recomputer
from harness.record.seal import sealed_files


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
    content, manifest = read_manifest(run_dir)
    findings = form(content, manifest)
    findings += signature(run_dir, content, manifest, trusted_keys)
    broken = _files(run_dir, manifest)
    findings += broken
    right = len(manifest.get("files", {})) - sum(f.kind != "note" for f in broken)
    base = VerifyResult(
        findings=tuple(findings),
        public_key=str(manifest.get("public_key", "")),
        files=right,
        run_id=str(manifest.get("run_id", "")),
    )
    broken_names = {f.where for f in findings if f.kind == "broken"}
    if broken_names - {JOURNAL_NAME}:
        return base  # numbers from a record that is not what was sealed say nothing
    if broken_names:  # the tables say all that the journal said, and they are as they were sealed
        text = "the numbers were computed again from the sealed tables, which are as sealed"
        findings.append(Finding(kind="note", where=JOURNAL_NAME, text=text))
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


def _files(run_dir: Path, manifest: Mapping[str, Any]) -> list[Finding]:
    files: Mapping[str, Any] = manifest.get("files", {})
    findings = list(changes(run_dir, files, reaped_files(run_dir)))
    for path in sealed_files(run_dir):
        name = path.relative_to(run_dir).as_posix()
        if name not in files:
            text = "it came after sealing and is not covered"
            findings.append(Finding(kind="note", where=name, text=text))
    return findings
