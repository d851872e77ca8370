"""`harness.verdict.blame`: whose fault a failure is."""

from __future__ import annotations

import pytest

from harness.core.party import Party
from harness.verdict.blame import RULES, Facts, blame


@pytest.mark.parametrize(
    ("facts", "owner", "cause"),
    [
        (
            Facts(phase="P4", bench_problem="the tap lost 3 packets", reject_cause=11),
            Party.BENCH,
            "the tap lost 3 packets",
        ),
        (
            Facts(phase="P4", port_lost=True, at_answers=False),
            Party.BENCH,
            "the AT port vanished in the middle, and nobody had cut the power",
        ),
        (
            Facts(phase="P0", at_answers=False),
            Party.ROUTER,
            "the router has power and a port, and answers no AT command",
        ),
        (
            Facts(phase="P3", server_said=("login", "no_sim"), healthy_sims_left=0),
            Party.SIM_BANK,
            "the access server had no healthy SIM left in the bank",
        ),
        (
            Facts(phase="P3", server_said=("login", "no_sim"), healthy_sims_left=4),
            Party.ACCESS_SERVER,
            "the access server found no SIM while 4 healthy ones are free",
        ),
        (
            Facts(phase="P2", router_asked_server=True, server_answered=False),
            Party.ACCESS_SERVER,
            "the tap shows the router calling the access server and no answer",
        ),
        (
            Facts(phase="P1", cloud_problem=Party.ACCESS_SERVER),
            Party.ACCESS_SERVER,
            "the access server does not serve the lab side either",
        ),
        (
            Facts(phase="P6", reject_cause=20),
            Party.ACCESS_SERVER,
            "the network refused the relayed authentication (cause #20)",
        ),
        (
            Facts(phase="P6", reject_cause=3, reject_from_card=True),
            Party.SIM_BANK,
            "the card is refused (cause #3) because it is used elsewhere as well",
        ),
        (
            Facts(phase="P6", reject_cause=11),
            Party.CARRIER,
            "the carrier rejects the attach with cause #11",
        ),
        (
            Facts(phase="P4", cloud_problem=Party.SIM_BANK),
            Party.ACCESS_SERVER,
            "a service behind the access server does not serve: sim_bank",
        ),
        (
            Facts(phase="P2", router_asked_server=False),
            Party.ROUTER,
            "the tap shows that the router never called the access server",
        ),
        (
            Facts(phase="P7", registered_on="44010"),
            Party.ROUTER,
            "the router is registered on 44010 and never opened its PDN connection",
        ),
        (
            Facts(phase="P7", registered_on="44010", pdn_asked=True),
            Party.CARRIER,
            "the router asked for a PDN connection and the carrier gave none",
        ),
        (
            Facts(phase="P7", pdn_address="10.0.0.2", lan_lease=False),
            Party.ROUTER,
            "the router has a PDN connection and gives its user no address",
        ),
        (
            Facts(phase="P7", pdn_address="10.0.0.2", lan_lease=True, uplink_works=False),
            Party.BENCH,
            "the bench's own test server does not answer on the far side",
        ),
        (
            Facts(phase="P7", pdn_address="10.0.0.2", carrier_got=True, carrier_gave=False),
            Party.CARRIER,
            "the user's packets reach the carrier and nothing comes back from it",
        ),
        (
            Facts(phase="P7", pdn_address="10.0.0.2", lan_lease=True, carrier_got=False),
            None,
            "the user's packets do not reach the carrier's counter; nothing says where they go",
        ),
        (
            Facts(phase="P6", at_answers=True),
            Party.ROUTER,
            "the router holds a profile and no network rejected it, yet it does not register",
        ),
        (
            Facts(phase="P5", at_answers=False),
            Party.ROUTER,
            "the router stopped answering AT in P5",
        ),
        (
            Facts(phase="P3", chosen_state="throttled", chosen_plmn="44010", place_plmn="44010"),
            Party.ACCESS_SERVER,
            "the access server gave out a SIM that it lists as throttled",
        ),
        (
            Facts(phase="P3", choice_reason="location_stale", chosen_plmn="1", place_plmn="2"),
            Party.ROUTER,
            "the access server could not use the router's location: location_stale",
        ),
        (
            Facts(phase="P3", choice_reason="place", chosen_plmn="44051", place_plmn="44010"),
            Party.ACCESS_SERVER,
            "the access server chose 44051 where 44010 has healthy SIMs",
        ),
        (
            Facts(phase="P7", pdn_address="10.0.0.2", disagree=("iccid", "imsi")),
            Party.SIM_BANK,
            "the profile makes the router another card than the one that was chosen",
        ),
        (
            Facts(phase="P7", pdn_address="10.0.0.2", disagree=("address",)),
            Party.ROUTER,
            "what the router shows by AT is not what the carrier serves: ('address',)",
        ),
        (
            Facts(phase="P8", slow_sim="0010", chosen_state="healthy"),
            Party.ACCESS_SERVER,
            "the access server still lists the throttled SIM 0010 as healthy",
        ),
        (
            Facts(phase="P8", slow_sim="0010"),
            Party.ROUTER,
            "the SIM in use was throttled and the router never asked for another",
        ),
        (
            Facts(phase="P8", slow_sim="0010", replaced_by="0010"),
            Party.ACCESS_SERVER,
            "the access server gave the throttled SIM 0010 again",
        ),
        (
            Facts(phase="P1"),
            None,
            "P1 did not end, and nothing says whose fault it is",
        ),
    ],
)
def test_the_evidence_names_the_party(facts: Facts, owner: Party | None, cause: str) -> None:
    """One case for each line of the table, and one that no line fits."""
    found = blame(facts)

    assert (found.owner, found.cause) == (owner, cause)


def test_a_bench_problem_clears_every_other_party() -> None:
    """A wrong party is never blamed for a fault of the bench."""
    everything = Facts(
        phase="P6", bench_problem="disk full", reject_cause=11, cloud_problem=Party.CARRIER
    )

    assert blame(everything).owner is Party.BENCH
    assert RULES[0].owner is Party.BENCH


def test_a_wrong_signature_is_the_servers() -> None:
    """It took the router's login under the same key; a wrong digest says nothing of whose it is."""
    found = blame(Facts(phase="P5", refused_because="signature"))

    assert found.owner is Party.ACCESS_SERVER
    assert found.cause == (
        "the profile that is served is not signed with the key that the router logs in with"
    )
    assert blame(Facts(phase="P5", refused_because="digest")).owner is None
