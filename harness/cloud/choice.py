"""The adapter that a bench file names for its access server."""

from __future__ import annotations

from harness.cloud.adapter import CloudAdapter
from harness.cloud.generic import GenericCloud
from harness.cloud.remsim import Card, Client, RemsimCloud
from harness.cloud.service import Service
from harness.lab.schema import Lab


def adapter_of(lab: Lab, service: Service) -> CloudAdapter:
    """Return the adapter that lab.toml names for its access server."""
    if lab.access_server.adapter == "generic":
        return GenericCloud(service)
    cards = [
        Card(
            bank_id=lab.access_server.bank,
            slot=slot.slot,
            iccid=slot.iccid,
            imsi=slot.imsi,
            carrier=slot.carrier,
            plmn=lab.carriers[slot.carrier].plmn,
        )
        for slot in lab.sim_bank.slots
    ]
    clients = {}
    for name, text in lab.access_server.clients.items():
        client_id, slot_number = text.split(":")
        client = Client(client_id=int(client_id), slot=int(slot_number))
        clients[lab.routers[name].imei] = client
    return RemsimCloud(service, cards=cards, clients=clients)
