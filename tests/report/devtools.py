"""A page in headless Chromium, driven over the DevTools protocol's pipe; no network is reachable.

Everything the page asks for and everything its console says is noted.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.clock import Deadline, SystemClock

ANSWER_S = 30.0
# Port 9 (discard, RFC 863) of loopback: nothing listens there, so whatever is not on loopback
# itself is refused before it leaves the machine.
CHROMIUM = (
    "exec chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage "  # a container gives 64 MB
    "--proxy-server=http://127.0.0.1:9 --remote-debugging-pipe "
    '--user-data-dir="$1" about:blank 3<&{read} 4>&{write}'
)
SAID = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}


@dataclass(slots=True, kw_only=True)
class Page:
    """One page.

    Attributes:
        requests: Addresses that it asked for, in order.
        console: What its console said: messages, exceptions, refusals by its policy.
    """

    to_browser: int
    from_browser: int
    session: str = ""
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    _rest: bytes = b""
    _number: int = 0

    def open(self, address: str) -> None:
        """Go to an address and wait until everything of it is loaded."""
        self._ask("Page.navigate", url=address)
        self.value(
            "new Promise(r => document.readyState === 'complete' ? r(1)"
            " : addEventListener('load', () => r(1)))"
        )

    def resize(self, width_px: int, height_px: int) -> None:
        """Set the size of the window."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width_px,
            height=height_px,
            deviceScaleFactor=1,
            mobile=False,
        )

    def zone(self, name: str) -> None:
        """Put the reader into a time zone."""
        self._ask("Emulation.setTimezoneOverride", timezoneId=name)

    def value(self, script: str) -> Any:  # any JSON value
        """Return what a script comes to; a promise is waited for."""
        answer = self._ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def once(self, condition: str) -> str:
        """Return the document as soon as a condition in JavaScript holds."""
        return str(
            self.value(
                f"new Promise(r => {{ const look = () => ({condition}) "
                "? r(document.documentElement.outerHTML) : setTimeout(look, 20); look(); })"
            )
        )

    def _ask(self, method: str, **values: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": values}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        deadline = Deadline.after(ANSWER_S, SystemClock())
        while True:
            answer = self._next(deadline, method)
            if answer.get("id") == self._number:
                assert "result" in answer, answer
                return dict(answer["result"])
            self._note(answer)

    def _next(self, deadline: Deadline, waiting_for: str) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.from_browser], [], [], deadline.left_s)
            assert ready, f"no answer to {waiting_for} after {ANSWER_S} s; {self.console}"
            self._rest += os.read(self.from_browser, 1 << 20)
        line, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(line))

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        elif event.get("method") in SAID:
            self.console.append(json.dumps(event["params"]))

    def attach(self) -> None:
        """Take hold of a page of its own, from its first request on."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self._ask("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._ask(f"{domain}.enable")


@contextlib.contextmanager
def new_page(profile: Path) -> Iterator[Page]:
    """Start a browser with an empty profile, and end it."""
    commands_in, commands = os.pipe()
    answers, answers_out = os.pipe()
    command = CHROMIUM.format(read=commands_in, write=answers_out)
    browser = subprocess.Popen(
        ["bash", "-c", command, "bash", str(profile)],
        pass_fds=(commands_in, answers_out),
        stderr=subprocess.DEVNULL,
    )
    os.close(commands_in)
    os.close(answers_out)
    try:
        page = Page(to_browser=commands, from_browser=answers)
        page.attach()
        yield page
    finally:
        browser.terminate()
        browser.wait()
        os.close(commands)
        os.close(answers)
