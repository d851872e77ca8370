"""``harness.procedure.trials``: a bench file of its own, and what an acceptance printed."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.procedure.trials import _understood, with_planted

LAB = '[bench]\nname = "b"\nruns = "../runs"\n\n[virtual]   # told\nrandom_seed = 1\n'


def test_faults_are_planted_in_the_virtual_table_and_the_record_stays_beside_it() -> None:
    """Nothing else changes."""
    assert with_planted(LAB, ["no_pdn", "urcs_lost"]) == (
        '[bench]\nname = "b"\nruns = "runs"\n\n[virtual]   # told\n'
        'defects = ["no_pdn", "urcs_lost"]\nrandom_seed = 1\n'
    )


def test_a_bench_file_without_a_virtual_table_gets_one() -> None:
    """And a clean run gets none."""
    assert with_planted("[bench]\n", ["no_pdn"]) == '[bench]\n\n[virtual]\ndefects = ["no_pdn"]\n'
    assert with_planted("[bench]\n", []) == "[bench]\n"


def test_a_bench_file_that_plants_faults_itself_is_refused() -> None:
    """Its own faults would be counted for another."""
    with pytest.raises(UsageError, match=r"take virtual\.defects out of it"):
        with_planted('[virtual]\ndefects = ["no_pdn"]\n', [])


def test_a_bench_that_refuses_to_work_is_blamed() -> None:
    """Exit code 3 without a record: the bench, in its own words."""
    said, broke = _understood(3, "", "harness: error: outlet 0 says it is off\n")

    assert broke == ""
    assert said is not None
    assert said["results"] == [
        {"case": "", "verdict": "error", "owner": "bench", "cause": "outlet 0 says it is off"}
    ]


@pytest.mark.parametrize("code", [1, 2, 4, 70, -9])
def test_any_other_end_without_a_record_is_a_try_that_broke(code: int) -> None:
    """It catches nothing and blames nobody."""
    said, broke = _understood(code, "", "harness: error: there is no case 'X'\n")

    assert (said, broke) == (None, f"exit code {code}: there is no case 'X'")
