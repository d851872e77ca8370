"""Names the mutants of ``harness.at`` that no test kills and that no written reason excuses.

Run it by ``make mutants``. The reasons are in `at.md` beside it: a paragraph under a heading, then
one indented line a mutant, `module.function: + the line as it was changed`. Exit code 1 when a
survivor has no reason, or when a reason has no survivor any more.
"""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

REASONS = Path(__file__).with_name("at.md")
MUTANTS = Path("mutants/harness/at")
ENTRY = re.compile(r"    (?P<text>[a-z_]+\.\S+: .+)")
GOOD = frozenset({"killed", "timeout", "suspicious", "caught by type check"})


def functions(module: str) -> dict[str, list[str]]:
    """Return the source lines of each function of a mutated module."""
    source = (MUTANTS / f"{module}.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    return {
        node.name: lines[node.lineno - 1 : node.end_lineno]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }


def difference(original: list[str], mutant: list[str]) -> str:
    """Return the changed lines as one, blanks reduced; names of functions do not count."""
    changed = difflib.unified_diff(original[1:], mutant[1:], lineterm="", n=0)
    shown = [line for line in changed if not line.startswith(("---", "+++", "@@"))]
    added = [line for line in shown if line.startswith("+")] or shown
    return " ".join(" ".join(added).split())


def survivors(results: str) -> Counter[str]:
    """Return `module.function: + changed line` of each mutant that lived."""
    found: Counter[str] = Counter()
    read: dict[str, dict[str, list[str]]] = {}
    for line in results.splitlines():
        name, _, status = line.strip().partition(": ")
        if not name.startswith("harness.at.") or status in GOOD:
            continue
        _, _, module, mutant = name.split(".")
        texts = read.setdefault(module, functions(module))
        original = re.sub(r"__mutmut_\d+$", "__mutmut_orig", mutant)
        function = original.removesuffix("__mutmut_orig").removeprefix("x_")
        function = function.removeprefix("xǁ").replace("ǁ", ".")
        found[f"{module}.{function}: {difference(texts[original], texts[mutant])}"] += 1
    return found


def main() -> int:
    """Compare survivors and reasons; return the exit code."""
    results = subprocess.run(
        [str(Path(sys.executable).with_name("mutmut")), "results"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    alive = survivors(results)
    text = REASONS.read_text(encoding="utf-8")
    excused = Counter(match["text"] for match in map(ENTRY.fullmatch, text.splitlines()) if match)
    for entry in sorted((alive - excused).elements()):
        sys.stdout.write(f"no reason    {entry}\n")
    for entry in sorted((excused - alive).elements()):
        sys.stdout.write(f"no survivor  {entry}\n")
    sys.stdout.write(
        f"{alive.total()} mutants live, {(alive & excused).total()} of them with a reason\n"
    )
    return int(alive != excused)


if __name__ == "__main__":
    sys.exit(main())
