"""The public version of a run: record, reports and seal, with nobody's identity in any of them."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.core.clock import Clock
from harness.core.errors import UsageError
from harness.record.reader import RunRecord
from harness.record.redact import redacted_copy
from harness.record.seal import seal
from harness.report import acceptance, html, junit
from harness.report.acceptance import NO_DOSSIER
from harness.report.dossier import Dossier
from harness.report.messages import LANGUAGES
from harness.report.page_data import identities
from harness.report.privacy import Screen, pseudonyms

_KEY_BYTES: Final = 32


def load_or_make_secret(path: Path) -> bytes:
    """Return the publisher's secret; make one, readable by its owner only, when there is none.

    Whoever has it can find out which pseudonym is whose; without it nobody can.

    Raises:
        UsageError: The file is too short for a secret.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(_KEY_BYTES))
    secret = path.read_bytes()
    if len(secret) < _KEY_BYTES:
        msg = f"{path.name}: {len(secret)} bytes are no secret; it needs at least {_KEY_BYTES}"
        raise UsageError(msg)
    return secret


def public_screen(record: RunRecord, secret: bytes) -> Screen:
    """Return what replaces each identity in a record by its keyed hash."""
    return Screen(identities(record), pseudonyms(secret))


def publish(
    run_dir: Path,
    target: Path,
    *,
    secret: bytes,
    key: Ed25519PrivateKey,
    dossier: Dossier = NO_DOSSIER,
    clock: Clock | None = None,
) -> Path:
    """Write the public version of a run into a new directory, sealed; return its manifest.

    Its reports are made from the public record, so they cannot say more than that does.

    Args:
        run_dir: The run's directory.
        target: The directory to make.
        secret: Of the publisher, by which identities become pseudonyms.
        key: Who seals.
        dossier: Waivers, claims, deviations and revisions.
        clock: Where today comes from; None is the host's.

    Raises:
        UsageError: The run is still going on, or there is something at `target` already.
        BenchError: The record is damaged.
    """
    hide = pseudonyms(secret)
    with RunRecord.open(run_dir) as record:
        if record.state == "running":
            msg = f"{run_dir.name}: the run is still going on; publish it when it is finished"
            raise UsageError(msg)
        redacted_copy(record, target, public_screen(record, secret))
    manifest = seal(target, key, clock=clock, keep_journal=False)
    # Identities are pseudonyms by now; this hides what else looks like one in the dossier's texts.
    screen = Screen((), hide)
    junit.write(target, target / "junit.xml", with_measurements=True, screen=screen)
    for language in LANGUAGES:
        page = target / f"report_{language}.html"
        html.write(target, page, language=language, screen=screen)
        for ending in ("html", "pdf"):
            out = target / f"acceptance_{language}.{ending}"
            acceptance.write(
                [target], out, language=language, dossier=dossier, hide=hide, clock=clock
            )
    return manifest
