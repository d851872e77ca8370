"""A text that somebody names: what a wrong name is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import BenchError, UsageError
from harness.core.files import first_line, read_text


def test_a_text_is_returned_without_its_byte_order_mark_where_one_may_be(tmp_path: Path) -> None:
    """As a spreadsheet writes it."""
    (tmp_path / "own.csv").write_bytes(b"\xef\xbb\xbfa,\xe5\x86\x86\n")

    assert read_text(tmp_path / "own.csv", remedy="-", encoding="utf-8-sig") == "a,円\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "missing: there is no such file; name it with --own"),
        ("binary", "binary: it is not text in UTF-8; name it with --own"),
        (".", "it cannot be read: Is a directory; name it with --own"),
        ("binary/below", "it cannot be read: Not a directory; name it with --own"),
        ("nul\0", "it cannot be read: embedded null byte; name it with --own"),
    ],
)
@pytest.mark.parametrize("error", [UsageError, BenchError])
def test_a_wrong_name_is_the_error_of_who_named_it(
    tmp_path: Path, name: str, words: str, error: type[UsageError | BenchError]
) -> None:
    """With the path, what is wrong, and what to do."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(error) as raised:
        read_text(tmp_path / name, remedy="name it with --own", error=error)

    assert str(raised.value).endswith(words)
    assert str(raised.value).startswith(str(tmp_path))


def test_the_first_line_is_read_alone(tmp_path: Path) -> None:
    """What follows, here no text at all and beyond a buffer, is not looked at."""
    (tmp_path / "feed.csv").write_bytes(b"line,hour\n" + b"1,2\n" * 100_000 + b"\xff\xfe")

    assert first_line(tmp_path / "feed.csv", remedy="-") == "line,hour\n"
    with pytest.raises(UsageError, match="there is no such file; name the feed"):
        first_line(tmp_path / "none.csv", remedy="name the feed")
