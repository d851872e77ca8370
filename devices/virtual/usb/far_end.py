"""Bridges from a USB function to the virtual router's own ends: a terminal, a network interface."""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
import threading
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from devices.virtual.usb.checksum import completed

_ETH_P_ALL: Final = 0x0003
_READ_BYTES: Final = 4096
_FRAME_BYTES: Final = 65536
_PACKET_OUTGOING: Final = 4
_SOL_PACKET, _PACKET_AUXDATA, _TP_STATUS_CSUMNOTREADY = 263, 8, 1 << 3  # linux/if_packet.h
_NOTE_BYTES: Final = 64
_POLL_S: Final = 0.2


class TerminalEnd:
    """The virtual router's AT terminal: bytes there and back.

    Args:
        node: Its device node; opened again for each plug, since a router that resets makes another.
        to_host: Takes what the router says.
    """

    def __init__(self, node: Path, to_host: Callable[[bytes], None]) -> None:
        """Open the terminal and start to read.

        Raises:
            OSError: It is not there.
        """
        self._fd = os.open(node, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._fd, termios.TCSANOW)
        os.set_blocking(self._fd, False)
        self._to_host = to_host
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._pump, name=f"far-{node.name}", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Hand the host's bytes to the router; what a dead router does not take is lost."""
        with suppress(OSError):
            os.write(self._fd, data)

    def close(self) -> None:
        """Let go of the terminal; may be called again."""
        self._closed.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _pump(self) -> None:
        waiter = select.poll()
        waiter.register(self._fd, select.POLLIN)
        with suppress(OSError):  # the router hung up
            while not self._closed.is_set():
                if waiter.poll(_POLL_S * 1000):
                    self._to_host(os.read(self._fd, _READ_BYTES))


class InterfaceEnd:
    """The bench end of the virtual router's LAN: frames there and back, through a packet socket.

    Args:
        ifname: Network interface whose other end is the router.
        to_host: Takes each frame that comes out of the router.
    """

    def __init__(self, ifname: str, to_host: Callable[[bytes], object]) -> None:
        """Bind to the interface and start to read.

        Raises:
            OSError: There is no such interface, or we may not (CAP_NET_RAW).
        """
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self._socket.bind((ifname, _ETH_P_ALL))
        self._socket.settimeout(_POLL_S)
        self._to_host = to_host
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._pump, name=f"far-{ifname}", daemon=True)
        self._thread.start()

    def write(self, frame: bytes) -> None:
        """Send a frame of the host to the router; lost when the interface is down."""
        with suppress(OSError):
            self._socket.send(frame)

    def close(self) -> None:
        """Let go of the interface; may be called again."""
        self._closed.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._socket.close()

    def _pump(self) -> None:
        while not self._closed.is_set():
            try:
                frame, notes, _, address = self._socket.recvmsg(_FRAME_BYTES, _NOTE_BYTES)
            except TimeoutError:
                continue
            except OSError:
                return  # the interface went away with the router
            if address[2] != _PACKET_OUTGOING:
                self._to_host(completed(frame) if _is_open(notes) else frame)


def _is_open(notes: list[tuple[int, int, bytes]]) -> bool:
    """Tell whether the kernel left the frame's checksum open."""
    return any(
        level == _SOL_PACKET
        and kind == _PACKET_AUXDATA
        and int.from_bytes(data[:4], sys.byteorder) & _TP_STATUS_CSUMNOTREADY
        for level, kind, data in notes
    )
