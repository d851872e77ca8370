"""The manifest of a sealed run: its form, its signature, and the files that it names."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from harness.core.errors import HarnessError, UsageError
from harness.record.artifacts import sha256_of
from harness.record.canonical import canonical
from harness.record.tables import MANIFEST_NAME

SIGNATURE_NAME: Final = "manifest.sig"
FORMAT: Final = "cloudsim-harness run"
FORMAT_VERSION: Final = 1
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


def read_manifest(run_dir: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the manifest of a run, as bytes and read.

    Raises:
        UsageError: There is none, it is damaged, or it is from another harness.
    """
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


def form(content: bytes, manifest: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with the manifest as a document."""
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


def signature(
    run_dir: Path, content: bytes, manifest: Mapping[str, Any], trusted_keys: Collection[str]
) -> list[Finding]:
    """Return what there is to say about who signed the manifest."""
    key = str(manifest.get("public_key", ""))
    try:
        signed = base64.b64decode((run_dir / SIGNATURE_NAME).read_bytes(), validate=False)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signed, content)
    except (OSError, ValueError, binascii.Error, InvalidSignature) as exc:
        text = (
            f"the signature is not that of key {key[:16]} over {MANIFEST_NAME}, "
            f"so one of the two was changed: {exc!r}"
        )
        return [Finding(kind="broken", where=SIGNATURE_NAME, text=text)]
    if not trusted_keys:
        text = f"signed by key {key}; no list of trusted keys was given"
        return [Finding(kind="note", where=SIGNATURE_NAME, text=text)]
    if key not in trusted_keys:
        text = f"signed by key {key}, which is not among the {len(trusted_keys)} trusted keys"
        return [Finding(kind="broken", where=SIGNATURE_NAME, text=text)]
    return []


def changes(
    run_dir: Path, files: Mapping[str, Any], reaped: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield what became of each sealed file that is not as it was sealed.

    Args:
        run_dir: The run's directory.
        files: What was sealed, by path: the manifest's `files`, or some of them.
        reaped: Paths of those that the reaper says it removed.
    """
    for name, sealed in files.items():
        path = run_dir / name
        if not path.resolve().is_relative_to(run_dir.resolve()):
            text = "the manifest names a file outside of the run"
        elif not path.is_file() and name in reaped:
            text = f"removed by the reaper; {sealed['size_bytes']} bytes were sealed"
            yield Finding(kind="gone", where=name, text=text)
            continue
        elif not path.is_file():
            text = f"it is missing; {sealed['size_bytes']} bytes were sealed"
        elif path.stat().st_size != sealed["size_bytes"]:
            text = f"{path.stat().st_size} bytes; {sealed['size_bytes']} bytes were sealed"
        elif (digest := sha256_of(path)) != sealed["sha256"]:
            text = f"changed: SHA-256 {digest[:16]}, sealed {str(sealed['sha256'])[:16]}"
            if (
                digest[:16] == str(sealed["sha256"])[:16]
            ):  # then it is the manifest that was changed
                text = f"changed: SHA-256 {digest}, sealed {sealed['sha256']}"
        else:
            continue
        yield Finding(kind="broken", where=name, text=text)
