"""``harness.port.unblocking``: the kernel's calls, as the standard library's make them."""

from __future__ import annotations

import errno
import os
import select

import pytest

from harness.port.unblocking import Reader, watch, write


def test_what_is_written_is_read() -> None:
    """As many bytes as fit the reader, the rest at the next read; NULs are bytes like others."""
    ours, theirs = os.pipe()
    reader = Reader(4)

    sent = write(theirs, b"AT\x00+C")
    got = [reader.read(ours), reader.read(ours)]
    os.close(theirs)
    end = reader.read(ours)
    os.close(ours)

    assert (sent, got, end) == (5, [b"AT\x00+", b"C"], b"")


def test_nothing_there_is_an_error_of_its_own() -> None:
    """Reading from an empty pipe, writing into a full one, on descriptors that do not block."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)

    with pytest.raises(BlockingIOError):
        Reader(16).read(ours)
    fits = write(theirs, b"x" * 10_000_000)
    with pytest.raises(BlockingIOError):
        write(theirs, b"x")
    os.close(ours)
    os.close(theirs)

    assert 0 < fits < 10_000_000


def test_a_refusal_says_what_the_kernel_says() -> None:
    """Descriptor -1 is none."""
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        Reader(16).read(-1)
    with pytest.raises(OSError, match="Bad file descriptor"):
        write(-1, b"x")
    with select.epoll() as epoll, pytest.raises(OSError, match="Bad file descriptor"):
        watch(epoll, -1, select.EPOLLIN)

    assert caught.value.errno == errno.EBADF


def test_an_epoll_waits_for_what_it_is_told() -> None:
    """Nothing, then bytes; the descriptor that is reported is the one that was named."""
    ours, theirs = os.pipe()
    with select.epoll() as epoll:
        epoll.register(ours, select.EPOLLIN)
        write(theirs, b"x")
        watch(epoll, ours, select.EPOLLET)
        silent = epoll.poll(0)
        watch(epoll, ours, select.EPOLLIN)
        heard = epoll.poll(0)
    os.close(ours)
    os.close(theirs)

    assert (silent, heard) == ([], [(ours, select.EPOLLIN)])
