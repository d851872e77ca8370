"""``devices.virtual.firmware.ports``: pseudo terminals as a host meets them."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import termios
import tty

from devices.virtual.firmware.ports import HostWatch, Port

PATIENCE_S = 20.0
SAID, ANSWER = b"AT\r\n\x03\x00", b"\r\nOK\r\n"


async def settle() -> None:
    """Let the loop look at its descriptors a few times."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_bytes_go_both_ways_unchanged() -> None:
    """No echo, no CR/LF translation by the kernel."""

    async def story() -> tuple[bytes, bytes]:
        heard = bytearray()
        watch = HostWatch()
        port = Port(heard.extend, watch)
        host_fd = os.open(port.node, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(host_fd)
        os.write(host_fd, SAID)
        # The kernel hands bytes on in a work queue of its own, some time after each write.
        os.set_blocking(host_fd, False)
        answer = bytearray()
        async with asyncio.timeout(PATIENCE_S):
            while len(heard) < len(SAID):  # noqa: ASYNC110 - the port calls back, no event
                await asyncio.sleep(0.001)
            port.write(ANSWER)
            while len(answer) < len(ANSWER):
                await asyncio.sleep(0.001)
                with contextlib.suppress(BlockingIOError):
                    answer += os.read(host_fd, 100)
        os.close(host_fd)
        port.close()
        watch.close()
        return bytes(heard), bytes(answer)

    assert asyncio.run(story()) == (SAID, ANSWER)


def test_a_closed_port_hangs_up() -> None:
    """A host sees a hang-up, as from a device that was pulled."""

    async def story() -> int:
        watch = HostWatch()
        port = Port(bytearray().extend, watch)
        host_fd = os.open(port.node, os.O_RDWR | os.O_NOCTTY)
        port.close()
        port.close()
        watch.close()
        poll = select.poll()
        poll.register(host_fd, select.POLLIN)
        events = dict(poll.poll(1000))[host_fd]
        os.close(host_fd)
        return events

    assert asyncio.run(story()) & select.POLLHUP


def test_exclusive_mode_ends_with_the_close() -> None:
    """The flag itself, which root can read too (TIOCGEXCL)."""
    assert asyncio.run(exclusive_after_close()) is False


async def exclusive_after_close() -> bool:
    """Hold a port exclusively, close it, and tell whether it still is."""
    watch = HostWatch()
    port = Port(bytearray().extend, watch)
    host_fd = os.open(port.node, os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(host_fd, termios.TIOCEXCL)
    os.close(host_fd)
    await settle()
    host_fd = os.open(port.node, os.O_RDWR | os.O_NOCTTY)
    flag = fcntl.ioctl(host_fd, 0x80045440, bytes(4))
    os.close(host_fd)
    port.close()
    watch.close()
    return flag != bytes(4)
