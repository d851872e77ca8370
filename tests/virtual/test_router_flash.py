"""``devices.virtual.firmware.flash``: a power cut at any moment."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from devices.virtual.firmware.flash import PROFILE, Flash

OLD = {"iccid": "8981100000000000010"}
NEW = {"iccid": "8981300000000000018"}


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    """A record survives a restart."""
    Flash(tmp_path).write(PROFILE, OLD)

    assert Flash(tmp_path).read(PROFILE) == OLD


def test_nothing_written_is_none(tmp_path: Path) -> None:
    """An empty image holds no profile."""
    assert Flash(tmp_path).read(PROFILE) is None


def test_a_cut_while_writing_leaves_the_old_record(tmp_path: Path) -> None:
    """Half a new file beside the old one is swept at the next start."""
    Flash(tmp_path).write(PROFILE, OLD)
    (tmp_path / "profile.new").write_bytes(b"half of it")

    flash = Flash(tmp_path)

    assert flash.read(PROFILE) == OLD
    assert sorted(place.name for place in tmp_path.iterdir()) == ["profile"]


def test_a_damaged_record_counts_as_none(tmp_path: Path) -> None:
    """However many bytes of a record there are: the whole one or none."""
    Flash(tmp_path).write(PROFILE, OLD)
    whole = (tmp_path / PROFILE).read_bytes()

    for length in range(len(whole)):
        (tmp_path / PROFILE).write_bytes(whole[:length])
        assert Flash(tmp_path).read(PROFILE) is None


def test_erased_is_gone(tmp_path: Path) -> None:
    """After release nothing of the profile is left in the image."""
    flash = Flash(tmp_path)
    flash.write(PROFILE, OLD)
    flash.erase(PROFILE)
    flash.erase(PROFILE)

    assert list(tmp_path.iterdir()) == []


def test_factory_reset_leaves_nothing(tmp_path: Path) -> None:
    """All records go."""
    flash = Flash(tmp_path)
    flash.write(PROFILE, OLD)
    flash.write("state", NEW)
    flash.erase_all()

    assert list(tmp_path.iterdir()) == []


class PowerCutError(Exception):
    """The power went."""


@pytest.mark.parametrize("defects", [frozenset(), frozenset({"half_installed_profile"})])
def test_old_or_new_at_every_system_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defects: frozenset[str]
) -> None:
    """Cut at each fsync of the installation: old or new; with the defect, once at least neither."""
    found = set()
    for cut_at in range(1, 12):
        directory = tmp_path / str(cut_at)
        Flash(directory).write(PROFILE, OLD)
        calls = iter(range(1, 1000))

        def fsync(_fd: int, calls: object = calls, cut_at: int = cut_at) -> None:
            if next(calls) >= cut_at:  # type: ignore[call-overload]
                raise PowerCutError

        with monkeypatch.context() as patched:
            patched.setattr("devices.virtual.firmware.flash.os.fsync", fsync)
            with contextlib.suppress(PowerCutError):
                Flash(directory, defects).write(PROFILE, NEW)
        record = Flash(directory).read(PROFILE)
        found.add(None if record is None else record["iccid"])

    if defects:
        assert None in found
    else:
        assert found == {OLD["iccid"], NEW["iccid"]}
