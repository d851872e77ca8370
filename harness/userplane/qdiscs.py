"""Traffic control as rtnetlink writes it: tbf, htb, bfifo, ingress with redirection (tc(8))."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Final

from harness.core.units import BITS_PER_BYTE, NS_PER_S
from harness.userplane.netlink import (
    CREATE,
    EXCLUSIVE,
    REPLACE,
    Reply,
    attribute,
    attributes_of,
    message,
    nested,
    text_of,
)

ROOT: Final = 0xFFFF_FFFF
INGRESS: Final = 0xFFFF_FFF1
OWN_HANDLE: Final = 0x5C0D_0000
"""Handle of every root qdisc of ours: that is how a leftover is told from somebody else's."""
OWN_CLASS: Final = OWN_HANDLE | 0x10
_INGRESS_HANDLE: Final = 0xFFFF_0000

_RTM_NEWQDISC: Final = 36
_RTM_DELQDISC: Final = 37
_RTM_GETQDISC: Final = 38
_RTM_NEWTCLASS: Final = 40
_RTM_GETTCLASS: Final = 42
_RTM_NEWTFILTER: Final = 44
_TC: Final = struct.Struct("=BxxxiIII")
_TCA_KIND: Final = 1
_TCA_OPTIONS: Final = 2
_TCA_STATS2: Final = 7
_STATS_BASIC: Final = 1
_STATS_QUEUE: Final = 3
_TBF_PARAMETERS: Final = 1
_TBF_BURST: Final = 6
_HTB_PARAMETERS: Final = 1
_HTB_INIT: Final = 2
_HTB_VERSION: Final = 3
_U32_SELECTOR: Final = 5
_U32_ACTION: Final = 7
_MIRRED_PARAMETERS: Final = 2
_ACTION_STOLEN: Final = 4
_EGRESS_REDIRECT: Final = 1
_ETH_P_ALL: Final = 3
_RATE: Final = struct.Struct("=BBHhHI")
_LINKLAYER_ETHERNET: Final = 1
_TICK_NS: Final = 64
_MOST: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Qdisc:
    """A queueing discipline or class as the kernel describes it.

    Attributes:
        index: Interface it is on.
        handle: Its number; 0 for the one that the kernel puts there itself.
        parent: Where it hangs.
        kind: `tbf`, `htb` …
        rate_bps: Rate in bit/s, or None if it has none.
        burst_bytes: Bucket in bytes, or None.
        limit_bytes: Queue in bytes, or None.
        passed_bytes: Bytes that went through.
        passed_packets: Packets that went through.
        dropped_packets: Packets that were thrown away.
        backlog_bytes: Bytes that wait now.
    """

    index: int
    handle: int
    parent: int
    kind: str
    rate_bps: int | None
    burst_bytes: int | None
    limit_bytes: int | None
    passed_bytes: int
    passed_packets: int
    dropped_packets: int
    backlog_bytes: int


