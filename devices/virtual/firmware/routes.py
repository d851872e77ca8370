"""Routing rules of the router's namespace.

Control traffic uses the seed bearer and user traffic must never do so. So the seed's default
route is in a table of its own, and only sockets bound to the seed's interface look there:
a forwarded packet has no output interface yet when the rules are read.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct

from devices.virtual.netlink import attribute

_NEWROUTE, _NEWRULE, _DELRULE = 24, 32, 33
_REQUEST, _ACK, _REPLACE, _CREATE = 0x1, 0x4, 0x100, 0x400
_ERROR = 2
_STATIC, _UNICAST, _ONLINK = 4, 1, 4
_TO_TABLE = 1
_RTA_OIF, _RTA_GATEWAY = 4, 5
_FRA_PRIORITY, _FRA_OIFNAME = 6, 17
_SEED_TABLE, _MAIN_TABLE = 100, 101


def _request(kind: int, flags: int, body: bytes) -> None:
    head = struct.pack("IHHII", 16 + len(body), kind, flags | _REQUEST | _ACK, 1, 0)
    netlink_kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, netlink_kind, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, 0))
        sock.send(head + body)
        answer = sock.recv(65536)
    number = -struct.unpack_from("i", answer, 16)[0]
    if number:
        msg = f"routing rule: {os.strerror(number)}"
        raise OSError(number, msg)


def _rule_body(ifname: str, table: int) -> bytes:
    header = struct.pack("BBBBBBBBI", socket.AF_INET, 0, 0, 0, table, 0, 0, _TO_TABLE, 0)
    return header + attribute(_FRA_OIFNAME, ifname) + attribute(_FRA_PRIORITY, table)


def route_bound_sockets(ifname: str, gateway: str) -> None:
    """Give sockets bound to an interface a default route that nobody else sees."""
    table = _SEED_TABLE if ifname.startswith("seed") else _MAIN_TABLE
    index = socket.if_nametoindex(ifname)
    scope = 0
    header = struct.pack(
        "BBBBBBBBI", socket.AF_INET, 0, 0, 0, table, _STATIC, scope, _UNICAST, _ONLINK
    )
    body = header + attribute(_RTA_GATEWAY, ipaddress.ip_address(gateway).packed)
    _request(_NEWROUTE, _CREATE | _REPLACE, body + attribute(_RTA_OIF, index))
    with contextlib.suppress(FileNotFoundError):  # there may be none yet
        _request(_DELRULE, 0, _rule_body(ifname, table))
    _request(_NEWRULE, _CREATE, _rule_body(ifname, table))
