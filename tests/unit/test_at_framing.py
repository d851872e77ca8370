"""``harness.at.framing``: tokens, what waits, and what is forgotten."""

from __future__ import annotations

from harness.at.framing import LINE_BYTES_MAX, QUOTE_BYTES_MAX, Framer, Token, TokenKind

MS = 1_000_000


def line(raw: bytes) -> Token:
    """Return a line."""
    return Token(TokenKind.LINE, raw)


def test_a_blank_makes_a_prompt_of_the_sign_and_the_rest_is_a_new_line() -> None:
    """Only one prompt is expected; the second sign is text."""
    framer = Framer()
    framer.prompt_expected = True

    tokens = list(framer.feed(b"\r\n> > x\r\nOK\r\n", 0))

    assert tokens == [Token(TokenKind.PROMPT, b"> "), line(b"> x"), line(b"OK")]
    assert framer.prompt_expected is False


def test_a_sign_that_something_else_follows_is_a_line() -> None:
    """`>x` is text, and the prompt is still to come."""
    framer = Framer()
    framer.prompt_expected = True

    assert list(framer.feed(b">x\r\n", 0)) == [line(b">x")]
    assert framer.prompt_expected is True


def test_a_sign_alone_waits_50_ms() -> None:
    """Then it is the prompt; what it waits for is told."""
    framer = Framer()
    framer.prompt_expected = True

    assert list(framer.feed(b"\r\n>", 7)) == []
    assert framer.tick_ns == 50 * MS + 7
    assert list(framer.tick(50 * MS + 6)) == []
    assert list(framer.tick(50 * MS + 7)) == [Token(TokenKind.PROMPT, b">")]
    assert framer.tick_ns is None
    assert (framer.pending, framer.prompt_expected) == (b"", False)


def test_a_digit_with_cr_waits_for_what_follows() -> None:
    """LF makes it a line, anything else a result code, silence too."""
    for following, kind in ((b"\n", TokenKind.LINE), (b"A", TokenKind.NUMERIC)):
        framer = Framer()
        assert list(framer.feed(b"0\r", 0)) == []
        assert list(framer.feed(following, 1)) == [Token(kind, b"0")]
    framer = Framer()
    list(framer.feed(b"4\r\r", 0))
    assert list(framer.tick(50 * MS)) == [Token(TokenKind.NUMERIC, b"4")]
    assert list(framer.feed(b"\r\nOK\r\n", 60 * MS)) == [line(b"OK")]


def test_two_digits_are_a_line() -> None:
    """No result code has two."""
    assert list(Framer().feed(b"10\r", 0)) == [line(b"10")]


def test_what_was_not_a_token_can_be_dropped() -> None:
    """An open quote is forgotten with it."""
    framer = Framer()
    list(framer.feed(b'+A: "x\r\n', 0))

    assert framer.clear() == b'+A: "x\r\n'
    assert (framer.pending, framer.tick_ns) == (b"", None)
    assert list(framer.feed(b"OK\r\n", 0)) == [line(b"OK")]


def test_a_quote_may_be_as_long_as_1024_bytes() -> None:
    """One byte more, and its line breaks count."""
    inside = b"a\r\n" + b"b" * (QUOTE_BYTES_MAX - 4)
    good = b'"' + inside + b'"'
    bad = b'"' + inside + b'b"'

    assert list(Framer().feed(good + b"\r\n", 0)) == [line(good)]
    assert next(Framer().feed(bad + b"\r\n", 0)) == line(b'"a')


