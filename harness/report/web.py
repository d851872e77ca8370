"""The web pages: runs, a run's time-lines, comparison, the morning, the live bench, metrics.

Bound to loopback by whoever serves it; anything else needs a token. Every answer carries a policy
that allows this server's own files and nothing else, and every text of a device is escaped.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.core.clock import Clock, SystemClock
from harness.core.errors import HarnessError
from harness.core.files import read_text
from harness.core.units import US_PER_S
from harness.pool.ledger_file import load_ledger
from harness.pool.page import month_page, page_sources
from harness.pool.usage import UsageStore
from harness.record.reader import RunRecord
from harness.report import html, morning, overview
from harness.report.diff import CHANGES, NUMBER_HEADS, Comparison, diff, number_texts
from harness.report.page_data import identities, packed_detail, page_data
from harness.report.privacy import Hide, Screen, masking, pseudonyms

_ASSETS: Final = {"run.css": "text/css", "live.js": "text/javascript"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_LIVE_EVERY_S: Final = 1.0
_COOKIE: Final = "harness-token"
_LOOPBACK: Final = ["localhost", "127.0.0.1", "[::1]"]
_CASES_SHOWN: Final = 500
_STORE_NAME: Final = "usage"
_LEAD_DAYS: Final = 14
_SECONDS_AN_HOUR: Final = 3600
_POOL_REMEDY: Final = (
    "the page needs the SIM ledger (harness pool sims --out ledger.json) and usage by line and "
    "hour (harness pool feed); name them with --ledger and --store"
)


class TokenGate:
    """Lets a request pass that carries the token: as bearer, as cookie, or once in the address.

    Args:
        app: What it guards.
        token: The token.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, set the cookie and go on without the token in the address, or let pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if self._is(request.query_params.get("token", "")):
            answer: Response = RedirectResponse(request.url.path, status_code=303)
            answer.set_cookie(_COOKIE, self._token, httponly=True, samesite="strict")
            await answer(scope, receive, send)
            return
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._is(bearer) or self._is(request.cookies.get(_COOKIE, "")):
            await self._app(scope, receive, send)
            return
        answer = PlainTextResponse("open the address that `harness serve` printed\n", 401)
        await answer(scope, receive, send)

    def _is(self, offered: str) -> bool:
        return hmac.compare_digest(offered.encode(), self._token.encode())


