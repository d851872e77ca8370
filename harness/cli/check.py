"""`harness check`: the bench file as it was understood."""

from __future__ import annotations

from pathlib import Path

import typer

from harness.core.identity import masked
from harness.core.units import format_rate, format_size
from harness.lab.load import load_lab


def print_lab(path: Path, *, as_json: bool) -> None:
    """Print each party, one line a fact.

    Raises:
        BenchError: The file cannot be read or says something that cannot be.
    """
    lab = load_lab(path)
    if as_json:
        typer.echo(lab.model_dump_json(indent=2))
        return
    kind = "virtual" if lab.bench.virtual else "real"
    typer.echo(f"bench          {lab.bench.name}  {kind}, records in {lab.bench.runs}")
    for name, router in lab.routers.items():
        where = f"at {router.usb_path}, IMEI {masked(router.imei)}"
        typer.echo(f"router         {name}  {router.model} {where}")
    server = lab.access_server
    url = server.url or ("announced by the virtual bench" if lab.bench.virtual else "not reachable")
    typer.echo(f"access_server  {server.adapter}  lab side {url}, routers use {server.host or '?'}")
    for carrier_name, carrier in lab.carriers.items():
        rate = format_rate(carrier.rate)
        typer.echo(f"carrier        {carrier_name}  {carrier.plmn}, {rate}, APN {carrier.apn}")
    for slot in lab.sim_bank.slots:
        quota = format_size(slot.quota) if slot.quota is not None else "unknown quota"
        terms = "disclosed" if slot.disclosed else "not disclosed: counts as unknown"
        card = f"{masked(slot.iccid)} {slot.carrier}"
        typer.echo(f"sim_bank       slot {slot.slot}  {card}, {quota}, {terms}")
