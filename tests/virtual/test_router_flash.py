"""``devices.virtual.firmware.flash``: a power cut at any moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import count
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


def test_old_or_new_at_every_system_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut at each fsync of the installation: the old record or the new one, never neither."""
    found = set()
    for cut_at in range(1, 5):
        directory = tmp_path / str(cut_at)
        Flash(directory).write(PROFILE, OLD)
        calls = count(1)

        def fsync(_fd: int, calls: Iterator[int] = calls, cut_at: int = cut_at) -> None:
            if next(calls) >= cut_at:
                raise PowerCutError

        with monkeypatch.context() as patched, contextlib.suppress(PowerCutError):
            patched.setattr("devices.virtual.firmware.flash.os.fsync", fsync)
            Flash(directory).write(PROFILE, NEW)
        record = Flash(directory).read(PROFILE)
        found.add(None if record is None else record["iccid"])

    assert found == {OLD["iccid"], NEW["iccid"]}


def test_half_a_record_is_known_as_damaged(tmp_path: Path) -> None:
    """What the planted fault leaves is neither old nor new, and can be told from nothing."""
    flash = Flash(tmp_path)
    assert not flash.is_damaged(PROFILE)
    flash.write(PROFILE, OLD)
    assert not flash.is_damaged(PROFILE)
    flash.write_half(PROFILE, NEW)

    assert flash.is_damaged(PROFILE)
    assert flash.read(PROFILE) is None