def _ticks(size_bytes: int, rate_byte_s: int) -> int:
    return min(size_bytes * NS_PER_S // (rate_byte_s * _TICK_NS), _MOST)


def _rate(rate_byte_s: int) -> bytes:
    return _RATE.pack(0, _LINKLAYER_ETHERNET, 0, -1, 0, rate_byte_s)


def _new(kind: str, index: int, parent: int, handle: int, options: bytes, flags: int) -> bytes:
    body = _TC.pack(0, index, handle, parent, 0) + attribute(_TCA_KIND, kind)
    if options:
        body += nested(_TCA_OPTIONS, options)
    return message(_RTM_NEWQDISC, body, flags=flags)


def set_tbf(index: int, *, rate_bps: int, burst_bytes: int, limit_bytes: int) -> bytes:
    """Put a token bucket at the root of an interface; it starts full."""
    rate = rate_bps // BITS_PER_BYTE
    options = _rate(rate) + _RATE.pack(0, 0, 0, 0, 0, 0)
    options += struct.pack("=III", limit_bytes, _ticks(burst_bytes, rate), 0)
    content = attribute(_TBF_PARAMETERS, options) + attribute(_TBF_BURST, burst_bytes)
    return _new("tbf", index, ROOT, OWN_HANDLE, content, CREATE | EXCLUSIVE)


def set_htb(index: int) -> bytes:
    """Put an htb at the root of an interface whose traffic all goes to one class."""
    init = struct.pack("=IIIII", _HTB_VERSION, 10, OWN_CLASS & 0xFFFF, 0, 0)
    return _new("htb", index, ROOT, OWN_HANDLE, attribute(_HTB_INIT, init), CREATE | EXCLUSIVE)


def set_htb_class(index: int, *, rate_bps: int, burst_bytes: int, change: bool) -> bytes:
    """Make or change the one class; a change does not refill its bucket."""
    rate = rate_bps // BITS_PER_BYTE
    ticks = _ticks(burst_bytes, rate)
    options = _rate(rate) + _rate(rate)
    options += struct.pack("=IIIII", ticks, ticks, max(1514, burst_bytes), 0, 0)
    body = _TC.pack(0, index, OWN_CLASS, OWN_HANDLE, 0) + attribute(_TCA_KIND, "htb")
    body += nested(_TCA_OPTIONS, attribute(_HTB_PARAMETERS, options))
    return message(_RTM_NEWTCLASS, body, flags=0 if change else CREATE | EXCLUSIVE)


def set_queue(index: int, *, limit_bytes: int) -> bytes:
    """Give the one class a queue of so many bytes, or change its length."""
    options = struct.pack("=I", limit_bytes)
    body = _TC.pack(0, index, 0x5C0E_0000, OWN_CLASS, 0) + attribute(_TCA_KIND, "bfifo")
    body += attribute(_TCA_OPTIONS, options)
    return message(_RTM_NEWQDISC, body, flags=CREATE | REPLACE)


def set_ingress(index: int) -> bytes:
    """Make the place where what comes in can be redirected."""
    return _new("ingress", index, INGRESS, _INGRESS_HANDLE, b"", CREATE | EXCLUSIVE)


def redirect(index: int, *, to_index: int) -> bytes:
    """Send everything that comes in on an interface through another one (an ifb)."""
    mirred = struct.pack("=IIiiiiI", 0, 0, _ACTION_STOLEN, 0, 0, _EGRESS_REDIRECT, to_index)
    options = nested(2, attribute(_MIRRED_PARAMETERS, mirred))
    action = nested(1, attribute(1, "mirred"), options)
    any_packet = struct.pack("=BBBxHHHhI", 1, 0, 1, 0, 0, 0, 0, 0) + bytes(16)
    selector = attribute(_U32_SELECTOR, any_packet) + nested(_U32_ACTION, action)
    every_protocol = (1 << 16) | socket.htons(_ETH_P_ALL)
    body = _TC.pack(0, index, 0, _INGRESS_HANDLE, every_protocol)
    body += attribute(_TCA_KIND, "u32") + nested(_TCA_OPTIONS, selector)
    return message(_RTM_NEWTFILTER, body, flags=CREATE | EXCLUSIVE)


def delete(index: int, parent: int = ROOT) -> bytes:
    """Remove the qdisc at a place of an interface, with everything below it."""
    return message(_RTM_DELQDISC, _TC.pack(0, index, 0, parent, 0))


def probe_netem(index: int) -> bytes:
    """Put a netem that does nothing at the root; refused where the kernel has none."""
    quiet = struct.pack("=IIIIII", 0, 1000, 0, 0, 0, 0)
    body = _TC.pack(0, index, OWN_HANDLE, ROOT, 0) + attribute(_TCA_KIND, "netem")
    return message(_RTM_NEWQDISC, body + attribute(_TCA_OPTIONS, quiet), flags=CREATE | EXCLUSIVE)


def get_qdiscs() -> bytes:
    """Ask for the qdiscs of a namespace (to be sent as a dump)."""
    return message(_RTM_GETQDISC, _TC.pack(0, 0, 0, 0, 0))


def get_classes(index: int) -> bytes:
    """Ask for the classes of an interface (to be sent as a dump)."""
    return message(_RTM_GETTCLASS, _TC.pack(0, index, 0, 0, 0))


def _shape_of(kind: str, options: bytes) -> tuple[int | None, int | None, int | None]:
    """Return rate, bucket and queue as far as the kind has them."""
    if kind == "bfifo" and len(options) >= 4:  # noqa: PLR2004 - one 32-bit number
        return None, None, int(struct.unpack_from("=I", options)[0])
    found = attributes_of(options).get(_TBF_PARAMETERS, b"")
    if kind == "tbf" and found:
        rate = _RATE.unpack_from(found)[-1]
        limit, ticks = struct.unpack_from("=II", found, 2 * _RATE.size)
        return rate * BITS_PER_BYTE, round(ticks * _TICK_NS * rate / NS_PER_S), limit
    if kind == "htb" and found:
        rate = _RATE.unpack_from(found)[-1]
        (ticks,) = struct.unpack_from("=I", found, 2 * _RATE.size)
        return rate * BITS_PER_BYTE, round(ticks * _TICK_NS * rate / NS_PER_S), None
    return None, None, None


def qdisc_of(reply: Reply) -> Qdisc:
    """Read a qdisc or a class."""
    _, index, handle, parent, _ = _TC.unpack_from(reply.body)
    found = attributes_of(reply.body[_TC.size :])
    kind = text_of(found.get(_TCA_KIND, b""))
    stats = attributes_of(found.get(_TCA_STATS2, b""))
    passed = stats.get(_STATS_BASIC, bytes(12))
    queue = stats.get(_STATS_QUEUE, bytes(12))
    passed_bytes, passed_packets = struct.unpack_from("=QI", passed)
    _, backlog, drops = struct.unpack_from("=III", queue)
    rate_bps, burst_bytes, limit_bytes = _shape_of(kind, found.get(_TCA_OPTIONS, b""))
    return Qdisc(
        index=index,
        handle=handle,
        parent=parent,
        kind=kind,
        rate_bps=rate_bps,
        burst_bytes=burst_bytes,
        limit_bytes=limit_bytes,
        passed_bytes=passed_bytes,
        passed_packets=passed_packets,
        dropped_packets=drops,
        backlog_bytes=backlog,
    )
