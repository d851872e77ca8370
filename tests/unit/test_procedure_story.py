"""`harness.procedure.story`: what befalls a router, as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.procedure.story import Outage, Story, Throttle, TimeJump, load_story
from harness.procedure.telling import case_of


def written(directory: Path, text: str) -> Path:
    """Write a story."""
    path = directory / "s.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_story_is_read_with_its_units(tmp_path: Path) -> None:
    """In the order in which it is written."""
    text = """
title = "t"
[[steps]]
do = "throttle"
rate = "300 kbit/s"
power_cut = true
[[steps]]
do = "outage"
lasts = "250 ms"
"""
    assert load_story(written(tmp_path, text)) == Story(
        title="t",
        steps=(
            Throttle.model_construct(do="throttle", rate=300_000, power_cut=True),
            Outage.model_construct(do="outage", lasts=0.25),
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "t"\nsteps = []\n', "s.toml: steps: Tuple should have at least 1 item"),
        ('title = "t"\n[[steps]]\ndo = "nap"\n', "s.toml: steps.0: Input tag 'nap' found using"),
        ('title = "t"\n[[steps]]\ndo = "outage"\nlasts = "1 h"\n', "less than or equal to 60"),
        ('title = "t"\n[[steps]]\ndo = "outage"\nlasts = "9 x"\n', "'9 x' is not a duration"),
        (
            'title = "t"\n[[steps]]\ndo = "reassign"\nhow = 1\n',
            "steps.0.reassign.how: Extra inputs",
        ),
        ("steps = [", "s.toml: not TOML: "),
    ],
)
def test_a_wrong_story_is_answered_by_key(tmp_path: Path, text: str, message: str) -> None:
    """One line that says where it is wrong."""
    with pytest.raises(UsageError) as found:
        load_story(written(tmp_path, text))

    assert message in str(found.value)


def test_a_story_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(UsageError, match="there is no such file"):
        load_story(tmp_path / "none.toml")


def test_only_a_story_that_moves_the_clocks_has_the_bench_for_itself() -> None:
    """The world's clock is one for all routers."""
    alone = Story(title="t", steps=(TimeJump(do="time_jump", hours=30),))
    beside = Story(title="t", steps=(Outage.model_construct(do="outage", lasts=1.0),))

    assert [case_of(alone).exclusive, case_of(beside).exclusive] == [True, False]
