"""The same work by other tools; run in namespaces of its own: `unshare --net --mount`.

Prints one JSON object: name of the peer to the seconds of each run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

RUNS = 5
SETUP = """\
ip netns add dut
ip link add vusb0 type veth peer name far0
ip link set vusb0 netns dut name lan0
ip -n dut link set lo up
ip -n dut addr add 10.9.0.2/24 dev lan0
ip -n dut link set lan0 up
ip -n dut route add default via 10.9.0.1
tc -n dut qdisc add dev lan0 root tbf rate 10mbit burst 6250 limit 125000
ip -n dut link add ifb0 type ifb
ip -n dut link set ifb0 up
tc -n dut qdisc add dev ifb0 root tbf rate 10mbit burst 6250 limit 125000
tc -n dut qdisc add dev lan0 ingress
tc -n dut filter add dev lan0 parent ffff: protocol all u32 match u32 0 0 action mirred \
egress redirect dev ifb0
"""
TEARDOWN = "ip link del far0\nip netns del dut\n"
CHANGE = "tc -n dut qdisc change dev lan0 root tbf rate 5mbit burst 6250 limit 125000\n"


def _commands(script: str) -> float:
    start = time.perf_counter()
    for line in script.replace("\\\n", "").splitlines():
        subprocess.run(line.split(), check=True)
    return time.perf_counter() - start


def _pyroute2() -> tuple[float, float]:
    from pyroute2 import IPRoute, NetNS, netns  # noqa: PLC0415 - a second, not to be timed

    start = time.perf_counter()
    with IPRoute() as host:
        host.link("add", ifname="vusb0", kind="veth", peer={"ifname": "far0"})
        index = host.link_lookup(ifname="vusb0")[0]
        with NetNS("dut") as dut:
            host.link("set", index=index, net_ns_fd="dut", ifname="lan0")
            lan = dut.link_lookup(ifname="lan0")[0]
            dut.link("set", index=1, state="up")
            dut.addr("add", index=lan, address="10.9.0.2", prefixlen=24)
            dut.link("set", index=lan, state="up")
            dut.route("add", dst="default", gateway="10.9.0.1")
            dut.tc("add", "tbf", lan, rate="10mbit", burst=6250, limit=125000, latency="100ms")
            dut.link("add", ifname="ifb0", kind="ifb")
            ifb = dut.link_lookup(ifname="ifb0")[0]
            dut.link("set", index=ifb, state="up")
            dut.tc("add", "tbf", ifb, rate="10mbit", burst=6250, limit=125000, latency="100ms")
            dut.tc("add", "ingress", lan)
            up_s = time.perf_counter() - start
            start = time.perf_counter()
        host.link("del", index=host.link_lookup(ifname="far0")[0])
    netns.remove("dut")
    return up_s, time.perf_counter() - start


def main() -> None:
    """Run every peer and print its times."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    Path("/run/netns").mkdir()
    times: dict[str, list[float]] = {}
    for _ in range(RUNS):
        times.setdefault("ip, tc up", []).append(_commands(SETUP))
        times.setdefault("tc change", []).append(_commands(CHANGE))
        times.setdefault("ip, tc down", []).append(_commands(TEARDOWN))
    for _ in range(RUNS):
        up_s, down_s = _pyroute2()
        times.setdefault("pyroute2 up", []).append(up_s)
        times.setdefault("pyroute2 down", []).append(down_s)
    json.dump(times, sys.stdout)


if __name__ == "__main__":
    main()
