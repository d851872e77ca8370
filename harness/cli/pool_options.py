"""`harness pool`, `harness forecast` and `harness replay`: the SIM pool's commands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.common_options import LIMITS, JsonOption, LabOption, LimitsOption

pool_app = typer.Typer(help="The SIM pool: what is left, and where the month ends.")
forecast_app = typer.Typer(help="How good the month-end landing is.")


@pool_app.command("show")
def pool(
    store: Annotated[Path, typer.Argument(help="Usage by line and hour.")],
    *,
    ledger: Annotated[Path, typer.Option(help="The SIMs, JSON.")] = Path("ledger.json"),
    hour: Annotated[int | None, typer.Option(help="Hours since 1970; now by default.")] = None,
    lead_days: Annotated[int, typer.Option(help="Days from order to use of a SIM.")] = 10,
    dark: Annotated[str, typer.Option(help="A carrier that is supposed to fail.")] = "",
    what_if: Annotated[list[str] | None, typer.Option(help="Suppose; see above.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page instead.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which SIMs are healthy, what is left, and where the month ends.

    --what-if takes 'add 50 SIMs of 60 GB on 2020-03-11', 'cap lines of 200 GB at 25 GB' and
    '44010 dark', and may be given several times.
    """
    from harness.cli.pool import pool as show  # noqa: PLC0415 - numpy is not free

    asked = [*(what_if or []), *([f"{dark} dark"] if dark else [])]
    show(store, ledger, now_hour=hour, lead_days=lead_days, asked=asked, out=out, as_json=as_json)


@pool_app.command("feed")
def pool_feed(
    store: Annotated[Path, typer.Argument(help="Usage by line and hour; made when missing.")],
    feed: Annotated[Path, typer.Argument(help="CSV or Parquet: line, hour, carrier, sim, bytes.")],
    *,
    unit: Annotated[str, typer.Option(help="Unit of the bytes: B, MB, GB, GiB...")] = "B",
    zone: Annotated[str | None, typer.Option(help="Zone of times without one.")] = None,
    counter: Annotated[bool, typer.Option("--counter", help="Running counters.")] = False,
    hour: Annotated[int | None, typer.Option(help="Hours since 1970; now by default.")] = None,
) -> None:
    """Check a feed row by row and add it to the store; every flaw with line and hour."""
    from harness.cli.pool import pool_feed as take  # noqa: PLC0415 - see pool

    raise typer.Exit(take(store, feed, unit=unit, zone=zone, counter=counter, now_hour=hour))


@pool_app.command("sims")
def pool_sims(
    lab: LabOption = Path("lab.toml"),
    *,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep it as a ledger.")] = None,
) -> None:
    """Print the SIMs of the bench's access server, with state and use."""
    from harness.cli.pool import pool_sims as show  # noqa: PLC0415 - see pool

    show(lab, out)


@pool_app.command("probe")
def pool_probe(
    lab: LabOption = Path("lab.toml"),
    *,
    dut: Annotated[str | None, typer.Option(metavar="NAME", help="The router to use.")] = None,
    limits: LimitsOption = LIMITS,
    carrier: Annotated[list[str] | None, typer.Option(help="Its SIMs only; repeatable.")] = None,
    slow_below: Annotated[str, typer.Option(help="A slower SIM is slow.")] = "3 Mbit/s",
    budget: Annotated[str, typer.Option(help="Data to burn at most.")] = "100 MB",
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add what was found to this ledger.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the slow SIMs of the access server: put on a router one by one, and measured."""
    from harness.cli.pool_probe import probe  # noqa: PLC0415 - see pool

    raise typer.Exit(
        probe(
            lab, dut, limits=limits, carriers=carrier or [], slow_below=slow_below, budget=budget,
            ledger=ledger, as_json=as_json,
        )
    )  # fmt: skip


@pool_app.command("lines")
def pool_lines(
    store: Annotated[Path, typer.Argument(help="Usage by line and hour.")],
    *,
    first_hour: Annotated[int, typer.Option(help="Hours since 1970.")],
    hours: Annotated[int, typer.Option(help="How many.")] = 24,
    count: Annotated[int, typer.Option(help="How many lines.")] = 20,
    line: Annotated[int | None, typer.Option(help="This line only.")] = None,
) -> None:
    """Print usage by line and hour, and whether the totals agree."""
    from harness.cli.pool import pool_lines as show  # noqa: PLC0415 - see pool

    show(store, first_hour=first_hour, hours=hours, count=count, line=line)


@pool_app.command("restrict")
def pool_restrict(
    store: Annotated[Path, typer.Argument(help="Usage by line and hour.")],
    *,
    at_least: Annotated[str, typer.Option(help="The monthly amount.")] = "200 GB",
    chance: Annotated[float, typer.Option(min=0.0, max=1.0, help="List from here on.")] = 0.5,
    hour: Annotated[int | None, typer.Option(help="Hours since 1970; now by default.")] = None,
    line: Annotated[str | None, typer.Option(help="The explanation card of this line.")] = None,
    effect: Annotated[str, typer.Option(help="What it does to a line.")] = "none, a trial",
    appeal: Annotated[str, typer.Option(help="How to object.")] = "not stated",
    as_json: JsonOption = False,
) -> None:
    """List who will come to a monthly amount, how many of them wrongly, and why."""
    from harness.cli.pool_restrict import restrict  # noqa: PLC0415 - see pool

    restrict(
        store, at_least=at_least, chance=chance, now_hour=hour, line=line, effect=effect,
        appeal=appeal, as_json=as_json,
    )  # fmt: skip


def replay(
    scenario: Annotated[str, typer.Argument(help="For example outage-2020.")],
    *,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="What was known on that day.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of the fleet.")] = 1,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page, too.")] = None,
    affected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the affected lines as CSV.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay an outage: what happened, and what this bench would have said, and when."""
    from harness.cli.pool import replay as run_replay  # noqa: PLC0415 - see pool

    day = as_of.date() if as_of else None
    raise typer.Exit(
        run_replay(scenario, as_of=day, seed=seed, out=out, affected=affected, as_json=as_json)
    )


@forecast_app.command("bench")
def forecast_bench(
    *,
    csv: Annotated[Path | None, typer.Option(help="Hourly series of your own.")] = None,
    months: Annotated[int | None, typer.Option(help="At most so many months each.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print how far off the month-end landing is, beside other methods."""
    from harness.cli.pool import forecast_bench as run_bench  # noqa: PLC0415 - see pool

    run_bench(csv, months=months, as_json=as_json)
