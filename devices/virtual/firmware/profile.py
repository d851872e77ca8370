"""The profile of a cloud card: what is downloaded, and how it is checked (no I/O)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_IDENTITY_BYTES = 8


class ProfileError(Exception):
    """A downloaded profile must not be installed.

    Attributes:
        why: `digest`, `signature`, `assignment` or `format`.
    """

    def __init__(self, text: str, *, why: str = "format") -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A profile that passed its checks.

    Attributes:
        assignment: The server's name for "this card in this router".
        files: Elementary files by name.
        sha256: Digest of the profile as it was served.
    """

    assignment: str
    iccid: str
    imsi: str
    plmn: str
    apn: str
    atr: bytes
    files: Mapping[str, bytes]
    sha256: str


def signature_of(content: Mapping[str, Any], device_key: bytes) -> str:
    """Return the signature of a profile: HMAC-SHA256 over its canonical JSON."""
    unsigned = {key: value for key, value in content.items() if key != "signature"}
    text = json.dumps(unsigned, sort_keys=True, separators=(",", ":"))
    return hmac.new(device_key, text.encode(), hashlib.sha256).hexdigest()


def decode_imsi(content: bytes) -> str:
    """Read EF_IMSI (TS 31.102 clause 4.2.2): length, then digits with the parity in front."""
    length = content[0]
    if not 1 <= length <= _IDENTITY_BYTES or len(content) <= length:
        msg = f"EF_IMSI holds {content.hex()!r}, expected a length of 1 to 8 and as many bytes"
        raise ProfileError(msg)
    nibbles = [digit for byte in content[1 : 1 + length] for digit in (byte & 15, byte >> 4)]
    return "".join(str(digit) for digit in nibbles[1:] if digit <= 9)  # noqa: PLR2004


def encode_imsi(imsi: str) -> bytes:
    """Write EF_IMSI (TS 31.102 clause 4.2.2)."""
    odd = len(imsi) % 2
    nibbles = [8 * odd | 1] + [int(digit) for digit in imsi] + ([] if odd else [15])
    pairs = zip(nibbles[::2], nibbles[1::2], strict=True)
    body = bytes(low | high << 4 for low, high in pairs)
    return bytes((len(body),)) + body.ljust(_IDENTITY_BYTES, b"\xff")


def encode_iccid(iccid: str) -> bytes:
    """Write EF_ICCID (TS 102 221 clause 13.2): swapped digits, filled with F."""
    padded = iccid.ljust(20, "F")
    return bytes.fromhex("".join(padded[i + 1] + padded[i] for i in range(0, 20, 2)))


def check_profile(
    data: bytes,
    *,
    assignment: str,
    iccid: str,
    sha256: str,
    device_key: bytes,
    defects: frozenset[str] = frozenset(),
) -> Profile:
    """Check a downloaded profile and read it.

    Raises:
        ProfileError: It is not what the server announced, or not signed for this router.
    """
    trusts_all = "accepts_corrupt_profile" in defects
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256 and not trusts_all:
        msg = f"the profile's SHA-256 is {digest}, the server announced {sha256}"
        raise ProfileError(msg, why="digest")
    try:
        content = json.loads(data)
        claimed = content["signature"]
    except (ValueError, KeyError, TypeError) as exc:
        msg = f"the profile is not a signed JSON object: {data[:40]!r}"
        raise ProfileError(msg) from exc
    is_signed = hmac.compare_digest(str(claimed), signature_of(content, device_key))
    if not is_signed and not trusts_all:
        msg = "the profile is not signed for this router"
        raise ProfileError(msg, why="signature")
    is_replay = content.get("assignment") != assignment or content.get("iccid") != iccid
    if is_replay and "accepts_replayed_profile" not in defects:
        msg = f"the profile is of assignment {content.get('assignment')!r}, not {assignment!r}"
        raise ProfileError(msg, why="assignment")
    return read_profile(content, sha256=digest)


def read_profile(content: Mapping[str, Any], *, sha256: str) -> Profile:
    """Read the fields of a profile.

    Raises:
        ProfileError: One is missing or malformed.
    """
    try:
        files = {name: bytes.fromhex(text) for name, text in content["files"].items()}
        return Profile(
            assignment=str(content["assignment"]),
            iccid=str(content["iccid"]),
            imsi=decode_imsi(files["EF_IMSI"]),
            plmn=str(content["plmn"]),
            apn=str(content["apn"]),
            atr=bytes.fromhex(content["atr"]),
            files=files,
            sha256=sha256,
        )
    except (KeyError, ValueError, AttributeError) as exc:
        msg = f"the profile lacks or garbles a field: {exc}"
        raise ProfileError(msg) from exc
