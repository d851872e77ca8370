"""PDN connections as the kernel carries them: a pair of interfaces, a shaper each way, counters.

The downlink shaper is where a carrier has it, on the way to the router; the uplink shaper sits
on the router's end of the pair, because a modem sends only what the network grants it.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass

from devices.virtual import identity
from devices.virtual.ethtool import compute_checksums
from devices.virtual.fabric import remove_if_there
from devices.virtual.impairment import Detour, Impairment
from devices.virtual.namespaces import inside
from devices.virtual.netlink import Rtnl
from devices.virtual.subscribers import CoreNetwork, Shaper

INTERFACES = {"seed": "seed0", "main": "wwan0"}
MTU = 1500
_FRAME_BYTES = 1600
_BUCKET_MIN_BYTES = 5000
_BUCKET_S = 0.005
_QUEUE_MIN_BYTES = 30_000
_QUEUE_S = 0.15
_BITS_PER_BYTE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What both directions of a bearer are held to.

    Attributes:
        downlink_bps: Towards the router.
        uplink_bps: From the router.
        mode: ``shaper`` queues, ``policer`` drops.
        bucket_bytes: Token bucket; ``None`` is a matter of the rate.
        queue_bytes: Queue; ``None`` is a matter of the rate.
    """

    downlink_bps: int
    uplink_bps: int
    mode: str
    bucket_bytes: int | None
    queue_bytes: int | None


@dataclass(slots=True, kw_only=True)
class Bearer:
    """A PDN connection.

    Attributes:
        core: Whose it is.
        router_fd: The router's namespace.
        ifname: Its interface there.
        port: The interface at the gateway.
        address: The router's address.
        gateway: Its next hop.
        mac: The router's end.
        rates: What it is held to.
        detour: What bends its packets.
        counted: L3 bytes (down, up) already booked.
    """

    core: CoreNetwork
    router_fd: int
    ifname: str
    port: str
    address: str
    gateway: str
    mac: str
    rates: Rates | None = None
    detour: Detour | None = None
    counted: tuple[int, int] = (0, 0)


