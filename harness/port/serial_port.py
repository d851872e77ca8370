"""A serial port: pyserial opens and configures it, we read and write with `poll`.

pyserial 3.5 waits with `select`, which ends at descriptor 1024, and keeps five descriptors a
port; so its object lives only while the port is opened. Opening flushes what the kernel had
buffered before.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import serial

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import BenchError
from harness.port.errors import PortBusyError, PortLostError, PortStuckError
from harness.port.holder import access_message, busy_message, holders_of
from harness.port.inbox import Arrival, Chunk, Inbox, PortLost
from harness.port.transcript import Direction, Transcript
from harness.port.unblocking import Reader, watch, write

_READ_BYTES: Final = 16384
_CLOSE_LIMIT_S: Final = 3.0
_BUSY: Final = frozenset({errno.EBUSY, errno.EAGAIN, errno.EACCES})
_NO_MODEM_LINES: Final = frozenset(
    {errno.ENOTTY, errno.EINVAL, errno.EPIPE, errno.EPROTO, errno.ETIMEDOUT}
)
"""No such lines, or a device that stalls or ignores the request (PSTN 1.2, 6.3.12: optional)."""
_LOST: Final = frozenset({errno.EIO, errno.ENODEV, errno.ENXIO, errno.EBADF})


class _Tty(serial.Serial):  # type: ignore[misc]  # pyserial has no types
    """A tty that is opened whether or not its device takes requests for modem lines."""

    def _update_dtr_state(self) -> None:
        with _without_modem_lines():
            super()._update_dtr_state()

    def _update_rts_state(self) -> None:
        with _without_modem_lines():
            super()._update_rts_state()


@contextmanager
def _without_modem_lines() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno not in _NO_MODEM_LINES:
            raise


class SerialPort:
    """One tty, held exclusively while it is open.

    Args:
        path: Device node; a PTY works, too.
        name: What people call the port, by default its path.
        baudrate: Bits per second; USB ignores it.
        transcript: Where each byte is recorded.
        clock: Where time comes from.
        close_limit_s: Longest time that closing may take, in seconds.
    """

    def __init__(
        self,
        path: str,
        *,
        name: str | None = None,
        baudrate: int = 115200,
        transcript: Transcript | None = None,
        clock: Clock | None = None,
        close_limit_s: float = _CLOSE_LIMIT_S,
    ) -> None:
        self.path = path
        self._name = name or path
        self._baudrate = baudrate
        self._transcript = transcript
        self._clock: Clock = clock or SystemClock()
        self._close_limit_s = close_limit_s
        self._fd = -1
        self._wake_fd = -1
        self._reader: threading.Thread | None = None
        self._inbox: Inbox | None = None
        self._opening = 0
        self._reading = threading.Lock()  # held by whoever reads, and while that changes
        self._claims = 0
        self._lost = False
        self._epoll: select.epoll | None = None
        self._bytes = Reader(_READ_BYTES)

    @property
    def name(self) -> str:
        """Name of the port, as people know it."""
        return self._name

    def open(self, inbox: Inbox, opening: int) -> None:
        """Open, configure and lock the port, and start its reader thread.

        Raises:
            PortBusyError: Another process holds it.
            PortLostError: It is not there, or goes away meanwhile.
            BenchError: It may not be opened, or is no tty.
        """
        if self._fd >= 0:
            return
        self._fd = self._opened_fd()
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._inbox, self._opening = inbox, opening
        self._claims, self._lost = 0, False
        self._epoll = select.epoll()
        self._epoll.register(self._wake_fd, select.EPOLLIN)
        self._epoll.register(self._fd, select.EPOLLIN)
        self._reader = threading.Thread(
            target=self._read_until_closed,
            args=(self._epoll, self._wake_fd, inbox),
            name=f"reader of {self._name}",
            daemon=True,
        )
        self._reader.start()
        inbox.attach(self)

    def _opened_fd(self) -> int:
        try:
            opened = _Tty(self.path, self._baudrate, timeout=0, exclusive=True)
        except serial.SerialException as exc:
            raise self._refusal(exc) from exc
        except OSError as exc:
            raise self._refusal(exc) from exc
        except termios.error as exc:  # not an OSError, but made like one
            raise self._refusal(OSError(*exc.args)) from exc
        fd = os.dup(opened.fileno())  # the lock belongs to the open file, not to the descriptor
        opened.close()
        os.set_inheritable(fd, False)
        try:
            fcntl.ioctl(fd, termios.TIOCEXCL)
            attributes = termios.tcgetattr(fd)
            attributes[2] &= ~termios.HUPCL  # closing must not drop DTR: &D2 would hang up
            attributes[6][termios.VMIN] = 1  # with 0, "nothing there" reads like "end of file"
            attributes[6][termios.VTIME] = 0
            termios.tcsetattr(fd, termios.TCSANOW, attributes)
        except (OSError, termios.error) as exc:
            os.close(fd)
            raise self._refusal(OSError(*exc.args)) from exc
        return fd

    def _refusal(self, exc: OSError) -> BenchError:
        code = exc.errno
        if not os.path.exists(self.path):  # noqa: PTH110 - a device node, not a path to walk
            msg = f"{self.path} is not there; is the router plugged in and booted?"
            return PortLostError(msg, port=self._name)
        if code in _LOST:
            msg = f"{self.path} went away while it was opened; is the router still plugged in?"
            return PortLostError(msg, port=self._name)
        if code == errno.EACCES and not os.access(self.path, os.R_OK | os.W_OK, effective_ids=True):
            return BenchError(access_message(self.path))
        if code in _BUSY:
            holders = holders_of(self.path)
            text = busy_message(self.path, holders, os.strerror(code or 0))
            return PortBusyError(text, port=self._name, holders=holders)
        return BenchError(f"{self.path} cannot be opened as a serial port: {exc}")

    def _read_until_closed(self, epoll: select.epoll, wake_fd: int, inbox: Inbox) -> None:
        """Read while nobody waits for this port; the body of the reader thread."""
        while True:
            ready = epoll.poll()
            t_ns = self._clock.monotonic_ns()
            if any(fd == wake_fd for fd, _ in ready):
                return
            with self._reading:
                arrival = None if self._claims else self._read(t_ns)
                if arrival is not None:
                    inbox.put(arrival)

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._fd

    def claim(self) -> None:
        """Read by `read_now` only, until `release`."""
        with self._reading:
            self._claims += 1
            if self._claims == 1 and self._epoll is not None and not self._lost:
                watch(self._epoll, self._fd, select.EPOLLET)  # its end only, and once

    def release(self) -> None:
        """Let the port's own thread read again."""
        with self._reading:
            self._claims = max(0, self._claims - 1)  # the claim may be of an earlier opening
            if not self._claims and self._epoll is not None and not self._lost:
                watch(self._epoll, self._fd, select.EPOLLIN)

    def read_now(self, t_ns: int) -> Arrival | None:
        """Read once, without waiting; `t_ns` is when there was something to read."""
        with self._reading:
            return self._read(t_ns)

    def _read(self, t_ns: int) -> Arrival | None:
        """Read what is there, record it; the end of the port is told once."""
        if self._lost or self._fd < 0:
            return None
        reason = "end of file"
        try:
            data = self._bytes.read(self._fd)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as exc:
            data, reason = b"", os.strerror(exc.errno or 0)
        if data:
            if self._transcript is not None:
                self._transcript.record(t_ns, self._name, Direction.RECEIVED, data)
            return Chunk(t_ns=t_ns, port=self._name, opening=self._opening, data=data)
        self._lost = True
        if self._epoll is not None:
            self._epoll.unregister(self._fd)
        if self._inbox is not None:
            self._inbox.detach(self)
        return PortLost(t_ns=t_ns, port=self._name, opening=self._opening, reason=reason)

    def write(self, data: bytes, deadline: Deadline) -> int:
        """Send all of `data`; return the monotonic time before the first byte, in nanoseconds.

        Raises:
            PortLostError: The port is closed or gone.
            PortStuckError: The port took only a part of `data` until `deadline`.
        """
        sent_ns = self._clock.monotonic_ns()
        if self._transcript is not None:
            self._transcript.record(sent_ns, self._name, Direction.SENT, data, flush=False)
        try:
            self._write_all(data, deadline)
        finally:
            if self._transcript is not None:
                self._transcript.flush()  # while the router thinks about its answer
        return sent_ns

    def _write_all(self, data: bytes, deadline: Deadline) -> None:
        rest = data
        while rest:
            try:
                rest = rest[write(self._fd, rest) :]
            except InterruptedError:
                continue
            except BlockingIOError:
                self._wait_writable(len(data) - len(rest), len(data), deadline)
            except OSError as exc:
                msg = f"{self._name} is gone while sending {data!r}: {os.strerror(exc.errno or 0)}"
                raise PortLostError(msg, port=self._name) from exc

    def _wait_writable(self, done: int, total: int, deadline: Deadline) -> None:
        poller = select.poll()
        poller.register(self._fd, select.POLLOUT)
        if deadline.passed or not poller.poll(deadline.left_s * 1000):
            msg = (
                f"{self._name} took {done} of {total} bytes in {deadline.waited_s:.1f} s; "
                "is hardware flow control on without its wires (AT+IFC?)"
            )
            raise PortStuckError(msg)

    def pulse_dtr(self, low_s: float) -> bool:
        """Drop DTR for `low_s` seconds; False where the port has no modem lines.

        Raises:
            PortLostError: The port is closed or gone.
        """
        bit = termios.TIOCM_DTR.to_bytes(4, "little")
        try:
            fcntl.ioctl(self._fd, termios.TIOCMBIC, bit)
            self._clock.sleep(low_s)
            fcntl.ioctl(self._fd, termios.TIOCMBIS, bit)
        except OSError as exc:
            if exc.errno in _NO_MODEM_LINES:
                return False
            if exc.errno in _LOST:
                msg = f"{self._name} is gone while DTR was dropped"
                raise PortLostError(msg, port=self._name) from exc
            raise
        return True

    def close(self) -> None:
        """Stop the reader and close the port; closing twice is allowed.

        Raises:
            PortStuckError: The kernel did not close it in time; it is left to a thread.
        """
        if self._fd < 0:
            return
        if self._inbox is not None:
            self._inbox.detach(self)
        with self._reading:
            fd, self._fd = self._fd, -1
            wake_fd, self._wake_fd = self._wake_fd, -1
            epoll, self._epoll = self._epoll, None
        os.eventfd_write(wake_fd, 1)
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(self._close_limit_s)
        self._reader = None
        if epoll is not None:
            epoll.close()
        os.close(wake_fd)
        closer = threading.Thread(target=_close_tty, args=(fd,), daemon=True)
        closer.start()
        closer.join(self._close_limit_s)
        if closer.is_alive():
            msg = f"{self._name} is not closed after {self._close_limit_s:.1f} s; unplug the router"
            raise PortStuckError(msg)


def _close_tty(fd: int) -> None:
    # TIOCEXCL outlives the descriptor on a PTY whose other end stays open, and bytes that are
    # still to be sent make close() wait up to 30 s (closing_wait).
    for request in (
        lambda: fcntl.ioctl(fd, termios.TIOCNXCL),
        lambda: termios.tcflush(fd, termios.TCOFLUSH),
    ):
        try:
            request()
        except (OSError, termios.error):  # the device is gone: nothing to release
            continue
    os.close(fd)
