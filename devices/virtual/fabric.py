"""The wiring that does not change while the world runs: internet, core networks, taps, LANs.

All namespaces are anonymous; the interfaces in the bench's namespace are the far ends of
pairs. They are taken away at the end; after a kill they go when the kernel gives up the namespaces.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.virtual import identity
from devices.virtual.namespaces import inside, new_namespace
from devices.virtual.netlink import Rtnl, forward_packets

BRIDGE = "br-inet"
CORE_LEG = "inet"
MIRROR_SOURCE = "mirror"
TAP = "mir0"
UPLINK = "inet0"
_LAB = "lab"
ROUTER_LAN = "lan0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """Descriptors of the world's namespaces.

    Attributes:
        internet_fd: Where the services and the test server's far end are.
        core_fds: One for each core network; the first is the seed network's.
        router_fds: One for each router.
    """

    internet_fd: int
    core_fds: tuple[int, ...]
    router_fds: tuple[int, ...]


def build(*, cores: int, routers: int) -> Fabric:
    """Make the namespaces and wire them; the calling thread stands in the bench's namespace."""
    fabric = Fabric(
        internet_fd=new_namespace(),
        core_fds=tuple(new_namespace() for _ in range(cores)),
        router_fds=tuple(new_namespace() for _ in range(routers)),
    )
    for netns_fd in (fabric.internet_fd, *fabric.core_fds, *fabric.router_fds):
        with inside(netns_fd):
            # The world speaks IPv4; the kernel's own IPv6 chatter would be on every tap.
            Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1", encoding="ascii")
            Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1", encoding="ascii")
    _build_internet(fabric)
    for number, core_fd in enumerate(fabric.core_fds):
        _build_core(core_fd, number)
    for router_fd in fabric.router_fds:
        with Rtnl(router_fd) as rtnl:
            rtnl.up("lo")
    _build_bench_legs(fabric)
    return fabric


def _build_internet(fabric: Fabric) -> None:
    with Rtnl(fabric.internet_fd) as rtnl:
        rtnl.up("lo")
        rtnl.bridge(BRIDGE, identity.BRIDGE_MAC)
        rtnl.up(BRIDGE)
        services = (identity.ACCESS, identity.CORE_API, identity.POWER, identity.DNS)
        for address in (identity.GATEWAY, *services):
            rtnl.address(BRIDGE, f"{address}/24")
        for number, core_fd in enumerate(fabric.core_fds):
            port = f"core{number}"
            rtnl.veth(port, _port_mac(number), CORE_LEG, identity.core_mac(number), core_fd)
            rtnl.join_bridge(port, BRIDGE)
            rtnl.up(port)
            leg = identity.core_address(number)
            rtnl.neighbour(BRIDGE, leg, identity.core_mac(number))
            rtnl.route(identity.pool_network(number), gateway=leg)
        rtnl.neighbour(BRIDGE, identity.UPLINK, identity.UPLINK_MAC)
    _become_router(fabric.internet_fd)


def _build_core(core_fd: int, number: int) -> None:
    with Rtnl(core_fd) as rtnl:
        rtnl.up("lo")
        rtnl.up(CORE_LEG)
        rtnl.address(CORE_LEG, f"{identity.core_address(number)}/24")
        services = (identity.ACCESS, identity.CORE_API, identity.POWER, identity.DNS)
        for address in (identity.GATEWAY, *services):
            rtnl.neighbour(CORE_LEG, address, identity.BRIDGE_MAC)
        rtnl.neighbour(CORE_LEG, identity.UPLINK, identity.UPLINK_MAC)
        rtnl.route("0.0.0.0/0", gateway=identity.GATEWAY)
    _become_router(core_fd)


def _build_bench_legs(fabric: Fabric) -> None:
    with Rtnl() as bench:
        bench.veth(UPLINK, identity.UPLINK_MAC, _LAB, _port_mac(200), fabric.internet_fd)
        bench.veth(TAP, _port_mac(201), MIRROR_SOURCE, _port_mac(202), fabric.core_fds[0])
    with Rtnl(fabric.internet_fd) as rtnl:
        rtnl.join_bridge(_LAB, BRIDGE)
        rtnl.up(_LAB)
    with Rtnl(fabric.core_fds[0]) as rtnl:
        rtnl.up(MIRROR_SOURCE)


def unplug_bench(fabric: Fabric) -> None:
    """Take the bench's legs away, wherever the bench has moved its ends; may be called again.

    They would go with their namespaces, but the kernel keeps a namespace for as long as one of
    its connections is still closing: minutes, when the other side has gone without a word.
    """
    for netns_fd, leg in ((fabric.internet_fd, _LAB), (fabric.core_fds[0], MIRROR_SOURCE)):
        with Rtnl(netns_fd) as rtnl:
            remove_if_there(rtnl, [leg])


def _become_router(netns_fd: int) -> None:
    with inside(netns_fd):
        forward_packets()
        conf = Path("/proc/sys/net/ipv4/conf")
        for name in ("all", "default"):
            (conf / name / "send_redirects").write_text("0", encoding="ascii")
            (conf / name / "rp_filter").write_text("0", encoding="ascii")
        for path in conf.glob("*/send_redirects"):
            path.write_text("0", encoding="ascii")


def _port_mac(number: int) -> str:
    return f"02:76:0e:00:00:{number:02x}"


def plug_lan(ifname: str, number: int, router_fd: int) -> None:
    """Plug a router's USB network into the bench's namespace."""
    with Rtnl() as bench:
        bench.veth(
            ifname, identity.usb_mac(number), ROUTER_LAN, identity.lan_mac(number), router_fd
        )


def unplug_lan(router_fd: int) -> None:
    """Pull a router's USB network, wherever the bench has moved its end; may be called again."""
    with Rtnl(router_fd) as rtnl:
        remove_if_there(rtnl, [ROUTER_LAN])


def remove_if_there(rtnl: Rtnl, names: Sequence[str]) -> None:
    """Remove interfaces that may be gone already."""
    for name in names:
        try:
            rtnl.delete(name)
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