class StrictHeaders:
    """Adds the policy and its companions to every answer that has none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the answer's headers."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                names = {name.lower() for name, _ in headers}
                wanted = {"content-security-policy": _POLICY, **_HEADERS}
                headers += [
                    (name.encode(), value.encode())
                    for name, value in wanted.items()
                    if name.encode() not in names
                ]
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, complete)


class Pages:
    """The pages over one directory of runs."""

    def __init__(
        self,
        runs_dir: Path,
        ledger: Path,
        store: Path,
        clock: Clock,
        hide: Hide,
        *,
        hands_out_files: bool,
    ) -> None:
        self._shelf = overview.Shelf(runs_dir)
        self._ledger = ledger
        self._store = store
        self._clock = clock
        self._hide = hide
        self._hands_out_files = hands_out_files
        self._template = html.environment().get_template("web.html")

    def routes(self) -> list[Route]:
        """Return what is served where."""
        return [
            Route("/", self.runs),
            Route("/runs/{name}", self.run),
            Route("/runs/{name}/detail/{row:int}", self.detail),
            Route("/runs/{name}/{path:path}", self.file),
            Route("/diff", self.compare),
            Route("/morning", self.morning),
            Route("/pool", self.pool),
            Route("/live", self.live),
            Route("/live/events", self.live_events),
            Route("/metrics", self.metrics),
            Route("/assets/{name}", self.asset),
        ]

    def _page(self, title: str, status: int = 200, **content: object) -> HTMLResponse:
        content.setdefault("problem", "")
        return HTMLResponse(self._template.render(title=title, **content), status_code=status)

    def _directory(self, name: str) -> Path | None:
        """Return a run's directory; only names that the directory itself lists are known."""
        found = {path.name: path for path in overview.run_dirs(self._shelf.runs_dir)}
        return found.get(name)

    async def runs(self, _request: Request) -> Response:
        """Show the list of runs."""
        lines = await asyncio.to_thread(
            lambda: [overview.line(o, self._hide) for o in self._shelf.overviews()]
        )
        return self._page("runs", runs=lines)

    async def run(self, request: Request) -> Response:
        """Show one run, as its one-file report does; the page asks for what that leaves out."""
        directory = self._directory(request.path_params["name"])
        if directory is None:
            return self._page("no such run", 404, problem="there is no run of this name")
        try:
            text = await asyncio.to_thread(lambda: _run_page(directory, self._hide))
        except HarnessError as exc:
            return self._page(directory.name, 500, problem=str(exc))
        policy = html.policy(html.script(), html.asset("run.css"), asks=True)
        return HTMLResponse(text, headers={"content-security-policy": policy})

    async def detail(self, request: Request) -> Response:
        """Send everything on one result, packed as in the one-file report."""
        directory = self._directory(request.path_params["name"])
        row = request.path_params["row"]
        if directory is None:
            return PlainTextResponse("there is no run of this name\n", 404)
        try:
            text = await asyncio.to_thread(lambda: _packed_detail(directory, row, self._hide))
        except HarnessError as exc:
            return PlainTextResponse(f"{exc}\n", 500)
        if text is None:
            return PlainTextResponse("the run has no such result\n", 404)
        return PlainTextResponse(text)

    async def file(self, request: Request) -> Response:
        """Hand out a file that the run's record lists, always as a download."""
        directory = self._directory(request.path_params["name"])
        path = request.path_params["path"]
        if not self._hands_out_files:
            text = "the files of a run may name somebody; this is the public version"
            return self._page("not published", 403, problem=text)
        if directory is None or not await asyncio.to_thread(lambda: _is_listed(directory, path)):
            return self._page("no such file", 404, problem="the run's record lists no such file")
        name = Path(path).name
        return FileResponse(directory / path, media_type="application/octet-stream", filename=name)

    async def compare(self, request: Request) -> Response:
        """Compare two runs."""
        before = self._directory(request.query_params.get("a", ""))
        after = self._directory(request.query_params.get("b", ""))
        if before is None or after is None:
            return self._page("compare", 404, problem="name two runs of the list")
        return await self._comparison("compare", before, after)

    async def morning(self, _request: Request) -> Response:
        """Compare the last finished run with the one before it of the same plan and bench."""
        path, now_us = self._ledger, self._clock.utc_us()
        lines, words = await asyncio.to_thread(lambda: morning.sims(path, now_us, self._hide))
        cards: dict[str, Any] = {"sims": lines, "sim_words": words}
        pair = await asyncio.to_thread(lambda: overview.morning_pair(self._shelf))
        if pair is None:
            text = "there are no two finished runs of one plan and bench yet"
            return self._page("morning", problem=text, **cards)
        return await self._comparison("morning", *pair, **cards)

    async def pool(self, _request: Request) -> Response:
        """Show the SIM pool: four numbers, gauges, landing, heatmap, a slider over the days."""
        hour = self._clock.utc_us() // US_PER_S // _SECONDS_AN_HOUR
        try:
            text = await asyncio.to_thread(lambda: _pool_page(self._store, self._ledger, hour))
        except (OSError, HarnessError) as exc:
            return self._page("pool", 404, problem=f"{exc}; {_POOL_REMEDY}")
        policy = html.policy(*page_sources())
        return HTMLResponse(text, headers={"content-security-policy": policy})

    async def _comparison(
        self,
        title: str,
        before: Path,
        after: Path,
        **more: Any,  # noqa: ANN401  # what the template shows besides
    ) -> Response:
        try:
            found = await asyncio.to_thread(lambda: diff(before, after))
        except HarnessError as exc:
            return self._page(title, 500, problem=str(exc), **more)
        shown = _shown_comparison(found, self._hide)
        if more:
            shown["parties"] = morning.parties(found)
            shown["headline"] = morning.headline(shown["parties"])
        return self._page(title, before=before.name, after=after.name, comparison=shown, **more)

    async def live(self, _request: Request) -> Response:
        """Show the live bench."""
        return self._page("live", is_live=True)

    async def live_events(self, _request: Request) -> Response:
        """Send what goes on, once a second, until the reader leaves."""

        async def lines() -> AsyncIterator[str]:
            while True:  # ends when the client disconnects: starlette cancels the task
                found = await asyncio.to_thread(
                    lambda: overview.live(self._shelf, self._clock.monotonic_ns(), self._hide)
                )
                yield f"data: {json.dumps(found)}\n\n"
                await asyncio.sleep(_LIVE_EVERY_S)

        return StreamingResponse(lines(), media_type="text/event-stream")

    async def metrics(self, _request: Request) -> Response:
        """Answer Prometheus."""
        text = await asyncio.to_thread(
            lambda: overview.metrics(self._shelf, morning.sim_states(self._ledger))
        )
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def asset(self, request: Request) -> Response:
        """Hand out a file of the pages."""
        name = request.path_params["name"]
        if name not in _ASSETS:
            return self._page("no such file", 404, problem="there is no such file")
        return Response(html.asset(name), media_type=_ASSETS[name])


