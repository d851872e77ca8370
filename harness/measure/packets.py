"""Packets as a tap hands them over: columns, not objects, because there are up to 10^6 a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from harness.core.errors import InternalError

HEADER_BYTES: Final = 96
"""Bytes of each packet that a tap keeps in `headers`, from the Ethernet header on, zero padded."""

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packets:
    """Packets in the order of the tap.

    Attributes:
        t_ns: Kernel time stamp of each packet, in nanoseconds.
        wire_bytes: Length of each packet at layer 2, Ethernet header included, FCS not.
        outgoing: Whether the packet left the bench (True) or came from the router (False).
        headers: `HEADER_BYTES` bytes a packet, one after the other; empty when none were kept.
    """

    t_ns: Int64
    wire_bytes: Int32
    outgoing: Bool
    headers: bytes = b""

    def __post_init__(self) -> None:
        """Check that the columns are equally long.

        Raises:
            InternalError: They are not.
        """
        n = len(self.t_ns)
        kept = len(self.headers)
        if (
            len(self.wire_bytes) != n
            or len(self.outgoing) != n
            or kept not in {0, HEADER_BYTES * n}
        ):
            msg = (
                f"{n} times, {len(self.wire_bytes)} lengths, {len(self.outgoing)} directions and "
                f"{kept} header bytes are not one table of packets"
            )
            raise InternalError(msg)

    @classmethod
    def none(cls) -> Self:
        """Return no packets at all."""
        return cls(
            t_ns=np.zeros(0, np.int64),
            wire_bytes=np.zeros(0, np.int32),
            outgoing=np.zeros(0, np.bool_),
        )

    def __len__(self) -> int:
        return len(self.t_ns)

    def taken(self, rows: Bool) -> Packets:
        """Return the packets for which `rows` is true."""
        headers = b""
        if self.headers:
            table = np.frombuffer(self.headers, np.uint8).reshape(len(self), HEADER_BYTES)
            headers = table[rows].tobytes()
        return Packets(
            t_ns=self.t_ns[rows],
            wire_bytes=self.wire_bytes[rows],
            outgoing=self.outgoing[rows],
            headers=headers,
        )

    def bytes_total(self) -> int:
        """Return the bytes of all packets at layer 2."""
        return int(self.wire_bytes.sum(dtype=np.int64))


def joined(parts: list[Packets]) -> Packets:
    """Return the packets of `parts` one after the other."""
    if not parts:
        return Packets.none()
    return Packets(
        t_ns=np.concatenate([part.t_ns for part in parts]),
        wire_bytes=np.concatenate([part.wire_bytes for part in parts]),
        outgoing=np.concatenate([part.outgoing for part in parts]),
        headers=b"".join(part.headers for part in parts),
    )
