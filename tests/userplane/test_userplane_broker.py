"""``harness.userplane.broker``: namespaces and sockets from one privileged child."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError
from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.links import InterfaceGoneError
from harness.userplane.throttle import State
from harness.userplane.throttle_bench import BenchThrottle

if TYPE_CHECKING:
    from tests.userplane.conftest import Pair


def test_an_adopted_interface_has_its_new_name_and_is_gone_from_the_first_namespace(
    pair: Pair,
) -> None:
    """Adopting moves and renames; the old name is remembered on the interface."""
    lan = pair.bench.interface("lan0")

    assert lan.kind == "veth"
    assert lan.up
    assert lan.alias == "cloudsim-harness moved vusb0"
    assert [link.name for link in pair.broker.first.interfaces()] == ["lo"]


def test_releasing_puts_the_interface_back_under_its_old_name(pair: Pair) -> None:
    """A released interface is in the first namespace again, without our text on it."""
    assert pair.bench.release() is True

    back = pair.broker.first.interface("vusb0")
    assert back.alias == ""
    assert [link.name for link in pair.bench.interfaces()] == ["lo"]


def test_closing_a_namespace_gives_its_interfaces_back(pair: Pair) -> None:
    """What was adopted is not lost with the namespace; closing twice is allowed."""
    pair.bench.close()
    pair.bench.close()

    assert pair.broker.first.interface("vusb0").name == "vusb0"


def test_a_tcp_connection_stays_in_the_namespace_it_came_from(pair: Pair) -> None:
    """Sockets by descriptor connect through the router's namespace from any thread."""
    server = pair.router.socket(socket.AF_INET, socket.SOCK_STREAM, bind=("10.9.0.1", 80))
    server.listen()
    names: list[str] = []

    def connect() -> None:
        deadline = Deadline.after(5.0, SystemClock())
        with pair.bench.connected("10.9.0.1", 80, deadline) as sock:
            names.append(sock.getsockname()[0])

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    peer, address = server.accept()
    peer.close()
    server.close()

    assert names == ["10.9.0.2"]
    assert address[0] == "10.9.0.2"


def test_a_refused_connection_names_the_router_and_the_address(pair: Pair) -> None:
    """A port that nobody serves is the bench's error with who, where and why."""
    with pytest.raises(BenchError, match=r"bench: no TCP connection to 10\.9\.0\.1 port 81"):
        pair.bench.connected("10.9.0.1", 81, Deadline.after(5.0, SystemClock()))


