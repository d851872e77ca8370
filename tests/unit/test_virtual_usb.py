"""``devices.virtual.usb`` without a kernel: ports of the controller, descriptors, the gadget's end.

The descriptors are checked against the tables of CDC 1.2 (ACM: PSTN 1.2, 5.4; ECM 1.2, 5.4).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from usbip import core

from devices.virtual.usb.checksum import completed, internet_sum
from devices.virtual.usb.device import UsbIdentity, UsbRouter
from devices.virtual.usb.rig import place_of
from devices.virtual.usb.vhci import NoPortError, all_places, places

FIRST = """\
hub port sta spd dev      sockfd local_busid
hs  0000 006 003 00010002 000003 1-1
hs  0001 004 000 00000000 000000 0-0
ss  0002 004 000 00000000 000000 0-0
ss  0003 004 000 00000000 000000 0-0
"""
SECOND = """\
hub port sta spd dev      sockfd local_busid
hs  0004 004 000 00000000 000000 0-0
hs  0005 004 000 00000000 000000 0-0
"""


def test_slots_are_the_high_speed_ports_in_order() -> None:
    """Two ports of the first controller, then those of the second; super speed is left out."""
    found = places([FIRST, SECOND])

    assert [(place.number, place.usb_path, place.is_free) for place in found] == [
        (0, "platform-vhci_hcd.0/1-1", False),
        (1, "platform-vhci_hcd.0/1-2", True),
        (4, "platform-vhci_hcd.1/1-1", True),
        (5, "platform-vhci_hcd.1/1-2", True),
    ]
    assert place_of("virtual/1-3", found).usb_path == "platform-vhci_hcd.1/1-1"


@pytest.mark.parametrize("slot", ["virtual/1-5", "virtual/1-0", "1-1", "virtual/1-1.2", ""])
def test_a_slot_that_is_none_is_refused(slot: str) -> None:
    """Too high a number, or no slot at all."""
    with pytest.raises(NoPortError):
        place_of(slot, places([FIRST, SECOND]))


def test_a_kernel_without_the_module_is_said_so(tmp_path: Path) -> None:
    """With the command that loads it."""
    with pytest.raises(NoPortError, match="modprobe vhci-hcd"):
        all_places(controller=tmp_path)


def descriptors(kind: str, *, mac: str | None) -> list[bytes]:
    """Return the descriptors of a router's configuration."""
    router = UsbRouter(
        UsbIdentity(
            vid=0x1782,
            pid=0x4D11,
            serial="S1",
            mac=mac,
            kind="acm" if kind == "acm" else "vendor",
        ),
        on_bytes=[_ignore, _ignore],
        on_frame=_ignore,
    )
    try:
        return [bytes(d) for d in core.iter_descriptors(router.device.config_bytes())]
    finally:
        router.close()


def _ignore(data: bytes) -> None:
    assert data


def interfaces(found: list[bytes]) -> list[tuple[int, int, int, int]]:
    """Return number, alternate setting, class and subclass of each interface descriptor."""
    return [(d[2], d[3], d[5], d[6]) for d in found if d[1] == 0x04]


def test_ecm_comes_first_and_vendor_ports_have_one_interface_each() -> None:
    """Network at 0 and 1, AT at 2 and 3, as the model files have it."""
    found = descriptors("vendor", mac="02:00:5e:10:00:01")

    assert interfaces(found) == [
        (0, 0, 0x02, 0x06),
        (1, 0, 0x0A, 0x00),
        (1, 1, 0x0A, 0x00),
        (2, 0, 0xFF, 0x00),
        (3, 0, 0xFF, 0x00),
    ]


def test_unions_name_the_real_interfaces() -> None:
    """The Union descriptors of a composite: (0, 1) ECM, (2, 3) and (4, 5) ACM."""
    found = descriptors("acm", mac="02:00:5e:10:00:01")

    assert [tuple(d[3:5]) for d in found if d[1] == 0x24 and d[2] == 0x06] == [
        (0, 1),
        (2, 3),
        (4, 5),
    ]


def test_no_two_endpoints_have_one_address() -> None:
    """Eleven endpoints at most, each its own."""
    found = descriptors("acm", mac="02:00:5e:10:00:01")
    addresses = [d[2] for d in found if d[1] == 0x05]

    assert len(addresses) == len(set(addresses)) == 9


def test_a_router_without_network_has_ports_only() -> None:
    """The ports move up to interface 0."""
    assert interfaces(descriptors("vendor", mac=None)) == [(0, 0, 0xFF, 0), (1, 0, 0xFF, 0)]


UDP = bytes.fromhex(
    "ffffffffffff02760c00000008004500002000010000401100000a0000010a00000200430044000c000061626364"
)


def test_an_open_checksum_is_completed() -> None:
    """UDP 67 to 68, 12 bytes, "abcd", 10.0.0.1 to 10.0.0.2: summed by hand, 0x2686."""
    frame = completed(UDP)

    assert frame[40:42].hex() == "2686"
    assert frame[:40] == UDP[:40]
    assert frame[42:] == UDP[42:]


def test_the_sum_is_that_of_the_rfcs_example() -> None:
    """RFC 1071, clause 3: 0001 f203 f4f5 f6f7 gives ddf2."""
    assert internet_sum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2


@pytest.mark.parametrize("length", range(len(UDP)))
def test_a_short_frame_is_left_alone(length: int) -> None:
    """Whatever is cut off: unchanged, no error."""
    assert completed(UDP[:length]) == UDP[:length]


def test_arp_and_fragments_are_left_alone() -> None:
    """No checksum of ours is in them."""
    arp = UDP[:12] + b"\x08\x06" + UDP[14:]
    fragment = UDP[:20] + b"\x20\x00" + UDP[22:]

    assert completed(arp) == arp
    assert completed(fragment) == fragment
