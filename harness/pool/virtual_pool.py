"""A virtual pool of SIMs and the server that hands them to lines: the world of a replay.

It knows the truth (which SIM is past its quota) and keeps it to itself; the bench beside it sees
what an operator could see: which line was on which SIM in which hour, and how much went through.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.core.units import BITS_PER_BYTE
from harness.pool.fleet import Demand
from harness.pool.landing import Ints
from harness.pool.watch import NO_SIM, HourLog

_SECONDS_AN_HOUR: Final = 3600


class Policy(StrEnum):
    """How the server chooses a SIM for a line."""

    BLIND = "blind"
    SEES = "sees"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What only the world knows of one hour.

    Attributes:
        slow: For each active line, whether its SIM held it back.
        asked_bytes: What all asked for.
    """

    slow: npt.NDArray[np.bool_]
    asked_bytes: int


class VirtualPool:
    """SIMs with quotas, and a server with a policy.

    Attributes:
        quota_bytes: Quota of each SIM.
        used_bytes: What each has used since its reset.
        carrier: Index of each SIM's carrier.
    """

    def __init__(self, *, seed: int, policy: Policy, visible: float, throttle_bps: int) -> None:
        self._random = np.random.default_rng([seed, 1_000_003])
        self._policy = policy
        self._visible = visible
        self._slow_bytes = throttle_bps * _SECONDS_AN_HOUR // BITS_PER_BYTE
        self.quota_bytes: Ints = np.empty(0, np.int64)
        self.used_bytes: Ints = np.empty(0, np.int64)
        self.carrier: Ints = np.empty(0, np.int64)
        self._known: npt.NDArray[np.bool_] = np.empty(0, np.bool_)

    def add(self, sims: int, *, quota_bytes: int, shares: npt.NDArray[np.float64]) -> None:
        """Put fresh SIMs in, of carriers in the given shares."""
        edges = np.round(np.cumsum(shares) * sims).astype(np.int64)
        new = np.searchsorted(edges, np.arange(sims), side="right")
        self.quota_bytes = np.concatenate([self.quota_bytes, np.full(sims, quota_bytes, np.int64)])
        self.used_bytes = np.concatenate([self.used_bytes, np.zeros(sims, np.int64)])
        self.carrier = np.concatenate([self.carrier, new])
        known = self._random.random(sims) < self._visible
        self._known = np.concatenate([self._known, known])

    def remove_last(self, sims: int) -> None:
        """Take the SIMs out that were put in last."""
        keep = self.quota_bytes.size - sims
        self.quota_bytes, self.used_bytes = self.quota_bytes[:keep], self.used_bytes[:keep]
        self.carrier, self._known = self.carrier[:keep], self._known[:keep]

    def reset(self, late_share: float, late_carrier: int) -> Ints:
        """Begin a new month; return the SIMs that the carrier forgot."""
        candidates = np.flatnonzero(self.carrier == late_carrier)
        late = candidates[self._random.random(candidates.size) < late_share]
        kept = self.used_bytes[late].copy()
        self.used_bytes[:] = 0
        self.used_bytes[late] = kept
        return late

    def reset_these(self, sims: Ints) -> None:
        """Reset what was forgotten."""
        self.used_bytes[sims] = 0

    def is_slow(self, sims: Ints) -> npt.NDArray[np.bool_]:
        """Answer a measurement: whether each SIM is throttled now."""
        return np.asarray(self.used_bytes[sims] >= self.quota_bytes[sims])

    def _order(self) -> Ints:
        count = self.quota_bytes.size
        if self._policy is Policy.BLIND:
            return self._random.permutation(count)
        left = self.quota_bytes - self.used_bytes
        believed = np.where(self._known, left, self.quota_bytes // 2)
        return np.argsort(-believed + self._random.random(count), kind="stable")

    def serve(self, demand: Demand) -> tuple[HourLog, Truth]:
        """Give every active line a SIM, as far as there are any, and let it use the hour."""
        turn = self._random.permutation(demand.lines.size)
        order = self._order()
        given = min(turn.size, order.size)
        served, sims = turn[:given], order[:given]
        want = demand.want_bytes[served]
        left = np.maximum(0, self.quota_bytes[sims] - self.used_bytes[sims])
        fast = np.minimum(want, left)
        used = fast + np.minimum(want - fast, self._slow_bytes)
        self.used_bytes[sims] += used
        all_sims = np.full(demand.lines.size, NO_SIM, np.int64)
        all_used, slow = (
            np.zeros(demand.lines.size, np.int64),
            np.zeros(demand.lines.size, np.bool_),
        )
        all_sims[served], all_used[served], slow[served] = sims, used, want > fast
        log = HourLog(lines=demand.lines, sims=all_sims, used_bytes=all_used)
        return log, Truth(slow=slow, asked_bytes=int(demand.want_bytes.sum()))
