"""The supervisor: builds the fabric, starts the processes, tells the lab what is plugged in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from devices.virtual import identity
from devices.virtual.bench_faults import drop_usb, stall_host, steal_port
from devices.virtual.channel import Channel, Message
from devices.virtual.child import Child
from devices.virtual.errors import WorldError
from devices.virtual.fabric import ROUTER_LAN, plug_lan, unplug_lan
from devices.virtual.lab_file import RouterEntry
from devices.virtual.world import World, announcement, router_spec

READY_S = 20.0
_READY_A_ROUTER_S = 1.0
_SLOW_BOOT_S = 60.0
"""What the planted fault adds to a boot, in seconds."""
_RESTART_AFTER_S = 0.2
# USB ids by firmware style: Unisoc and MediaTek, as their chips show themselves.
_USB_IDS = {"virtual-mediatek": ("0e8d", "2028")}
_USB_IDS_ELSE = ("1782", "4d11")
_NET_INTERFACE = 0

Emit = Callable[[Message], None]


@dataclass(slots=True, kw_only=True)
class Outlet:
    """A router on the bench: its process while it has power, and what it shows on USB.

    Attributes:
        number: Outlet of the power strip, and index of the router.
        entry: What ``lab.toml`` says.
        netns_fd: Its namespace.
        process: Its firmware; ``None`` without power.
        channel: Line to the firmware.
        shown: Functions on USB now.
        ttys: Reported since the last time it (re)appeared.
        ready: Set once it is on USB.
        has_card: Whether the card of its own, if it has one, is in the slot.
        has_dropped: Whether the planted drop of USB is over.
    """

    number: int
    entry: RouterEntry
    netns_fd: int
    process: Child | None = None
    channel: Channel | None = None
    shown: list[Message] = field(default_factory=list)
    ttys: list[Message] = field(default_factory=list)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    has_card: bool = True
    has_dropped: bool = False


class Supervisor:
    """Runs the world's processes.

    Args:
        world: What to run.
        emit: Takes one message for the lab.
        ready_s: Longest time to be ready in, beside a second a router.
    """

    def __init__(self, world: World, emit: Emit, *, ready_s: float = READY_S) -> None:
        self._world = world
        self._ready_s = ready_s
        self._emit_now = emit
        self._early: list[Message] = []
        self._offset_s = world.offset_s
        self._children: dict[str, Child] = {}
        self._channels: dict[str, Channel] = {}
        self._ready = {name: asyncio.Event() for name in ("network", "access_server")}
        self._interfaces = 0
        self._announced = False
        self.broken = asyncio.Event()
        self.broken_by = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._outlets = [
            Outlet(number=number, entry=entry, netns_fd=fd)
            for number, (entry, fd) in enumerate(
                zip(world.lab.routers, world.fabric.router_fds, strict=True)
            )
        ]

    async def start(self) -> None:
        """Start everything, then say what is plugged in: nothing is said before that.

        Raises:
            WorldError: A process ended or was not ready in time.
        """
        await asyncio.gather(self._start_network(), self._start_access_server())
        limit_s = self._ready_s + _READY_A_ROUTER_S * len(self._outlets)
        if any(self._world.defects.on("boots_too_slowly", o.entry.name) for o in self._outlets):
            limit_s += _SLOW_BOOT_S
        waiting = [event.wait() for event in self._ready.values()]
        try:
            async with asyncio.timeout(limit_s):
                # The radio link must be there before the first router looks for it.
                await self._ready["network"].wait()
                await asyncio.gather(*(self._power_on(outlet) for outlet in self._outlets))
                await asyncio.gather(*waiting, *(o.ready.wait() for o in self._outlets))
        except TimeoutError:
            late = [name for name, event in self._ready.items() if not event.is_set()]
            late += [o.entry.name for o in self._outlets if not o.ready.is_set()]
            msg = f"not ready after {limit_s} s: {', '.join(late)}; {self._last_words(late)}"
            raise WorldError(msg) from None
        self._announced = True
        devices = [device for outlet in self._outlets for device in outlet.shown]
        self._emit_now(announcement(self._world, devices))
        for message in self._early:
            self._emit_now(message)

    def _emit(self, message: Message) -> None:
        if self._announced:
            self._emit_now(message)
        else:
            self._early.append(message)

    def stop(self) -> None:
        """End every process at once: what they must keep is on disk already."""
        processes = [*self._children.values(), *(o.process for o in self._outlets)]
        for process in processes:
            if process is not None:
                process.kill()

    def _background(self, coroutine: Any) -> None:  # noqa: ANN401 - any coroutine at all
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _break(self, name: str, code: int) -> None:
        self.broken_by = f"{name} ended with {code}; {self._last_words([name])}"
        self.broken.set()

    def _log_path(self, name: str) -> Path:
        return self._world.state_dir / f"{name}.log"

    def _last_words(self, names: list[str]) -> str:
        for name in names:
            with contextlib.suppress(OSError):
                lines = self._log_path(name).read_text(encoding="utf-8").splitlines()
                if lines:
                    return f"{name}: {lines[-1]}"
        return "they wrote nothing"

    async def _spawn(
        self, name: str, module: str, spec: Message, fds: list[int]
    ) -> tuple[Child, Channel]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        spec = {**spec, "control_fd": theirs.fileno()}
        process = Child(
            module, ["--spec", json.dumps(spec)], self._log_path(name), [*fds, theirs.fileno()]
        )
        theirs.close()
        return process, await Channel.over(ours)

    # -- services

    def _service_spec(self, service: str) -> Message:
        world = self._world
        return {
            "lab_file": str(world.lab_path),
            "state_dir": str(world.state_dir),
            "internet_fd": world.fabric.internet_fd,
            "certificate": str(world.certificates.server_file),
            "foreign_certificate": str(world.certificates.foreign_file),
            "token": identity.token(world.lab.conditions.random_seed, service),
            "offset_s": self._offset_s,
            "defects": sorted(world.defects.entries),
        }

    async def _start_network(self) -> None:
        fabric = self._world.fabric
        spec = self._service_spec("network")
        spec["core_fds"], spec["router_fds"] = list(fabric.core_fds), list(fabric.router_fds)
        spec["radio_socket"] = str(self._world.state_dir / "radio.sock")
        fds = [fabric.internet_fd, *fabric.core_fds, *fabric.router_fds]
        await self._start_service("network", spec, fds)

    async def _start_access_server(self) -> None:
        spec = self._service_spec("access_server")
        await self._start_service("access_server", spec, [self._world.fabric.internet_fd])

    async def _start_service(self, name: str, spec: Message, fds: list[int]) -> None:
        process, channel = await self._spawn(name, f"devices.virtual.{name}", spec, fds)
        self._children[name], self._channels[name] = process, channel
        self._background(self._follow_service(name, process, channel))

    async def _follow_service(self, name: str, process: Child, channel: Channel) -> None:
        async for message in channel.messages():
            await self._from_service(name, message)
        code = await process.wait()
        self._emit({"event": "log", "party": name, "text": f"{name} ended with {code}"})
        if name == "network" or not self._announced:
            self._break(name, code)
        if name == "access_server" and self._announced:
            # A server room has somebody who starts it again; its state is on disk.
            await asyncio.sleep(_RESTART_AFTER_S)
            await self._start_access_server()

    async def _from_service(self, name: str, message: Message) -> None:
        if message["t"] == "ready":
            self._ready[name].set()
        elif message["t"] == "log":
            self._emit({"event": "log", "party": name, "text": message["text"]})
        elif message["t"] == "clock":
            self._offset_s = message["offset_s"]
            self._channels["network"].send(message)
        elif message["t"] in {"power", "card"}:
            outlet = self._outlets[message["outlet"]]
            if message["t"] == "card":
                self._insert_card(outlet, is_in=message["on"])
            elif not self._world.defects.on("bench_strip_fakes_off", outlet.entry.name):
                await (self._power_on(outlet) if message["on"] else self._power_off(outlet))
            self._channels[name].send({"t": "done", "serial": message["serial"]})

    # -- routers

    def _spec_of(self, outlet: Outlet) -> Message:
        spec = router_spec(self._world, outlet.entry, outlet.netns_fd, self._offset_s)
        if not self._announced:  # a cable that drops does so once the lab is at work
            spec["defects"] = [d for d in spec["defects"] if not d.startswith("usb_drops_in_")]
        return spec if outlet.has_card else spec | {"physical_sim": None}

    def _insert_card(self, outlet: Outlet, *, is_in: bool) -> None:
        outlet.has_card = is_in
        if outlet.channel is not None and outlet.process is not None:
            outlet.channel.send({"t": "card", "inserted": is_in})

    async def _power_on(self, outlet: Outlet) -> None:
        if outlet.process is not None:
            return
        if self._world.defects.on("bench_host_stalls", outlet.entry.name) and self._announced:
            self._background(stall_host())
        outlet.ttys = []
        outlet.ready.clear()
        self._plug(outlet)
        outlet.process, outlet.channel = await self._spawn(
            outlet.entry.name,
            "devices.virtual.firmware",
            self._spec_of(outlet),
            [outlet.netns_fd],
        )
        self._background(self._follow_router(outlet, outlet.process, outlet.channel))

    async def _power_off(self, outlet: Outlet) -> None:
        process, outlet.process = outlet.process, None
        if process is None:
            return
        process.kill()
        await process.wait()
        self._disappear(outlet)

    async def _follow_router(self, outlet: Outlet, process: Child, channel: Channel) -> None:
        async for message in channel.messages():
            if outlet.process is process:
                self._from_router(outlet, message)
        code = await process.wait()
        if outlet.process is process:
            # Nobody cut its power: the firmware is gone, and so is everything it showed.
            outlet.process = None
            self._disappear(outlet)
            if not self._announced:
                self._break(outlet.entry.name, code)
            text = f"firmware of {outlet.entry.name} ended with {code}"
            self._emit({"event": "log", "party": "router", "text": text})

    def _from_router(self, outlet: Outlet, message: Message) -> None:
        kind = message.get("t")
        if kind == "tty":
            outlet.ttys.append(self._function(outlet, "tty", message["interface"], message["node"]))
        elif kind == "ready":
            self._appear(outlet)
        elif kind == "reenumerate" and message.get("down"):
            self._disappear(outlet)
        elif kind == "reenumerate":
            outlet.ttys = []
            self._plug(outlet)
            if outlet.channel is not None:
                outlet.channel.send({"t": "lan", "ifname": ROUTER_LAN})
        elif kind == "log":
            self._emit({"event": "log", "party": "router", "text": str(message.get("text"))})

    def _plug(self, outlet: Outlet) -> None:
        ifname = f"vusb{self._interfaces}"
        self._interfaces += 1
        unplug_lan(outlet.netns_fd)
        plug_lan(ifname, outlet.number, outlet.netns_fd)
        net = self._function(outlet, "net", _NET_INTERFACE, None)
        outlet.shown = []
        outlet.ttys.append(net | {"ifname": ifname, "mac": identity.usb_mac(outlet.number)})

    def _function(
        self, outlet: Outlet, subsystem: str, interface: int, node: str | None
    ) -> Message:
        function = {"subsystem": subsystem, "usb_path": outlet.entry.usb_path}
        extra = {} if node is None else {"node": node}
        return function | {"interface": interface, "driver": "virtual"} | extra

    def _appear(self, outlet: Outlet) -> None:
        vendor, product = _USB_IDS.get(outlet.entry.model, _USB_IDS_ELSE)
        usb = {
            "subsystem": "usb",
            "usb_path": outlet.entry.usb_path,
            "vid": vendor,
            "pid": product,
            "serial": outlet.entry.serial,
            "manufacturer": "Virtual",
            "product": "Pocket Router",
        }
        outlet.shown = [usb, *sorted(outlet.ttys, key=lambda f: (f["subsystem"] == "net", str(f)))]
        outlet.ready.set()
        self._plant(outlet)
        if self._announced:  # the first appearance is in the announcement
            for device in outlet.shown:
                self._emit({"event": "add", "device": device})

    def _plant(self, outlet: Outlet) -> None:
        """Let the bench's planted faults begin, once a router is on USB."""
        planted, router = self._world.defects.on, outlet.entry.name
        if planted("bench_port_stolen", router):
            node = next(device["node"] for device in outlet.shown if "node" in device)
            self._background(steal_port(node))
        # Once the lab is at work: a drop before that is nobody's to see.
        if self._announced and planted("bench_usb_drops", router) and not outlet.has_dropped:
            outlet.has_dropped = True
            off, on = partial(self._power_off, outlet), partial(self._power_on, outlet)
            self._background(drop_usb(off, on))

    def _disappear(self, outlet: Outlet) -> None:
        unplug_lan(outlet.netns_fd)
        for device in reversed(outlet.shown):
            self._emit({"event": "remove", "device": device})
        outlet.shown = []
        outlet.ready.clear()


async def supervise(world: World, emit: Emit, *, ready_s: float = READY_S) -> None:
    """Run a world until standard input is closed or a signal asks for the end."""
    supervisor = Supervisor(world, emit, ready_s=ready_s)
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    try:
        starting = asyncio.create_task(supervisor.start())
        ending = asyncio.create_task(end.wait())
        breaking = asyncio.create_task(supervisor.broken.wait())
        loop.add_reader(sys.stdin.fileno(), _read_or_end, end)
        first = asyncio.FIRST_COMPLETED
        await asyncio.wait({starting, ending, breaking}, return_when=first)
        if starting.done():
            starting.result()
            await asyncio.wait({ending, breaking}, return_when=first)
        else:
            starting.cancel()
        if breaking.done():
            raise WorldError(supervisor.broken_by)
    finally:
        supervisor.stop()


def _read_or_end(end: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        end.set()
