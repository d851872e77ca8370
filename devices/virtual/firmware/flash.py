"""The flash image: what survives a power cut at any instruction.

One file a record. A record is written beside its place, synchronised and renamed: whoever
reads finds the old one or the new one, never half of one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROFILE = "profile"
PARTIAL = "partial"
STATE = "state"
_CHECKSUM_BYTES = 64


class Flash:
    """The records of one router.

    Args:
        directory: Where the image is; made if it is not there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        for left_over in directory.glob("*.new"):
            left_over.unlink()

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a record, None if there is none or it is damaged."""
        try:
            text = (self._directory / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        checksum, body = text[:_CHECKSUM_BYTES], text[_CHECKSUM_BYTES:]
        if hashlib.sha256(body.encode()).hexdigest() != checksum:
            return None
        record = json.loads(body)
        return record if isinstance(record, dict) else None

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        """Replace a record in one step."""
        data = _encode(record)
        place = self._directory / name
        beside = self._directory / f"{name}.new"
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(place)
        self._synchronise_directory()

    def erase(self, name: str) -> None:
        """Remove a record; it may be gone already."""
        (self._directory / name).unlink(missing_ok=True)
        self._synchronise_directory()

    def erase_all(self) -> None:
        """Remove every record."""
        for place in self._directory.iterdir():
            place.unlink()
        self._synchronise_directory()

    def write_half(self, name: str, record: Mapping[str, Any]) -> None:
        """Begin to overwrite a record in place: what must never be done, for a planted fault."""
        data = _encode(record)
        (self._directory / name).write_bytes(data[: len(data) // 2])

    def is_damaged(self, name: str) -> bool:
        """Tell whether there is a record that cannot be read."""
        return (self._directory / name).exists() and self.read(name) is None

    def _synchronise_directory(self) -> None:
        directory_fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory_fd)
        finally:
            os.close(directory_fd)


def _encode(record: Mapping[str, Any]) -> bytes:
    body = json.dumps(record, sort_keys=True)
    return (hashlib.sha256(body.encode()).hexdigest() + body).encode()
