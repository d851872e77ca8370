"""``devices.virtual.firmware.profile``: what may be installed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.virtual.firmware.profile import (
    Profile,
    ProfileError,
    check_profile,
    decode_imsi,
    encode_iccid,
    encode_imsi,
    signature_of,
)

KEY = bytes(range(32))
CONTENT: dict[str, Any] = {
    "assignment": "a1",
    "imei": "860000000000017",
    "iccid": "8981100000000000010",
    "atr": "3b00",
    "apn": "virtual.docomo.test",
    "plmn": "44010",
    "files": {"EF_IMSI": "084904010100000010", "EF_AD": "00000002"},
}


def served(content: dict[str, Any], key: bytes = KEY) -> bytes:
    """Return a profile as a server would serve it."""
    return json.dumps({**content, "signature": signature_of(content, key)}).encode()


def check(data: bytes, sha256: str | None = None, defect: str = "") -> Profile:
    """Check a profile that was announced as assignment a1."""
    return check_profile(
        data,
        assignment="a1",
        iccid="8981100000000000010",
        sha256=sha256 or hashlib.sha256(data).hexdigest(),
        device_key=KEY,
        defects=frozenset({defect}),
    )


def test_a_signed_profile_is_read() -> None:
    """All fields arrive; the IMSI is that of EF_IMSI."""
    profile = check(served(CONTENT))

    assert (profile.imsi, profile.plmn, profile.apn) == (
        "440101000000001",
        "44010",
        "virtual.docomo.test",
    )


def test_another_digest_is_refused() -> None:
    """What arrived must be what was announced."""
    with pytest.raises(ProfileError, match="SHA-256"):
        check(served(CONTENT), sha256="00" * 32)


def test_another_s_signature_is_refused() -> None:
    """A profile that is signed with another key is not for this router."""
    with pytest.raises(ProfileError, match="not signed for this router"):
        check(served(CONTENT, key=b"x" * 32))


def test_an_older_profile_is_refused() -> None:
    """A profile of an earlier assignment, well signed, is a replay."""
    old = served({**CONTENT, "assignment": "a0"})

    with pytest.raises(ProfileError, match="'a0'"):
        check(old)
    assert check(old, defect="accepts_replayed_profile").assignment == "a0"


@pytest.mark.parametrize("missing", ["atr", "apn", "plmn", "files", "iccid"])
def test_a_missing_field_is_refused(missing: str) -> None:
    """Half a profile is none."""
    with pytest.raises(ProfileError):
        check(served({key: value for key, value in CONTENT.items() if key != missing}))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """Whatever was downloaded: a profile or our own error, nothing else."""
    with pytest.raises(ProfileError):
        check(data)


def test_ef_imsi_is_coded_as_the_standard_says() -> None:
    """TS 31.102 clause 4.2.2: length, parity, swapped digits."""
    assert encode_imsi("440101000000001").hex() == "084904010100000010"
    assert decode_imsi(bytes.fromhex("084904010100000010")) == "440101000000001"
    assert encode_imsi("44010100000001").hex() == "0841040101000000f1"
    assert decode_imsi(bytes.fromhex("0841040101000000f1")) == "44010100000001"


def test_ef_iccid_is_coded_as_the_standard_says() -> None:
    """TS 102 221 clause 13.2: swapped digits, filled with F."""
    assert encode_iccid("8981100000000000010").hex() == "981801000000000010f0"