def app(
    runs_dir: Path,
    token: str | None = None,
    *,
    clock: Clock | None = None,
    secret: bytes | None = None,
    ledger: Path | None = None,
    store: Path | None = None,
) -> Starlette:
    """Return the application that serves the runs in a directory.

    Args:
        runs_dir: Where the runs are.
        token: What every request must carry; None: only requests to loopback names are answered.
        clock: Where time comes from; None is the host's.
        secret: Of a publisher: identities are shown as pseudonyms, and no kept file is handed out,
            because it may name somebody. None: identities are masked, files are there.
        ledger: The SIM ledger; None is `ledger.json` beside the runs.
        store: Usage by line and hour; None is `usage` beside the runs.
    """
    gate = (
        Middleware(TrustedHostMiddleware, allowed_hosts=_LOOPBACK)
        if token is None
        else Middleware(TokenGate, token=token)
    )
    hide = masking() if secret is None else pseudonyms(secret)
    pages = Pages(
        runs_dir,
        ledger or runs_dir / morning.LEDGER_NAME,
        store or runs_dir / _STORE_NAME,
        clock or SystemClock(),
        hide,
        hands_out_files=secret is None,
    )
    return Starlette(routes=pages.routes(), middleware=[Middleware(StrictHeaders), gate])


def _pool_page(store: Path, ledger: Path, hour: int) -> str:
    sims = load_ledger(read_text(ledger, remedy="name the ledger with --ledger"))
    return month_page(UsageStore.open(store), sims, now_hour=hour, lead_days=_LEAD_DAYS)


def _run_page(directory: Path, hide: Hide) -> str:
    with RunRecord.open(directory) as record:
        screen = Screen(identities(record), hide)
        data = page_data(record, screen, detail_budget_bytes=html.DETAIL_BUDGET_BYTES)
    base = f"{directory.name}/"
    return html.render(data, "en", base=base, details_at=f"{base}detail/")


def _packed_detail(directory: Path, row: int, hide: Hide) -> str | None:
    """Return everything on a result, by its row in the run's table; None when there is none."""
    with RunRecord.open(directory) as record:
        results = record.results()
        if row >= len(results):
            return None
        return packed_detail(record, results[row], Screen(identities(record), hide))


def _is_listed(directory: Path, path: str) -> bool:
    with RunRecord.open(directory) as record:
        listed = any(row.path == path for row in record.artifacts())
    inside = (directory / path).resolve().is_relative_to(directory.resolve())
    return listed and inside and (directory / path).is_file()


def _shown_comparison(found: Comparison, hide: Hide) -> dict[str, Any]:
    screen = Screen({case.imei for case in found.cases}, hide)
    counts = [(change, len(found.of(change))) for change in CHANGES]
    changed = [case for case in found.cases if case.change != "same"]
    return {
        "counts": [(change, count) for change, count in counts if count],
        "cases": [
            {
                "change": case.change,
                "case": case.case,
                "router": screen.text(case.imei),
                "before": " ".join(v.word for v in case.before),
                "after": " ".join(v.word for v in case.after),
                "owner": case.owner or "",
                "cause": screen.text(case.cause),
            }
            for case in changed[:_CASES_SHOWN]
        ],
        "remarks": found.remarks,
        "heads": NUMBER_HEADS,
        "numbers": [
            {"name": texts[0], "texts": texts[1:], "moved": number.moved}
            for number in found.numbers[:_CASES_SHOWN]
            for texts in [number_texts(number)]
        ],
    }
