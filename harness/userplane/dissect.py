"""What a capture says: names asked, TLS servers reached, DHCP spoken, and what must not leave.

scapy takes the protocols apart; it costs a second to import and is therefore imported when the
first capture is dissected, never when this module is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.core.errors import BenchError
from harness.core.units import NS_PER_S
from harness.userplane.dhcp_message import Kind, Message, message_of
from harness.userplane.dissect_flows import Flow, flows_of
from harness.userplane.dissect_frames import TCP, UDP, Segment, segment_of
from harness.userplane.pcapng import Record, records_of

_DNS_PORT: Final = 53
_TLS_RECORD_BYTES: Final = 5
_TLS_CONTENT: Final = frozenset({20, 21, 22, 23})
_TLS_MAJOR: Final = 3
_RESPONSE: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A capture in memory.

    Attributes:
        records: Its frames.
        segments: The IP packets among them.
        flows: Those packets by flow.
    """

    records: tuple[Record, ...]
    segments: tuple[Segment, ...]
    flows: tuple[Flow, ...]

    @classmethod
    def read(cls, path: Path) -> Capture:
        """Read a capture that the tap wrote.

        Raises:
            BenchError: There is no such file.
        """
        try:
            records = tuple(records_of(path.read_bytes()))
        except OSError as error:
            msg = f"capture {path}: {error.strerror}"
            raise BenchError(msg) from error
        segments = tuple(s for s in map(segment_of, records) if s is not None)
        return cls(records=records, segments=segments, flows=flows_of(segments))

    def without(self, hosts: Collection[str]) -> Capture:
        """Return the capture without the IP packets from and to some hosts.

        Args:
            hosts: Their addresses.
        """
        pairs = [(record, segment_of(record)) for record in self.records]
        kept = [(r, s) for r, s in pairs if s is None or not {s.source, s.target} & set(hosts)]
        segments = tuple(s for _, s in kept if s is not None)
        return Capture(
            records=tuple(record for record, _ in kept),
            segments=segments,
            flows=flows_of(segments),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NameQuery:
    """One question to a name server and what came back.

    Attributes:
        t_ns: Time of the question, in nanoseconds since 1970.
        server: Who was asked.
        name: Name, lower case, without the last dot.
        kind: `A`, `AAAA` …, or the number of the type.
        answers: Addresses and names in the answer; empty if none came.
        rcode: 0 for no error, 3 for no such name; None if nothing came.
        took_s: Seconds until the answer, or None.
    """

    t_ns: int
    server: str
    name: str
    kind: str
    answers: tuple[str, ...] = ()
    rcode: int | None = None
    took_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsHandshake:
    """The start of a TLS connection.

    Attributes:
        flow: The connection.
        server_name: Server name in the client's hello (SNI), or None.
        versions: Protocol versions that the client offers, as numbers (0x0304 is TLS 1.3).
        certificates: Certificates of the server, DER; TLS 1.3 encrypts them.
    """

    flow: Flow
    server_name: str | None
    versions: tuple[int, ...]
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Traffic that must not be there.

    Attributes:
        flow: Whose traffic.
        why: What is wrong about it.
    """

    flow: Flow
    why: str


def _dns_layer() -> Any:  # noqa: ANN401 - scapy ships no types
    from scapy.layers.dns import DNS  # noqa: PLC0415 - a second, only when needed

    return DNS


def _texts(message: Any) -> tuple[str, ...]:  # noqa: ANN401 - scapy ships no types
    found = []
    for record in message.an or []:
        data = record.rdata
        text = data.decode(errors="replace") if isinstance(data, bytes) else str(data)
        found.append(text.rstrip("."))
    return tuple(found)


def names_asked(capture: Capture) -> tuple[NameQuery, ...]:
    """Return every DNS question over UDP with its answer, in the order of the questions."""
    dns: Any = _dns_layer()
    asked: dict[tuple[str, int, int], NameQuery] = {}
    for segment in capture.segments:
        ports = (segment.source_port, segment.target_port)
        if segment.protocol != UDP or _DNS_PORT not in ports or not segment.payload:
            continue
        message = dns(segment.payload)
        if message.qr != _RESPONSE and message.qd:
            question = message.qd[0]
            key = (segment.target, segment.source_port, message.id)
            name = question.qname.decode(errors="replace").rstrip(".").lower()
            kind = question.sprintf("%qtype%")
            query = NameQuery(t_ns=segment.t_ns, server=segment.target, name=name, kind=kind)
            asked.setdefault(key, query)
            continue
        key = (segment.source, segment.target_port, message.id)
        if key in asked and asked[key].rcode is None:
            first = asked[key]
            asked[key] = NameQuery(
                t_ns=first.t_ns,
                server=first.server,
                name=first.name,
                kind=first.kind,
                answers=_texts(message),
                rcode=int(message.rcode),
                took_s=(segment.t_ns - first.t_ns) / NS_PER_S,
            )
    return tuple(asked.values())


def tls_handshakes(capture: Capture) -> tuple[TlsHandshake, ...]:
    """Return every TLS connection whose client hello is in the capture."""
    found = []
    for flow in capture.flows:
        if flow.client_tcp is None or not looks_like_tls(flow.client_tcp.start):
            continue
        hello = _handshake_messages(flow.client_tcp.start)
        if not hello or type(hello[0]).__name__ not in {"TLSClientHello", "TLS13ClientHello"}:
            continue
        answer = _handshake_messages(flow.server_tcp.start) if flow.server_tcp else []
        found.append(
            TlsHandshake(
                flow=flow,
                server_name=_server_name(hello[0]),
                versions=_versions(hello[0]),
                certificates=_certificates(answer),
            )
        )
    return tuple(found)


def looks_like_tls(start: bytes) -> bool:
    """Tell whether a stream begins with a TLS record (RFC 8446, 5.1)."""
    return len(start) >= _TLS_RECORD_BYTES and start[0] in _TLS_CONTENT and start[1] == _TLS_MAJOR


def _handshake_messages(start: bytes) -> list[Any]:
    """Return the handshake messages in clear at the start of a stream."""
    from scapy.layers.tls import handshake  # noqa: PLC0415 - as above

    classes: dict[int, Any] = handshake._tls_handshake_cls  # noqa: SLF001 - no public table
    plain = b""
    at = 0
    while at + _TLS_RECORD_BYTES <= len(start) and start[at] == 22:  # noqa: PLR2004 - handshake
        length = int.from_bytes(start[at + 3 : at + 5], "big")
        plain += start[at + _TLS_RECORD_BYTES : at + _TLS_RECORD_BYTES + length]
        at += _TLS_RECORD_BYTES + length
    messages = []
    while len(plain) >= 4 and plain[0] in classes:  # noqa: PLR2004 - type and length
        length = 4 + int.from_bytes(plain[1:4], "big")
        if length > len(plain):
            break
        messages.append(classes[plain[0]](plain[:length]))
        plain = plain[length:]
    return messages


def _server_name(hello: Any) -> str | None:  # noqa: ANN401 - scapy ships no types
    for extension in hello.ext or []:
        for server in getattr(extension, "servernames", None) or []:
            name: str = server.servername.decode(errors="replace")
            return name
    return None


def _versions(hello: Any) -> tuple[int, ...]:  # noqa: ANN401 - scapy ships no types
    for extension in hello.ext or []:
        offered = getattr(extension, "versions", None)
        if offered:
            return tuple(int(version) for version in offered)
    return (int(hello.version),)


def _certificates(messages: Iterable[Any]) -> tuple[bytes, ...]:
    found = []
    for message in messages:
        for _, certificate in getattr(message, "certs", None) or []:
            found.append(bytes(certificate.der))
    return tuple(found)


def dhcp_messages(capture: Capture) -> tuple[Message, ...]:
    """Return every message of a DHCP server, in order.

    Raises:
        RouterError: One of them is not what RFC 2131 allows.
    """
    messages = map(message_of, (record.frame for record in capture.records))
    return tuple(
        m for m in messages if m is not None and m.kind in {Kind.OFFER, Kind.ACK, Kind.NAK}
    )


def leaks_of(capture: Capture, *, allowed: Iterable[str]) -> tuple[Leak, ...]:
    """Return flows to anywhere but the networks allowed: a user's traffic on a seed bearer.

    Args:
        capture: What was seen on the bearer.
        allowed: Networks that may be reached from it, such as `203.0.113.20/32`.
    """
    networks = [ipaddress.ip_network(text) for text in allowed]
    found = []
    for flow in capture.flows:
        ends = (ipaddress.ip_address(flow.client), ipaddress.ip_address(flow.server))
        if not any(end in network for end in ends for network in networks):
            why = f"{flow.client} to {flow.server} port {flow.server_port} is not allowed here"
            found.append(Leak(flow=flow, why=why))
    return tuple(found)


def clear_text_to(capture: Capture, server: str) -> tuple[Leak, ...]:
    """Return flows with a server that carry anything that is not TLS."""
    found = []
    for flow in capture.flows:
        if server not in {flow.client, flow.server} or flow.protocol not in {TCP, UDP}:
            continue
        if flow.client_tcp is None:
            why = f"UDP port {flow.server_port} of {server} is used, which is not TLS"
            found.append(Leak(flow=flow, why=why))
        elif flow.sent.payload_bytes and not looks_like_tls(flow.client_tcp.start):
            shown = flow.client_tcp.start[:16]
            why = f"TCP port {flow.server_port} of {server} gets {shown!r}, which is not TLS"
            found.append(Leak(flow=flow, why=why))
    return tuple(found)
