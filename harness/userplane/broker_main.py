"""The broker: one small single-threaded process, the only privileged piece of a bench.

It owns the namespaces as descriptors, sends what needs privilege to the kernel, hands out ready
sockets, and puts everything back when the harness ends, however it ends. Reading (interfaces,
counters, what shaper is set) needs no privilege: the harness does that itself on a socket it got.
"""

from __future__ import annotations

import binascii
import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from harness.userplane import broker_wire, links
from harness.userplane.namespace_calls import (
    die_with_parent,
    enter_network_of,
    enter_private_network,
    inside,
    new_network_fd,
    own_network_fd,
)
from harness.userplane.netlink import NETLINK_ROUTE, NetlinkError, NetlinkSocket

_SIOCETHTOOL: Final = 0x8946
_TUNSETIFF: Final = 0x400454CA
_OFFLOADS: Final = (0x1F, 0x24, 0x2C)
"""ETHTOOL_STSO, _SGSO, _SGRO of linux/ethtool.h: what makes a tap and a shaper see 64 KB lumps."""
_SPARE_NAME: Final = "dut%d"
"""The kernel fills in a number that is free."""
_FIRST: Final = 0
"""Number of the first namespace."""

Answer = tuple[dict[str, Any], list[int]]


@dataclass(slots=True)
class _Home:
    """One namespace: its descriptor and a netlink socket that was opened inside."""

    fd: int
    netlink: NetlinkSocket

    @classmethod
    def of(cls, fd: int) -> _Home:
        with inside(fd):
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        sock.bind((0, 0))
        return cls(fd=fd, netlink=NetlinkSocket(sock))

    def link(self, name: str) -> links.Link:
        return links.link_of(self.netlink.ask(links.get_link(name))[0])

    def close(self) -> None:
        self.netlink.close()
        os.close(self.fd)


@dataclass(slots=True)
class _Moved:
    """An interface that was moved: where it is, what it was called before, our text on it."""

    namespace: int
    name: str
    old_name: str
    alias: str


