"""`python -m tests.explore`: look for a story that breaks a promise, and shrink it.

Hypothesis draws stories and shrinks the one that fails; each is replayed by `harness accept
--scenario` on a virtual bench of its own, so that what is found is what anybody can replay.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

ROOT: Final = Path(__file__).parents[2]
LIMITS: Final = ROOT / "tests/acceptance/limits.toml"
LONGEST_S: Final = 900.0
Steps = list[dict[str, Any]]

_LASTS = st.sampled_from(["1 s", "3 s", "8 s"])
_RATES = st.sampled_from(["300 kbit/s", "128 kbit/s", "1 Mbit/s"])
STEPS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"do": st.just("power_cut")}),
        st.fixed_dictionaries({"do": st.just("reassign")}),
        st.fixed_dictionaries({"do": st.just("outage"), "lasts": _LASTS}),
        st.fixed_dictionaries(
            {"do": st.just("throttle"), "rate": _RATES, "power_cut": st.booleans()}
        ),
        st.fixed_dictionaries(
            {"do": st.just("reject"), "cause": st.sampled_from([11, 15, 17]), "lasts": _LASTS}
        ),
        st.fixed_dictionaries(
            {
                "do": st.just("server_fault"),
                "status": st.sampled_from([500, 503]),
                "lasts": _LASTS,
            }
        ),
        st.fixed_dictionaries({"do": st.just("time_jump"), "hours": st.sampled_from([1, 30, -2])}),
    ),
    min_size=1,
    max_size=5,
)


def toml_of(steps: Steps, title: str) -> str:
    """Write a story; JSON's words and numbers are TOML's, too."""
    lines = [f"title = {json.dumps(title)}"]
    for part in steps:
        lines += ["", "[[steps]]", *(f"{key} = {json.dumps(value)}" for key, value in part.items())]
    return "\n".join(lines) + "\n"


@dataclass(slots=True, kw_only=True)
class Explorer:
    """Replays stories, each once.

    Attributes:
        planted: Faults of the virtual bench.
        seen: What each story came to: the cause of its failure, empty when it passed.
    """

    planted: tuple[str, ...] = ()
    seen: dict[str, str] = field(default_factory=dict)

    def breaks(self, steps: Steps) -> bool:
        """Tell whether a story does not pass."""
        story = toml_of(steps, "a story that the explorer drew")
        if story not in self.seen:
            self.seen[story] = self._replay(story)
            words = ", ".join(part["do"] for part in steps)
            sys.stderr.write(f"{words}: {self.seen[story] or 'pass'}" + "\n")
        return bool(self.seen[story])

    def _replay(self, story: str) -> str:
        """Replay a story on a bench of its own; return why it did not pass."""
        with TemporaryDirectory(prefix="story-") as name:
            desk = Path(name)
            (desk / "story.toml").write_text(story, encoding="utf-8")
            lab = (ROOT / "lab.toml").read_text(encoding="utf-8")
            line = f"[virtual]\ndefects = {json.dumps(list(self.planted))}"
            (desk / "lab.toml").write_text(lab.replace("[virtual]", line, 1), encoding="utf-8")
            argv = ["accept", "--scenario", "story.toml", "--limits", str(LIMITS), "--json"]
            ended = subprocess.run(
                [sys.executable, "-m", "harness.cli", *argv],
                cwd=desk,
                env=os.environ | {"XDG_RUNTIME_DIR": name},
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
                check=False,
            )
        if not ended.stdout.strip():
            return f"exit code {ended.returncode}: {ended.stderr[-300:]}"
        (result,) = json.loads(ended.stdout)["results"]
        return "" if result["verdict"] == "pass" else f"{result['owner']}: {result['cause']}"


def explored(breaks: Callable[[Steps], bool], examples: int) -> Steps | None:
    """Return the shortest story found that breaks a promise; None when none was found."""
    setting = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        return find(STEPS, breaks, settings=setting)
    except NoSuchExample:
        return None


def main() -> int:
    """Explore, say what was found, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m tests.explore")
    parser.add_argument("--examples", type=int, default=50, help="how many stories are drawn")
    parser.add_argument("--planted", nargs="*", default=[], help="faults of the virtual bench")
    parser.add_argument("--out", type=Path, default=Path("story.toml"), help="what is found")
    wanted = parser.parse_args()
    explorer = Explorer(planted=tuple(wanted.planted))
    steps = explored(explorer.breaks, wanted.examples)
    sys.stdout.write(f"{len(explorer.seen)} stories were replayed" + "\n")
    if steps is None:
        sys.stdout.write("none breaks a promise" + "\n")
        return 0
    cause = explorer.seen[toml_of(steps, "a story that the explorer drew")]
    wanted.out.write_text(toml_of(steps, cause), encoding="utf-8")
    sys.stdout.write(f"{cause}\nreplay it: harness accept --scenario {wanted.out}" + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
