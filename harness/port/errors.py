"""What can go wrong with a port; all of it is the bench's to mend."""

from __future__ import annotations

from harness.core.errors import BenchError


class PortLostError(BenchError):
    """The port is gone: unplugged, re-enumerated, or its other end was closed.

    Attributes:
        port: Name of the port.
    """

    def __init__(self, message: str, *, port: str) -> None:
        super().__init__(message)
        self.port = port


class PortBusyError(BenchError):
    """Somebody else has the port open.

    Attributes:
        port: Name of the port.
        holders: Names of the programs that hold it, as far as they can be seen.
    """

    def __init__(self, message: str, *, port: str, holders: tuple[str, ...]) -> None:
        super().__init__(message)
        self.port = port
        self.holders = holders


class PortStuckError(BenchError):
    """The port took no more bytes, or did not close, in the time it was given."""


class TranscriptError(BenchError):
    """A transcript cannot be read, or what is replayed differs from it."""
