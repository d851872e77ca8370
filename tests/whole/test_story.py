"""`tests.explore`: stories are replayed, and what breaks a promise is found and shrunk."""

from __future__ import annotations

import pytest

from tests.explore.__main__ import Explorer, Steps, explored

SHORT: Steps = [{"do": "outage", "lasts": "1 s"}, {"do": "reassign"}]


@pytest.mark.slow
def test_a_healthy_router_survives_a_story() -> None:
    """Every promise is kept after every step."""
    explorer = Explorer()

    assert not explorer.breaks(SHORT), explorer.seen


@pytest.mark.slow
def test_a_router_that_takes_no_order_does_not_survive_it() -> None:
    """And the router is named."""
    explorer = Explorer(planted=("ignores_reassign_order",))

    assert explorer.breaks(SHORT)
    assert [cause[:8] for cause in explorer.seen.values()] == ["router: "]


def test_a_story_is_shrunk_to_the_steps_that_matter() -> None:
    """Of all that was drawn, the one step that the failure needs is left, at its simplest."""
    found = explored(lambda steps: any(part["do"] == "server_fault" for part in steps), 200)

    assert found == [{"do": "server_fault", "status": 500, "lasts": "1 s"}]
    assert explored(lambda steps: len(steps) > 5, 20) is None