@dataclass(slots=True)
class Broker:
    """The state of the process and its requests; a request is a method `do_<name>`."""

    homes: dict[int, _Home] = field(default_factory=dict)
    moved: dict[tuple[int, str], _Moved] = field(default_factory=dict)
    children: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    next_number: int = _FIRST

    def _add(self, fd: int) -> int:
        number = self.next_number
        self.next_number += 1
        home = self.homes[number] = _Home.of(fd)
        home.netlink.perform([links.set_up(home.link("lo").index)])
        return number

    def begin(self, *, private: bool, join_pid: int | None) -> dict[str, Any]:
        """Enter the first namespace and describe it."""
        user_namespace = False
        if join_pid is not None:
            enter_network_of(join_pid)
        elif private:
            user_namespace = enter_private_network()
        number = self.next_number
        self.next_number += 1
        first = self.homes[number] = _Home.of(own_network_fd())
        if private and join_pid is None:
            first.netlink.perform([links.set_up(first.link("lo").index)])
        return {"pid": os.getpid(), "user_namespace": user_namespace, "fd": first.fd}

    def do_namespace(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Make a namespace; the answer carries its number and our descriptor of it."""
        del request, fds
        number = self._add(new_network_fd())
        return {"namespace": number, "fd": self.homes[number].fd}, []

    def do_drop(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Put back what was moved into a namespace and forget it."""
        del fds
        number = request["namespace"]
        for moved in [m for m in self.moved.values() if m.namespace == number]:
            self._put_back(moved)
        self.homes.pop(number).close()
        return {}, []

    def do_socket(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Open a socket in a namespace, bound if an address is given."""
        del fds
        with inside(self.homes[request["namespace"]].fd):
            sock = socket.socket(request["family"], request["type"], request["proto"])
        address = request.get("bind")
        if address is not None:
            if request["family"] in {socket.AF_INET, socket.AF_INET6}:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(tuple(address))
        return {}, [sock.detach()]

    def do_netlink(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Send requests to the kernel in a namespace."""
        del fds
        requests = [binascii.a2b_base64(text) for text in request["requests"]]
        self.homes[request["namespace"]].netlink.perform(requests)
        return {}, []

    def do_adopt(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Move an interface of the first namespace into another and rename it, in one step."""
        del fds
        first, number = self.homes[_FIRST], request["namespace"]
        link = first.link(request["ifname"])
        alias = f"{request['mark']}{link.name}"
        target = self.homes[number]
        first.netlink.perform(
            [links.move(link.index, namespace_fd=target.fd, name=request["as_name"], alias=alias)]
        )
        moved = _Moved(namespace=number, name=request["as_name"], old_name=link.name, alias=alias)
        self.moved[number, moved.name] = moved
        return {"index": target.link(moved.name).index, "old_name": link.name}, []

    def do_release(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Put an interface back where it came from, under its old name."""
        del fds
        moved = self.moved.get((request["namespace"], request["ifname"]))
        return {"back": moved is not None and self._put_back(moved)}, []

    def _put_back(self, moved: _Moved) -> bool:
        self.moved.pop((moved.namespace, moved.name), None)
        home = self.homes[moved.namespace]
        try:
            index = home.link(moved.name).index
        except OSError:
            return False  # it vanished meanwhile: nothing to put back
        fd = self.homes[_FIRST].fd
        back = links.move(index, namespace_fd=fd, name=moved.old_name, alias="")
        try:
            home.netlink.perform([back])
        except NetlinkError as error:
            if error.errno != errno.EEXIST:
                raise
            self._put_aside(moved)
        return True

    def _put_aside(self, moved: _Moved) -> None:
        """Put an interface back whose old name another one has by now; a sweep tries again.

        If only the old name is taken the kernel has moved the interface and then refused the name;
        if the name it had in its namespace is taken, too, it has not moved it.
        """
        home, first = self.homes[moved.namespace], self.homes[_FIRST]
        try:
            index = home.link(moved.name).index
        except OSError:
            index = first.link(moved.name).index
            request = links.rename(index, name=_SPARE_NAME, alias=moved.alias)
            first.netlink.perform([request])
            return
        request = links.move(index, namespace_fd=first.fd, name=_SPARE_NAME, alias=moved.alias)
        home.netlink.perform([request])

    def do_offloads(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Switch off what merges packets; the answer says which switches the driver lacks."""
        del fds
        with inside(self.homes[request["namespace"]].fd):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        refused = []
        with sock:
            for command in _OFFLOADS:
                value = ctypes.create_string_buffer(struct.pack("=II", command, 0), 8)
                name = request["ifname"].encode()
                ask = struct.pack("@16sP16x", name, ctypes.addressof(value))
                try:
                    fcntl.ioctl(sock, _SIOCETHTOOL, ask)
                except OSError:
                    refused.append(command)
        home = self.homes[request["namespace"]]
        single = links.set_gso_segments(home.link(request["ifname"]).index, 1)
        home.netlink.perform([single])  # UDP segmentation has no switch of its own above
        return {"refused": refused}, []

    def do_tun(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Make a TUN or TAP interface in a namespace and hand over its packets."""
        del fds
        with inside(self.homes[request["namespace"]].fd):
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            name = request["ifname"].encode()
            fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name, request["flags"]))
        return {}, [fd]

    def do_sysctl(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Set a network parameter of a namespace, such as `ipv4/ip_forward`."""
        del fds
        with inside(self.homes[request["namespace"]].fd):
            Path("/proc/sys/net", request["name"]).write_text(request["value"], encoding="ascii")
        return {}, []

    def do_spawn(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Run a program in the first namespace on the three descriptors that came along."""
        stdin, stdout, stderr = fds
        child = subprocess.Popen(
            request["argv"],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=request["env"],
            preexec_fn=die_with_parent,  # noqa: PLW1509 - this process has one thread
        )
        self.children[child.pid] = child
        return {"pid": child.pid}, [os.pidfd_open(child.pid)]

    def do_reap(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Tell how a program ended, or None while it runs."""
        del fds
        child = self.children.get(request["pid"])
        return {"returncode": None if child is None else child.poll()}, []

    def do_signal(self, request: dict[str, Any], fds: list[int]) -> Answer:
        """Send a signal to a program that was started here."""
        del fds
        child = self.children.get(request["pid"])
        if child is not None and child.poll() is None:
            child.send_signal(request["signal"])
        return {}, []

    def end(self) -> None:
        """Stop every program and put every interface back."""
        for child in self.children.values():
            if child.poll() is None:
                child.kill()
        for child in self.children.values():
            child.wait()
        for moved in list(self.moved.values()):
            try:
                self._put_back(moved)
            except OSError as error:
                sys.stderr.write(f"broker: {moved.old_name} stays {moved.name}: {error}\n")


def _answer(broker: Broker, request: dict[str, Any], fds: list[int]) -> Answer:
    do: Callable[[dict[str, Any], list[int]], Answer] = getattr(broker, f"do_{request['do']}")
    try:
        return do(request, fds)
    except OSError as error:
        return {"errno": error.errno or 0, "error": error.strerror or str(error)}, []


def serve(sock: socket.socket, harness_fd: int, broker: Broker) -> None:
    """Answer requests until the harness closes its end or is gone."""
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    waiting.register(harness_fd, select.POLLIN)
    while True:
        ready = [fd for fd, _ in waiting.poll()]
        if sock.fileno() not in ready:
            return
        received = broker_wire.receive(sock)
        if received is None:
            return
        request, fds = received
        answer, given = _answer(broker, request, fds)
        try:
            broker_wire.send(sock, answer, given)
        finally:
            for fd in [*fds, *given]:
                os.close(fd)


def _ended(signum: int, frame: object) -> None:
    del frame
    sys.exit(128 + signum)


def main(argv: list[str]) -> int:
    """Serve on descriptor `argv[0]`; `argv[1]` is host or private, `argv[2]` a pid to join or -."""
    sock = socket.socket(fileno=int(argv[0]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the harness's to handle
    signal.signal(signal.SIGTERM, _ended)
    harness_fd = os.pidfd_open(os.getppid())
    broker = Broker()
    try:
        join_pid = None if argv[2] == "-" else int(argv[2])
        hello = broker.begin(private=argv[1] == "private", join_pid=join_pid)
    except OSError as error:
        broker_wire.send(sock, {"errno": error.errno, "error": error.strerror})
        return 1
    try:
        broker_wire.send(sock, hello)
        serve(sock, harness_fd, broker)
    finally:
        broker.end()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
