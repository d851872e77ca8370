"""``python -m devices.virtual.firmware --spec JSON``: one virtual router until the power goes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
from types import MappingProxyType

from devices.virtual.channel import Channel
from devices.virtual.firmware import card_steps, main_steps, seed_steps
from devices.virtual.firmware.main_steps import slot_changed
from devices.virtual.firmware.phases import State
from devices.virtual.firmware.router import Router
from devices.virtual.firmware.spec import RouterSpec, read_spec
from devices.virtual.namespaces import die_with_parent, enter

_AWAY_S = 0.3
"""How long the ports are gone after a reset, in seconds, besides the time to boot."""
_LAN_BACK_S = 5.0
"""How long the bench may take to plug the LAN in again, in seconds."""

STEPS = MappingProxyType(
    {
        State.BOOT: seed_steps.boot,
        State.SEED_SEARCH: seed_steps.seed_search,
        State.SEED_BEARER: seed_steps.seed_bearer,
        State.LOGIN: seed_steps.login,
        State.LOCATE: seed_steps.locate,
        State.SELECT: card_steps.select,
        State.NO_CARD: card_steps.no_card,
        State.DOWNLOAD: card_steps.download,
        State.HOLD: card_steps.hold,
        State.REASSIGN: card_steps.reassign,
        State.ATTACH: main_steps.attach,
        State.PDN: main_steps.pdn,
        State.DATA: main_steps.data,
        State.OWN_CARD: main_steps.own_card,
        State.OWN_DATA: main_steps.own_data,
    }
)


class Supervisor:
    """What the supervisor says on the control line."""

    def __init__(self, control: Channel) -> None:
        self._control = control
        self.lan_is_back = asyncio.Event()
        self.router: Router | None = None

    async def listen(self) -> None:
        """Take messages until the power is to go, or the supervisor is gone."""
        async for message in self._control.messages():
            if message.get("t") == "lan":
                self.lan_is_back.set()
            elif message.get("t") == "card" and self.router is not None:
                await slot_changed(self.router, is_in=bool(message.get("inserted")))
            elif message.get("t") == "term":
                return


async def _live(spec: RouterSpec, control: Channel, supervisor: Supervisor) -> None:
    """Be one router until its firmware resets."""
    router = supervisor.router = Router(spec, control)
    living = asyncio.ensure_future(router.live(STEPS))
    restart = asyncio.ensure_future(router.restart.wait())
    try:
        await asyncio.wait({living, restart}, return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()
    finally:
        for task in (living, restart):
            task.cancel()
        await asyncio.gather(living, restart, return_exceptions=True)
        router.close()


async def _main(spec: RouterSpec) -> None:
    control = await Channel.over(socket.socket(fileno=spec.control_fd))
    supervisor = Supervisor(control)
    told = asyncio.ensure_future(supervisor.listen())
    while not told.done():
        living = asyncio.ensure_future(_live(spec, control, supervisor))
        await asyncio.wait({living, told}, return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
            return
        await living
        await _reenumerate(control, supervisor)


async def _reenumerate(control: Channel, supervisor: Supervisor) -> None:
    """Go away from the bench and come back."""
    supervisor.lan_is_back.clear()
    control.send({"t": "reenumerate", "down": True})
    await asyncio.sleep(_AWAY_S)
    control.send({"t": "reenumerate", "down": False})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAN_BACK_S):
            await supervisor.lan_is_back.wait()


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m devices.virtual.firmware")
    parser.add_argument("--spec", required=True, help="JSON, see the README of devices/virtual")
    spec = read_spec(parser.parse_args().spec)
    die_with_parent()
    if spec.netns_fd is not None:
        enter(spec.netns_fd)
    asyncio.run(_main(spec))


if __name__ == "__main__":
    main()
