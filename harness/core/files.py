"""One reader of the texts that somebody names, so that a wrong name is answered alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core.errors import HarnessError, UsageError


def read_text(
    path: Path,
    *,
    remedy: str,
    error: type[HarnessError] = UsageError,
    encoding: str = "utf-8",
) -> str:
    """Return the text of a file that a person named.

    Args:
        path: The file.
        remedy: What to do when it cannot be read, for example `name it with --limits`.
        error: Whose mistake a wrong name is: the caller's, or the bench's.
        encoding: `utf-8`, or `utf-8-sig` where a spreadsheet may have put a byte order mark.

    Raises:
        UsageError: There is no such file, it cannot be read, or it is not text (or what `error`
            names instead).
    """
    with _explained(path, remedy, error):
        return path.read_text(encoding=encoding)


def first_line(path: Path, *, remedy: str) -> str:
    """Return the first line of a text that may be larger than memory.

    Raises:
        UsageError: As `read_text`.
    """
    with _explained(path, remedy, UsageError), path.open(encoding="utf-8") as lines:
        return lines.readline()


@contextmanager
def _explained(path: Path, remedy: str, error: type[HarnessError]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        msg = f"{path}: there is no such file; {remedy}"
    except UnicodeDecodeError:
        msg = f"{path}: it is not text in UTF-8; {remedy}"
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        why = exc.strerror if isinstance(exc, OSError) else exc
        msg = f"{path}: it cannot be read: {why}; {remedy}"
    else:
        return
    raise error(msg) from None