def test_closed_quotes_with_line_breaks_end_with_the_longest_line() -> None:
    """A line of 16 kB with breaks in its quotes is cut at the breaks."""
    piece = b'"' + b"c" * 500 + b'\r\n"'
    wire = piece * (LINE_BYTES_MAX // len(piece) + 1)

    assert next(Framer().feed(wire, 0)) == line(b'"' + b"c" * 500)


def test_closed_quotes_before_a_long_tail_are_cut_at_their_breaks() -> None:
    """Outside quotes the same rule holds: the breaks inside earlier quotes count."""
    wire = b'"a\r\nb"' + b"d" * LINE_BYTES_MAX

    assert next(Framer().feed(wire, 0)) == line(b'"a')
    assert list(Framer().feed(wire + b"\r\nOK\r\n", 0))[-1] == line(b"OK")


def test_a_quote_at_the_start_of_the_stream_is_a_quote() -> None:
    """Its grace time ends like any other's."""
    framer = Framer()

    assert list(framer.feed(b'"a\r\nb\r\n', 0)) == []
    assert framer.tick_ns == 400 * MS
    assert list(framer.tick(400 * MS)) == [line(b'"a'), line(b"b")]
    assert framer.tick_ns is None


def test_late_bytes_end_the_grace_time_like_a_tick() -> None:
    """What waited is cut first, then what arrived."""
    framer = Framer()
    list(framer.feed(b'"a\r\n', 0))

    assert list(framer.feed(b"OK\r\n", 400 * MS)) == [line(b'"a'), line(b"OK")]


def test_late_bytes_find_a_digit_that_has_waited_long_enough() -> None:
    """An LF that comes later than 50 ms does not make a line of it."""
    framer = Framer()
    list(framer.feed(b"0\r", 0))

    assert list(framer.feed(b"\nRING\r\n", 50 * MS)) == [
        Token(TokenKind.NUMERIC, b"0"),
        line(b"RING"),
    ]


def test_16384_bytes_are_a_line_and_one_more_is_not() -> None:
    """The rest of a line that is too long is a line of its own."""
    longest = b"x" * LINE_BYTES_MAX

    assert list(Framer().feed(longest + b"\r\n", 0)) == [line(longest)]
    assert list(Framer().feed(longest + b"y\r\n", 0)) == [
        Token(TokenKind.PIECE, longest),
        line(b"y"),
    ]


def test_nobody_expects_a_prompt_at_first() -> None:
    """Until a command that asks for data is sent, the sign is text."""
    framer = Framer()

    assert framer.prompt_expected is False
    assert list(framer.feed(b"> x\r\n", 0)) == [line(b"> x")]


def test_grace_times_count_from_the_arrival_not_from_zero() -> None:
    """One nanosecond before its end nothing is cut."""
    start_ns = 5000 * MS
    framer = Framer()
    list(framer.feed(b'"a\r\n', start_ns))

    assert list(framer.tick(start_ns + 400 * MS - 1)) == []
    assert list(framer.tick(start_ns + 400 * MS)) == [line(b'"a')]


def test_a_digit_behind_a_quote_that_was_none_waits_from_the_cut_on() -> None:
    """The 50 ms begin when the quote is forgotten."""
    framer = Framer()
    list(framer.feed(b'"a\r\n0\r', 0))

    assert list(framer.tick(400 * MS)) == [line(b'"a')]
    assert framer.tick_ns == 450 * MS
    assert list(framer.tick(450 * MS)) == [Token(TokenKind.NUMERIC, b"0")]


def test_quotes_work_after_everything_was_dropped() -> None:
    """Nothing of the old bytes is remembered."""
    framer = Framer()
    list(framer.feed(b'"a\r\n', 0))
    list(framer.tick(400 * MS))
    list(framer.feed(b'x"', 500 * MS))
    framer.clear()

    assert list(framer.feed(b'"b\r\nc"\r\n"d\r\ne"\r\n', 500 * MS)) == [
        line(b'"b\r\nc"'),
        line(b'"d\r\ne"'),
    ]


def test_a_quote_behind_one_that_was_none_is_a_quote() -> None:
    """Only the first 1024 bytes are taken literally."""
    wire = b'"' + b"a" * 1100 + b'"b\r\nc"'

    assert list(Framer().feed(wire + b"\r\n", 0)) == [line(wire)]


def test_a_quote_that_is_too_long_and_holds_no_break_is_text() -> None:
    """The line is as long as it is."""
    wire = b'"' + b"a" * 1100

    assert list(Framer().feed(wire + b"\r\n", 0)) == [line(wire)]


def test_only_the_sign_of_a_prompt_waits() -> None:
    """Another single character does not."""
    framer = Framer()
    framer.prompt_expected = True

    assert list(framer.feed(b"A", 0)) == []
    assert framer.tick_ns is None
    assert list(framer.feed(b"B\r\n", 0)) == [line(b"AB")]


def test_a_line_break_may_follow_a_prompt_at_once() -> None:
    """It ends nothing."""
    framer = Framer()
    framer.prompt_expected = True

    assert list(framer.feed(b"> \r\nOK\r\n", 0)) == [Token(TokenKind.PROMPT, b"> "), line(b"OK")]


def test_what_is_no_result_code_of_one_digit_does_not_wait() -> None:
    """A letter, a digit with LF, two digits; also behind quotes."""
    for wire, last in ((b"A\r", b"A"), (b"0\n", b"0"), (b"10\r", b"10")):
        assert list(Framer().feed(wire, 0)) == [line(last)]
        assert list(Framer().feed(b'"x"\r\n' + wire, 0)) == [line(b'"x"'), line(last)]


def test_a_quote_that_begins_behind_a_finished_line_goes_on_in_the_next_read() -> None:
    """Also when the line before it had quotes, and when earlier quotes were none."""
    framer = Framer()
    assert list(framer.feed(b'"a"\r\n"b', 0)) == [line(b'"a"')]
    assert list(framer.feed(b'\r\nc"\r\n"d', 0)) == [line(b'"b\r\nc"')]
    list(framer.feed(b"\r\n", 0))
    assert list(framer.tick(400 * MS)) == [line(b'"d')]
    assert list(framer.feed(b'"e\r\nf"\r\n', 400 * MS)) == [line(b'"e\r\nf"')]


def test_a_lone_digit_among_lines_is_told_from_them() -> None:
    """`4` with CR alone is a result code, wherever it stands in a read."""
    assert list(Framer().feed(b"\r\n+A: 1\r\n4\rB\r\n", 0)) == [
        line(b"+A: 1"),
        Token(TokenKind.NUMERIC, b"4"),
        line(b"B"),
    ]
    assert list(Framer().feed(b"4\rB\r\n", 0)) == [Token(TokenKind.NUMERIC, b"4"), line(b"B")]


def test_a_sign_and_its_blank_may_come_in_two_reads() -> None:
    """What waits for a byte is looked at again when it comes."""
    framer = Framer()
    framer.prompt_expected = True

    assert list(framer.feed(b"\r\n>", 0)) == []
    assert list(framer.feed(b" ", MS)) == [Token(TokenKind.PROMPT, b"> ")]


def test_a_digit_with_two_crs_and_lf_is_a_line() -> None:
    """Huawei ends lines by CR CR LF."""
    assert list(Framer().feed(b"4\r\r\nOK\r\n", 0)) == [line(b"4"), line(b"OK")]


def test_a_quote_is_as_long_behind_a_line_of_an_earlier_read() -> None:
    """The 1024 bytes count from the quote, wherever it stands in the buffer."""
    inside = b"a\r\n" + b"b" * (QUOTE_BYTES_MAX - 3)
    framer = Framer()

    assert list(framer.feed(b'"a"\r\n"', 0)) == [line(b'"a"')]
    assert list(framer.feed(inside[:-1], 0)) == []
    assert list(framer.feed(inside[-1:], 0)) == [line(b'"a')]


def test_what_is_left_of_a_quote_that_was_none_ends_with_its_line() -> None:
    """The next quote is one again."""
    framer = Framer()
    list(framer.feed(b'"a\r\nbc', 0))
    assert list(framer.tick(400 * MS)) == [line(b'"a')]

    assert list(framer.feed(b"d\r\n", 401 * MS)) == [line(b"bcd")]
    assert list(framer.feed(b'"e\r\nf"\r\n', 402 * MS)) == [line(b'"e\r\nf"')]


def test_a_prompt_before_a_quote_that_was_none_is_found_when_it_is_expected_by_then() -> None:
    """The cut begins at the start of the line."""
    framer = Framer()
    assert list(framer.feed(b'> "a\r\n', 0)) == []
    framer.prompt_expected = True

    assert list(framer.tick(400 * MS)) == [Token(TokenKind.PROMPT, b"> "), line(b'"a')]
