"""What can go wrong in a dialogue with a router."""

from __future__ import annotations

from harness.core.errors import BenchError, RouterError


class AtFramingError(RouterError):
    """An answer that is not what the standard or the vendor says; the text keeps the raw line."""


class AtTimeoutError(RouterError):
    """What was waited for did not come in time.

    Attributes:
        waited_s: How long it was waited, in seconds.
        got: The last bytes that came meanwhile.
    """

    def __init__(self, message: str, *, waited_s: float, got: bytes) -> None:
        super().__init__(message)
        self.waited_s = waited_s
        self.got = got


class AtCommandError(RouterError):
    """The router refused a command.

    Attributes:
        command: What was sent.
        kind: `cme`, `cms`, or `None` when the final result code carries no code.
        code: Number of a `+CME ERROR` or `+CMS ERROR`; None when it is not known.
        text: What the code means, or the router's own words.
        raw: The final result code as it came.
        lines: Information lines that came before it.
    """

    def __init__(
        self,
        message: str,
        *,
        command: str,
        raw: str,
        kind: str | None = None,
        code: int | None = None,
        text: str = "",
        lines: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.command = command
        self.kind = kind
        self.code = code
        self.text = text
        self.raw = raw
        self.lines = lines


class DeadPortError(RouterError):
    """So many commands in a row got no answer that nothing more is sent without a recovery."""


class WrongPortError(BenchError):
    """The port speaks something else than AT: it is the router's diagnostic or GNSS port.

    Attributes:
        kind: What it sends.
    """

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind
