"""The access server's state in SQLite: every change is committed before it is answered.

Routers and cards are kept as one JSON document each: the store knows no policy.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS routers (imei TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sims (iccid TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS usage (
  iccid TEXT, imei TEXT, hour INTEGER, dl_bytes INTEGER NOT NULL, ul_bytes INTEGER NOT NULL,
  life TEXT NOT NULL, PRIMARY KEY (iccid, imei, hour, life));
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, utc_us INTEGER NOT NULL, kind TEXT NOT NULL,
  imei TEXT, iccid TEXT, carrier TEXT, plmn TEXT, detail TEXT);
"""


@dataclass(slots=True, kw_only=True)
class RouterState:
    """What the access server knows about a router.

    Attributes:
        imei: The router.
        session: Its session; a new login ends an older one.
        firmware: As it said at login.
        state: offline, online, suspended.
        iccid: The card it was given.
        assignment: Name of that gift.
        held_sha256: Digest of the profile it says to hold.
        last_heartbeat_utc_us: When it was heard last.
        heard_host_us: The same by the host's clock, which no test moves.
        location: Its last report, with the time of arrival.
        speed_rules: Tiers: bytes used → rate.
        plan: Volume plan; ``None`` values are no plan.
        suspension_requested_utc_us: When a suspension was asked for.
        suspension_noted: Whether its beginning was noted.
        reassign_reason: Another card at the next heartbeat.
        slow_iccids: Cards that were slow on this router.
        named_slow: Cards that it named as slow when it last asked for one.
    """

    imei: str
    session: str | None = None
    firmware: str | None = None
    state: str = "offline"
    iccid: str | None = None
    assignment: str | None = None
    held_sha256: str | None = None
    last_heartbeat_utc_us: int | None = None
    heard_host_us: int = 0
    location: dict[str, Any] | None = None
    speed_rules: list[dict[str, int]] = field(default_factory=list)
    plan: dict[str, Any] = field(default_factory=dict)
    suspension_requested_utc_us: int | None = None
    suspension_noted: bool = False
    reassign_reason: str | None = None
    slow_iccids: list[str] = field(default_factory=list)
    named_slow: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class SimState:
    """What the access server knows about a card.

    Attributes:
        iccid: The card.
        state: What was said or found out about it; volume is looked at when asked.
        reason: Why.
        slow_bps: Rate it was measured at.
        assigned_imei: Who has it.
        assignment: Name of that gift.
        sqn_seen: The card's own counter.
        capped_period_utc_us: Period in which its quota was found used.
        disclosed: Whether its terms are known, as its operator last said; None: as lab.toml has it.
    """

    iccid: str
    state: str = "healthy"
    reason: str | None = None
    slow_bps: int | None = None
    assigned_imei: str | None = None
    assignment: str | None = None
    sqn_seen: int = 0
    capped_period_utc_us: int | None = None
    disclosed: bool | None = None


class Store:
    """The database; one connection, used from one thread.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # A killed process loses nothing then; only a power cut of the host could.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database; may be called again."""
        self._db.close()

    def _document(self, table: str, key: str, value: str) -> dict[str, Any] | None:
        query = f"SELECT body FROM {table} WHERE {key} = ?"  # noqa: S608 - our own names
        row = self._db.execute(query, (value,)).fetchone()
        return None if row is None else json.loads(row[0])

    def router(self, imei: str) -> RouterState:
        """Return a router's state; an unknown one is new."""
        body = self._document("routers", "imei", imei)
        return RouterState(imei=imei) if body is None else RouterState(**body)

    def save_router(self, router: RouterState) -> None:
        """Commit a router's state."""
        row = (router.imei, json.dumps(asdict(router)))
        self._db.execute("INSERT OR REPLACE INTO routers VALUES (?, ?)", row)

    def sim(self, iccid: str) -> SimState | None:
        """Return a card's state; ``None`` when it was never saved."""
        body = self._document("sims", "iccid", iccid)
        return None if body is None else SimState(**body)

    def save_sim(self, sim: SimState) -> None:
        """Commit a card's state."""
        row = (sim.iccid, json.dumps(asdict(sim)))
        self._db.execute("INSERT OR REPLACE INTO sims VALUES (?, ?)", row)

    def use_nonce(self, nonce: str) -> bool:
        """Burn a nonce; ``False`` when it was used before."""
        cursor = self._db.execute("INSERT OR IGNORE INTO nonces VALUES (?)", (nonce,))
        return cursor.rowcount == 1

    def setting(self, name: str) -> str | None:
        """Return a setting."""
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def save_setting(self, name: str, value: str) -> None:
        """Commit a setting."""
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def add_usage(
        self, iccid: str, imei: str, hour: int, dl_bytes: int, ul_bytes: int, life: str = ""
    ) -> bool:
        """Set the counters of one hour: a router reports an hour's total, perhaps again.

        A factory reset begins a counter's next life at zero; the lives of one hour add up.

        Returns:
            Whether that said anything new.
        """
        cursor = self._db.execute(
            "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " dl_bytes = max(dl_bytes, excluded.dl_bytes),"
            " ul_bytes = max(ul_bytes, excluded.ul_bytes)"
            " WHERE excluded.dl_bytes > dl_bytes OR excluded.ul_bytes > ul_bytes",
            (iccid, imei, hour, dl_bytes, ul_bytes, life),
        )
        return cursor.rowcount > 0

    def correct(self, iccid: str, who: str, hour: int, dl_bytes: int) -> None:
        """Set a correction of one hour, which may be negative."""
        row = (iccid, who, hour, dl_bytes, 0, "")
        self._db.execute("INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?, ?, ?)", row)

    def correction(self, iccid: str, who: str, hour: int) -> int:
        """Return a correction of one hour, 0 when there is none."""
        rows = self.usage(first=hour, last=hour, iccid=iccid, imei=who)
        return sum(row[3] for row in rows)

    def usage(
        self, *, first: int, last: int, iccid: str | None = None, imei: str | None = None
    ) -> list[tuple[str, str, int, int, int]]:
        """Return the rows of some hours."""
        return self._db.execute(
            "SELECT iccid, imei, hour, sum(dl_bytes), sum(ul_bytes) FROM usage"
            " WHERE hour BETWEEN ? AND ?"
            " AND (?3 IS NULL OR iccid = ?3) AND (?4 IS NULL OR imei = ?4)"
            " GROUP BY iccid, imei, hour ORDER BY hour",
            (first, last, iccid, imei),
        ).fetchall()

    def note(self, utc_us: int, kind: str, **facts: str | None) -> None:
        """Commit an event."""
        names = ("imei", "iccid", "carrier", "plmn", "detail")
        row = (utc_us, kind, *(facts.get(name) for name in names))
        self._db.execute(
            "INSERT INTO events (utc_us, kind, imei, iccid, carrier, plmn, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def events(self, after: int, imei: str | None) -> list[dict[str, Any]]:
        """Return the events after one."""
        rows = self._db.execute(
            "SELECT seq, utc_us, kind, imei, iccid, carrier, plmn, detail FROM events"
            " WHERE seq > ?1 AND (?2 IS NULL OR imei = ?2) ORDER BY seq LIMIT 10000",
            (after, imei),
        )
        names = ("seq", "utc_us", "kind", "imei", "iccid", "carrier", "plmn", "detail")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def last_event(self) -> int:
        """Return the number of the newest event, 0 when there is none."""
        return int(self._db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])