def test_ten_routers_with_the_same_addresses_do_not_meet(broker: Broker) -> None:
    """Each namespace reaches its own 192.168.43.1, and says which one; all have one MAC."""
    reached = []
    held = []
    for number in range(10):
        router = broker.namespace(f"router{number}")
        broker.first.perform(
            links.new_veth(f"vusb{number}", "far0", peer_namespace_fd=router.broker_fd)
        )
        router.perform(links.set_mac(router.interface("far0").index, "00:11:12:13:14:15"))
        router.address("192.168.43.1/24", ifname="far0")
        bench = broker.namespace(f"r{number}")
        near = broker.first.interface(f"vusb{number}").index
        broker.first.perform(links.set_mac(near, "00:11:12:13:14:16"))
        bench.adopt(f"vusb{number}")
        bench.address("192.168.43.2/24", "192.168.43.1")
        server = router.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=("192.168.43.1", 7))
        held.append(server)
        client = bench.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.sendto(b"%d" % number, ("192.168.43.1", 7))
        held.append(client)
    for server in held[::2]:
        server.settimeout(5.0)
        reached.append(server.recv(100))
    for sock in held:
        sock.close()

    assert reached == [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9"]


def test_an_interface_that_is_not_there_is_the_benchs_error(broker: Broker) -> None:
    """Adopting an interface that vanished says that it did."""
    bench = broker.namespace("r1")

    with pytest.raises(InterfaceGoneError, match=r"adopt: vusb7: No such device; is the router"):
        bench.adopt("vusb7")


def test_an_interface_that_vanishes_is_told_by_the_monitor(pair: Pair) -> None:
    """When the far end is deleted the monitor of the namespace names lan0."""
    monitor = pair.bench.monitor()
    far = pair.router.interface("far0")
    pair.router.perform(links.delete_link(far.index))
    gone: list[str] = []
    while not gone:
        gone = [link.name for there, link in monitor.wait(5.0) if not there]
    monitor.close()

    assert gone == ["lan0"]


def test_an_interface_that_comes_back_is_fetched_again(pair: Pair) -> None:
    """After re-enumeration the interface is found in the first namespace and adopted."""
    far = pair.router.interface("far0")
    pair.router.perform(links.delete_link(far.index))
    pair.broker.first.perform(
        links.new_veth("vusb5", "far0", peer_namespace_fd=pair.router.broker_fd)
    )

    link = pair.bench.refetch(
        lambda link: link.name.startswith("vusb"), Deadline.after(5.0, SystemClock())
    )

    assert link.name == "lan0"
    assert link.alias == "cloudsim-harness moved vusb5"


def test_waiting_for_an_interface_ends_with_the_deadline(pair: Pair) -> None:
    """An interface that does not come back is an error that says how long was waited."""
    with pytest.raises(BenchError, match=r"bench: no interface came back after 0\.\d s"):
        pair.bench.refetch(lambda link: link.name == "x", Deadline.after(0.05, SystemClock()))


def test_a_spawned_program_runs_in_the_first_namespace(broker: Broker, tmp_path: Path) -> None:
    """Its standard streams come back, and it sees the broker's interfaces, not the host's."""
    code = "import socket,sys; print(len(socket.if_nameindex()), flush=True); sys.stdin.read()"
    program = broker.spawn([sys.executable, "-c", code], stderr=tmp_path / "log")
    line = program.stdout.readline()
    seen = program.returncode()

    assert (line, seen) == (b"1\n", None)
    assert program.close() == 0
    assert program.close() is None


def test_a_spawned_program_ends_with_the_broker(tmp_path: Path) -> None:
    """Closing the broker kills what it started."""
    with Broker.start(private=True) as broker:
        code = "import time; print(1, flush=True); time.sleep(60)"
        program = broker.spawn([sys.executable, "-c", code], stderr=tmp_path / "log")
        program.stdout.readline()
    ended = program.ended(5.0)
    program.stdin.close()
    program.stdout.close()
    os.close(program.pidfd)

    assert ended


def test_a_program_that_is_not_there_is_the_benchs_error(broker: Broker, tmp_path: Path) -> None:
    """Starting it names the reason."""
    with pytest.raises(BenchError, match="No such file"):
        broker.spawn(["/nonexistent/program"], stderr=tmp_path / "log")


HARNESS = """
import sys, time
from harness.userplane import links
from harness.userplane.broker import Broker
broker = Broker.start(private=True)
program = broker.spawn([sys.executable, "-c", "import time; time.sleep(60)"], stderr=PATH)
print(broker.pid, program.pid, flush=True)
time.sleep(60)
"""


def test_killing_the_harness_leaves_no_process(tmp_path: Path) -> None:
    """After kill -9 of the harness the broker and what it started are gone."""
    code = HARNESS.replace("PATH", f"__import__('pathlib').Path({str(tmp_path / 'log')!r})")
    harness = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert harness.stdout is not None
    pids = [int(text) for text in harness.stdout.readline().split()]
    watched = [os.pidfd_open(pid) for pid in pids]
    harness.send_signal(signal.SIGKILL)
    harness.wait()
    harness.stdout.close()
    ended = [bool(select.select([fd], [], [], 10.0)[0]) for fd in watched]
    for fd in watched:
        os.close(fd)

    assert ended == [True, True]


def test_a_killed_broker_is_named_in_the_error(broker: Broker) -> None:
    """The next request after kill -9 of the broker says so."""
    os.kill(broker.pid, signal.SIGKILL)

    with pytest.raises(BenchError, match=r"broker: .* at 'namespace'; was it killed\?"):
        broker.namespace("r1")


def test_what_a_killed_broker_left_is_swept(pair: Pair) -> None:
    """An interface that lies in the first namespace with our text gets its old name back."""
    lan = pair.bench.interface("lan0")
    first_fd = pair.broker.first.broker_fd
    pair.bench.perform(links.move(lan.index, namespace_fd=first_fd, name="lan0", alias=lan.alias))

    swept = pair.broker.sweep()

    assert [(one.name, one.done) for one in swept] == [("lan0", "renamed to vusb0")]
    assert pair.broker.first.interface("vusb0").alias == ""
    assert pair.broker.sweep() == []


def test_a_name_that_is_taken_by_now_is_not_fought_over(pair: Pair) -> None:
    """The interface comes back as dut0 and gets its old name as soon as that is free."""
    pair.broker.first.perform(links.new_link("vusb0", "ifb"))
    assert pair.bench.release() is True
    taken = [(one.name, one.done) for one in pair.broker.sweep()]
    other = pair.broker.first.interface("vusb0")
    pair.broker.first.perform(links.delete_link(other.index))
    free = [(one.name, one.done) for one in pair.broker.sweep()]

    assert taken == [("dut0", "left so: another one is called vusb0")]
    assert free == [("dut0", "renamed to vusb0")]
    assert pair.broker.first.interface("vusb0").kind == "veth"


def test_a_bench_started_by_hand_can_be_joined(broker: Broker, tmp_path: Path) -> None:
    """A second broker works in the namespaces of a running program."""
    broker.first.perform(links.new_veth("vusb0", "vusb1"))
    program = broker.spawn([sys.executable, "-c", "input()"], stderr=tmp_path / "log")
    with Broker.start(private=False, join_pid=program.pid) as second:
        names = sorted(link.name for link in second.first.interfaces())
    program.close()

    assert names == ["lo", "vusb0", "vusb1"]


def test_joining_a_process_that_is_not_there_says_so() -> None:
    """The error names the process."""
    with pytest.raises(BenchError, match="cannot enter the namespaces of process 4194304"):
        Broker.start(private=False, join_pid=4194304)


ROOT_BENCH = """
import sys, time
from harness.userplane.broker import Broker
broker = Broker.start(private=False)
bench = broker.namespace("r1")
bench.adopt("vusb0")
if sys.argv[1:]:
    from harness.userplane.throttle import Injection, RateLimit
    from harness.userplane.throttle_bench import BenchThrottle
    limit = RateLimit(rate_bps=1_000_000)
    BenchThrottle(bench).apply(Injection(uplink=limit, downlink=limit))
print(broker.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("throttled", [[], ["throttled"]], ids=["plain", "throttled"])
def test_killing_the_harness_of_a_real_bench_puts_the_interface_back(
    broker: Broker, tmp_path: Path, throttled: list[str]
) -> None:
    """A broker in the host's own namespace (here: ours) gives back what it took, and ends."""
    broker.first.perform(links.new_veth("vusb0", "far0"))
    harness = broker.spawn([sys.executable, "-c", ROOT_BENCH, *throttled], stderr=tmp_path / "log")
    inner = os.pidfd_open(int(harness.stdout.readline()))
    while_taken = sorted(link.name for link in broker.first.interfaces())
    harness.send_signal(signal.SIGKILL)
    ended = bool(select.select([inner], [], [], 10.0)[0])
    os.close(inner)
    harness.close()

    assert while_taken == ["far0", "lo"]
    assert ended
    assert broker.first.interface("vusb0").alias == ""
    assert BenchThrottle(broker.first, "vusb0").state() == State()
    assert sorted(link.name for link in broker.first.interfaces()) == ["far0", "lo", "vusb0"]


FORBIDDEN = """
import os, sys
from pathlib import Path
from harness.userplane.namespace_calls import CLONE_NEWUSER, unshare
unshare(CLONE_NEWUSER)
Path("/proc/sys/user/max_user_namespaces").write_text("0")
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
START = """
from harness.core.errors import BenchError
from harness.userplane.broker import Broker
try:
    Broker.start(private=True)
except BenchError as error:
    print(error)
"""


def test_without_root_and_user_namespaces_the_cure_is_told() -> None:
    """Where both are forbidden the error names the switch that forbids them."""
    done = subprocess.run(
        [sys.executable, "-c", FORBIDDEN, START], check=True, capture_output=True, text=True
    )

    assert done.stdout.strip() == (
        "broker: neither root nor a user namespace is to be had here (No space left on device): "
        "sysctl user.max_user_namespaces is 0; run as root, or allow unprivileged user namespaces"
    )
