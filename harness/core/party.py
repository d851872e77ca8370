"""The five parties of a cloud-SIM service; each failure names one of them."""

from __future__ import annotations

from enum import StrEnum


class Party(StrEnum):
    """Who can be at fault (requirements.md 1.0)."""

    ROUTER = "router"
    ACCESS_SERVER = "access_server"
    SIM_BANK = "sim_bank"
    CARRIER = "carrier"
    BENCH = "bench"
