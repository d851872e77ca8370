"""``harness testserver`` as its user runs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from harness.cli.testserver import serve
from harness.core.errors import UsageError
from harness.userplane.testserver import TOKEN_VARIABLE
from harness.userplane.testserver_limits import Limits

TOKEN = "a token of this test"


def test_it_says_where_it_listens_what_it_gives_and_whom_it_refused() -> None:
    """The port alone on standard output; a stranger is a line of the log; SIGINT ends it."""
    argv = [sys.executable, "-m", "harness.cli", "testserver", "--port", "0", "--rate", "5 Mbit/s"]
    with subprocess.Popen(
        argv,
        env=os.environ | {TOKEN_VARIABLE: TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n")
            assert stranger.recv(100) == b""
        server.send_signal(signal.SIGINT)
        _, log = server.communicate(timeout=30)

    assert f"port {port}, TCP and UDP; a transfer has at most 5 Mbit/s" in log
    assert "127.0.0.1 refused: not a request" in log
    assert server.returncode == 128 + signal.SIGINT


def test_without_a_token_it_says_where_to_put_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens."""
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)

    with pytest.raises(UsageError, match=f"set {TOKEN_VARIABLE} to the token that lab.toml"):
        serve("127.0.0.1", 0, Limits())


def test_a_limit_of_zero_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would mean no bound inside, and nothing to who writes it."""
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)

    with pytest.raises(UsageError, match="leave the option out"):
        serve("127.0.0.1", 0, Limits(rate_bps=0))
