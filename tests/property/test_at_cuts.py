"""``harness.at.dialogue`` and framing: how the bytes are cut makes no difference."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.at.dialogue import Dialogue, Event, Habits
from harness.at.framing import LINE_BYTES_MAX

COMMANDS = st.sampled_from(
    ["AT", "ATI", "AT+CSQ", "AT+CREG?", "AT+COPS=?", "AT+CMGS=1", "ATD*99#", "AT+CFUN=1", "ATV0"]
)
PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\r", b"\n", b"\r\n", b'"', b"OK", b"0", b"4", b">", b"> ", b"+CME ERROR: ",
                b"+CREG: 1", b"+CREG: 2,1", b"AT+CSQ", b"CONNECT", b"NO CARRIER", b"\x00",
                b"RING", b"x" * 1020, b"y" * LINE_BYTES_MAX, b"\x00" * 33, b"+COPS: (",
            ]
        ),
        st.binary(max_size=6),
    ),
    max_size=30,
)  # fmt: skip


def heard(command: str, given_up: str | None, chunks: list[bytes]) -> tuple[list[Event], bytes]:
    """Return all events of `chunks`, silence at the end included, and what is left over."""
    dialogue = Dialogue(Habits(missing_ok=frozenset({"AT+CREG?"})))
    if given_up is not None:
        dialogue.begin(given_up)
        dialogue.give_up()
    dialogue.begin(command)
    events = [event for chunk in chunks for event in dialogue.receive(chunk, 0)]
    for t_ns in (10**9, 2 * 10**9):
        events += dialogue.tick(t_ns)
    return events, dialogue.pending


@given(COMMANDS, st.none() | COMMANDS, PIECES, st.lists(st.integers(0, 60_000)))
def test_chunk_borders_do_not_matter(
    command: str, given_up: str | None, pieces: list[bytes], cuts: list[int]
) -> None:
    """However the bytes are cut, nothing is lost and nothing is invented."""
    wire = b"".join(pieces)
    edges = [0, *sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    chunks = [wire[start:end] for start, end in pairwise(edges)]

    assert heard(command, given_up, chunks) == heard(command, given_up, [wire])


@given(COMMANDS, PIECES)
def test_single_bytes_are_the_same_as_one_read(command: str, pieces: list[bytes]) -> None:
    """The hardest cut: a read for each byte."""
    wire = b"".join(pieces)[:4000]

    assert heard(command, None, [bytes([byte]) for byte in wire]) == heard(command, None, [wire])


@given(COMMANDS, st.lists(st.binary(max_size=3000), max_size=40))
def test_any_bytes_give_events_in_bounded_memory(command: str, chunks: list[bytes]) -> None:
    """No bytes make the dialogue fail, or keep more than one line."""
    dialogue = Dialogue()
    dialogue.begin(command)
    for number, chunk in enumerate(chunks):
        dialogue.receive(chunk, number * 10**8)
        assert len(dialogue.pending) <= LINE_BYTES_MAX + 3000
