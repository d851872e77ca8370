"""One HTTP service of the lab: JSON over a connection that somebody else opens."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from harness.core.clock import Deadline
from harness.core.errors import CloudError, UsageError
from harness.core.party import Party

Connect = Callable[[str, int, float], socket.socket]
"""Opens a connection: host, port, timeout in seconds."""

_OK: Final = range(200, 300)
_SHOWN_BYTES: Final = 200


def connect_from_host(host: str, port: int, timeout_s: float) -> socket.socket:
    """Open a TCP connection from the host's own namespace."""
    return socket.create_connection((host, port), timeout=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An HTTP service with JSON bodies and a bearer token.

    Attributes:
        name: How messages call it.
        party: Who must act when it does not serve.
        url: Where it answers.
        connect: How to get there; on a bench with its own uplink, through that.
        token: Bearer token, None when it wants none.
        ca_file: CA certificate to trust, None for the host's own.
    """

    name: str
    party: Party
    url: str
    connect: Connect = connect_from_host
    token: str | None = None
    ca_file: Path | None = None

    def call(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        body: Mapping[str, Any] | list[Any] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON is what the caller validates
        """Send one request and return the JSON of its answer, None when it has no body.

        Raises:
            CloudError: Nothing answers, the answer is an error, or it is not JSON.
            UsageError: The URL of the service is none.
        """
        data = self._good(method, path, deadline, body)
        if not data:
            return None
        try:
            return json.loads(data)
        except ValueError:
            msg = f"{self.name} answered {method} {path} with no JSON: {data[:_SHOWN_BYTES]!r}"
            raise CloudError(msg, party=self.party) from None

    def text(self, method: str, path: str, *, deadline: Deadline) -> str:
        """Send one request and return the text of its answer.

        Raises:
            CloudError: Nothing answers, or the answer is an error.
            UsageError: The URL of the service is none.
        """
        return self._good(method, path, deadline, None).decode(errors="replace")

    def _good(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        body: Mapping[str, Any] | list[Any] | None,
    ) -> bytes:
        """Return the body of an answer that is no error."""
        status, data = self._exchange(method, path, deadline, body)
        if status not in _OK:
            shown = data[:_SHOWN_BYTES].decode(errors="replace")
            msg = f"{self.name} answered {status} to {method} {path}: {shown}"
            raise CloudError(msg, party=self.party)
        return data

    def _exchange(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        body: Mapping[str, Any] | list[Any] | None,
    ) -> tuple[int, bytes]:
        """Open, ask, read, close; the status and the body."""
        parts = urlsplit(self.url)
        if parts.hostname is None:
            msg = f"{self.url!r} is not a URL of {self.name}; write it like 'https://host:8443'"
            raise UsageError(msg)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        connection = http.client.HTTPConnection(parts.hostname, port)
        headers = {"Connection": "close"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data = json.dumps(body)
            headers["Content-Type"] = "application/json"
        try:
            plain = self.connect(parts.hostname, port, max(deadline.left_s, 0.001))
            connection.sock = plain
            plain.settimeout(max(deadline.left_s, 0.001))
            if secure:
                context = ssl.create_default_context(
                    cafile=str(self.ca_file) if self.ca_file else None
                )
                connection.sock = context.wrap_socket(plain, server_hostname=parts.hostname)
            connection.request(method, parts.path + path, body=data, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as exc:
            msg = (
                f"{self.name} does not answer at {self.url}: {type(exc).__name__}: {exc}, "
                f"asked for {method} {path}, after {deadline.waited_s:.1f} s"
            )
            raise CloudError(msg, party=self.party) from exc
        finally:
            connection.close()
