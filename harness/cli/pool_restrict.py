"""`harness pool restrict`: who will come to a monthly amount, and the card that explains it."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from harness.core.clock import SystemClock
from harness.core.errors import UsageError
from harness.core.units import US_PER_S, parse_size_bytes
from harness.pool.feed_store import LineNumbers
from harness.pool.restriction import judge_lines, judgement_json, judgement_text
from harness.pool.usage import UsageStore

_SECONDS_AN_HOUR = 3600


def restrict(
    store: Path, *, at_least: str, chance: float, now_hour: int | None, line: str | None,
    effect: str, appeal: str, as_json: bool,
) -> None:  # fmt: skip
    """Print the list with the wrong ones to expect, or one line's card.

    Raises:
        UsageError: The store is too short, or has no such line.
    """
    usage = UsageStore.open(store)
    names = LineNumbers.of(usage)
    hour = now_hour if now_hour is not None else _this_hour()
    found = judge_lines(
        usage,
        now_hour=hour,
        at_least_bytes=parse_size_bytes(at_least),
        at_least_chance=chance,
    )
    if line is not None:
        typer.echo(found.card(_number(names, line), name=line, effect=effect, appeal=appeal))
    elif as_json:
        typer.echo(json.dumps(judgement_json(found, names.name), ensure_ascii=False))
    else:
        typer.echo(judgement_text(found, names.name))


def _number(names: LineNumbers, line: str) -> int:
    number = names.known(line)
    if number is not None:
        return number
    if not line.isdecimal():
        msg = f"line {line!r} was never in a feed of this store; name it as the feed does"
        raise UsageError(msg)
    return int(line)


def _this_hour() -> int:
    return SystemClock().utc_us() // US_PER_S // _SECONDS_AN_HOUR