class Gateways:
    """The gateways of all core networks; one routing socket a namespace, opened once.

    Args:
        core_fds: Namespaces of the core networks.
    """

    def __init__(self, core_fds: tuple[int, ...]) -> None:
        self._core_fds = core_fds
        self._cores = [Rtnl(fd) for fd in core_fds]
        self._routers: dict[int, Rtnl] = {}
        self._serial = 0
        for number, rtnl in enumerate(self._cores):
            rtnl.address("lo", f"{gateway_of(number)}/32")

    def _router(self, router_fd: int) -> Rtnl:
        if router_fd not in self._routers:
            self._routers[router_fd] = Rtnl(router_fd)
        return self._routers[router_fd]

    def connect(self, core: CoreNetwork, router_fd: int, stack: str) -> Bearer:
        """Put a bearer's interface into a router, addressed and up."""
        self._serial += 1
        serial = self._serial
        rtnl, router = self._cores[core.number], self._router(router_fd)
        bearer = Bearer(
            core=core,
            router_fd=router_fd,
            ifname=INTERFACES[stack],
            port=f"ue{serial}",
            address=address_of(core.number, serial),
            gateway=gateway_of(core.number),
            mac=_mac(0x1B, serial),
        )
        remove_if_there(router, [bearer.ifname])
        near_mac, far_mac = _mac(0x1A, serial), bearer.mac
        rtnl.veth(bearer.port, near_mac, bearer.ifname, far_mac, router_fd)
        for netns_fd, ifname in (
            (self._core_fds[core.number], bearer.port),
            (router_fd, bearer.ifname),
        ):
            with inside(netns_fd):
                compute_checksums(ifname)
        rtnl.up(bearer.port)
        router.address(bearer.ifname, f"{bearer.address}/32")
        router.up(bearer.ifname)
        router.neighbour(bearer.ifname, bearer.gateway, near_mac)
        rtnl.route(f"{bearer.address}/32", name=bearer.port)
        rtnl.neighbour(bearer.port, bearer.address, far_mac)
        return bearer

    def shape(self, bearer: Bearer, rates: Rates) -> bool:
        """Hold a bearer to its rates; say whether anything had to change."""
        if bearer.rates == rates:
            return False
        ends = (
            (self._cores[bearer.core.number], bearer.port, rates.downlink_bps),
            (self._router(bearer.router_fd), bearer.ifname, rates.uplink_bps),
        )
        for rtnl, ifname, rate_bps in ends:
            bucket, queue = bucket_and_queue(rate_bps, rates)
            rtnl.tbf(ifname, rate_bps=rate_bps, bucket_bytes=bucket, queue_bytes=queue)
        bearer.rates = rates
        return True

    def impair(self, bearer: Bearer, impairment: Impairment) -> bool:
        """Delay or lose a bearer's packets; say whether anything had to change."""
        old = Impairment() if bearer.detour is None else bearer.detour.impairment
        if old == impairment:
            return False
        rtnl, host = self._cores[bearer.core.number], f"{bearer.address}/32"
        if impairment.is_none:
            self._straighten(bearer)
            rtnl.route(host, name=bearer.port)
        elif bearer.detour is not None:
            bearer.detour.impairment = impairment
        else:
            name = f"far{bearer.port}"
            bearer.detour = Detour(
                core_fd=self._core_fds[bearer.core.number],
                name=name,
                port=bearer.port,
                mac=bearer.mac,
                impairment=impairment,
                # Chance needs to be the same in each run, not to be secret.
                randomness=random.Random(bearer.port),  # noqa: S311
            )
            rtnl.up(name)
            rtnl.route(host, name=name)
        return True

    @staticmethod
    def _straighten(bearer: Bearer) -> None:
        if bearer.detour is not None:
            bearer.detour.close()
            bearer.detour = None

    def count(self, bearer: Bearer) -> tuple[int, int]:
        """Return L3 bytes (down, up) since the last call, as the gateway's port saw them."""
        counters = self._cores[bearer.core.number].counters(bearer.port)
        total = (counters.tx_l3_bytes, counters.rx_l3_bytes)
        fresh = (total[0] - bearer.counted[0], total[1] - bearer.counted[1])
        bearer.counted = total
        return fresh

    def disconnect(self, bearer: Bearer) -> None:
        """Remove a bearer's interfaces; may be called again."""
        self._straighten(bearer)
        remove_if_there(self._cores[bearer.core.number], [bearer.port])

    def close(self) -> None:
        """Close the routing sockets."""
        for rtnl in (*self._cores, *self._routers.values()):
            with contextlib.suppress(OSError):
                rtnl.close()


def bucket_and_queue(rate_bps: int, rates: Rates) -> tuple[int, int]:
    """Return a token bucket and a queue that give the rate exactly, in bytes.

    A queue of one frame is a policer; a bucket of 5 ms covers a late timer of a busy machine.
    """
    per_s = rate_bps / _BITS_PER_BYTE
    bucket = rates.bucket_bytes or max(_BUCKET_MIN_BYTES, round(per_s * _BUCKET_S))
    if rates.mode == "policer":
        return bucket, _FRAME_BYTES
    return bucket, rates.queue_bytes or max(_QUEUE_MIN_BYTES, round(per_s * _QUEUE_S))


def rates_for(core: CoreNetwork, throttle_bps: int | None, shaper: Shaper) -> Rates:
    """Return what a line is held to: the lab's word first, then contract, regulation, network."""
    limits = [rate for rate in (throttle_bps, core.regulation_bps) if rate is not None]
    contract_bps = min([core.rate_bps, *limits])
    return Rates(
        downlink_bps=shaper.downlink_bps or contract_bps,
        uplink_bps=shaper.uplink_bps or contract_bps,
        mode=shaper.mode,
        bucket_bytes=shaper.bucket_bytes,
        queue_bytes=shaper.queue_bytes,
    )


def gateway_of(core_number: int) -> str:
    """Return a core network's gateway address."""
    return identity.pool_network(core_number).replace("0.0/16", "0.1")


def address_of(core_number: int, serial: int) -> str:
    """Return the address of a bearer, by its serial number."""
    prefix = identity.pool_network(core_number).removesuffix("0.0/16")
    host = serial % 0xFDFF + 0x100  # .0.x is the gateway's
    return f"{prefix}{host >> 8}.{host & 0xFF}"


def _mac(kind: int, serial: int) -> str:
    return (
        f"02:76:{kind:02x}:{serial >> 16 & 0xFF:02x}:{serial >> 8 & 0xFF:02x}:{serial & 0xFF:02x}"
    )
