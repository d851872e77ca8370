"""`harness.procedure.phases`: what ends a phase, and how long it took."""

from __future__ import annotations

from harness.procedure.phases import SERVER_SAYS, Milestones, Phase

S = 1_000_000_000


def test_a_phase_lasts_from_the_end_of_the_one_before() -> None:
    """P0 starts at power-on."""
    milestones = Milestones(10 * S)
    milestones.note(Phase.P0_BOOT, 12 * S, "router")
    milestones.note(Phase.P1_SEED_ATTACH, 15 * S, "router")

    assert milestones.duration_s(Phase.P0_BOOT) == 2.0
    assert milestones.duration_s(Phase.P1_SEED_ATTACH) == 3.0
    assert milestones.duration_s(Phase.P2_LOCATION) is None
    assert milestones.current() is Phase.P2_LOCATION


def test_the_first_evidence_of_a_phase_wins() -> None:
    """Whoever is later does not move the end, whoever was earlier does."""
    milestones = Milestones(0)
    assert milestones.note(Phase.P0_BOOT, 5 * S, "router")
    assert not milestones.note(Phase.P0_BOOT, 7 * S, "bench")
    assert not milestones.note(Phase.P0_BOOT, 4 * S, "access_server")

    found = milestones.reached(Phase.P0_BOOT)
    assert found is not None
    assert (found.t_ns, found.source) == (4 * S, "access_server")


def test_a_later_phase_is_evidence_of_the_earlier_ones() -> None:
    """A router that holds a profile has selected and downloaded it."""
    milestones = Milestones(0)
    milestones.note(Phase.P1_SEED_ATTACH, 1 * S, "router")
    milestones.note(Phase.P3_SELECTION, 4 * S, "access_server")

    assert milestones.duration_s(Phase.P2_LOCATION) == 3.0
    assert milestones.duration_s(Phase.P3_SELECTION) == 0.0
    assert milestones.started_ns(Phase.P1_SEED_ATTACH) == 1 * S


def test_after_the_last_phase_nothing_is_current() -> None:
    """P7 ends the canonical test."""
    milestones = Milestones(0)
    milestones.note(Phase.P7_DATA_UP, 9 * S, "bench")

    assert milestones.current() is None
    assert milestones.started_ns(Phase.P0_BOOT) == 0


def test_a_phase_has_a_short_name_a_title_and_a_limit() -> None:
    """As tables, progress and limits.toml call it."""
    phase = Phase.P6_CARRIER_ATTACH

    assert (phase.short, phase.title, phase.limit_name) == (
        "P6",
        "carrier attach",
        "phase.p6_carrier_attach",
    )


def test_the_access_server_speaks_of_five_phases() -> None:
    """Its events end P1 to P5; the rest is seen at the router."""
    assert sorted(SERVER_SAYS.values()) == [1, 2, 3, 4, 5]
