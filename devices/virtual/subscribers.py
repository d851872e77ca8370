"""The carriers' books: core networks, the lines they serve, where each router stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from devices.virtual import identity
from devices.virtual.aka import Keys
from devices.virtual.impairment import Impairment
from devices.virtual.lab_file import LabFile
from devices.virtual.plan import Terms

_TAC_DEFAULT = 0x3001
_CELL_DEFAULT = 0x01A2B30
_RSRP_DEFAULT_DBM = -85
_RSRP_STEP_DBM = 6
_LTE = 7  # <AcT> of TS 27.007: E-UTRAN
_WEAK_DBM = -110
SEED_RATE_BPS = 10_000_000


@dataclass(slots=True, kw_only=True)
class CoreNetwork:
    """One carrier's core, and what the lab has switched on in it.

    Attributes:
        number: Which core namespace.
        name: Name in ``lab.toml``; the seed network is ``seed``.
        plmn: Its PLMN.
        apn: The APN it serves.
        rate_bps: Unthrottled rate of a line.
        reject_cause: EMM cause for every attach; ``None`` is none.
        outage: Whether it answers nobody and carries nothing.
        regulation_bps: Rate that every line is held to; ``None`` is none.
        t3460_s: How long it waits for an authentication response, before scaling.
        t3412_s: Periodic update timer, before scaling.
    """

    number: int
    name: str
    plmn: str
    apn: str
    rate_bps: int
    reject_cause: int | None = None
    outage: bool = False
    regulation_bps: int | None = None
    t3460_s: float = 6.0
    t3412_s: float = 3240.0


@dataclass(slots=True, kw_only=True)
class Shaper:
    """What the lab set on one line.

    Attributes:
        downlink_bps: Rate towards the router; ``None`` leaves it to the contract.
        uplink_bps: Rate from the router; ``None`` leaves it to the contract.
        mode: ``shaper`` queues, ``policer`` drops.
        bucket_bytes: Token bucket; ``None`` is a matter of the rate.
        queue_bytes: Queue; ``None`` is a matter of the rate.
    """

    downlink_bps: int | None = None
    uplink_bps: int | None = None
    mode: str = "shaper"
    bucket_bytes: int | None = None
    queue_bytes: int | None = None


@dataclass(slots=True, kw_only=True)
class Subscriber:
    """One line in its carrier's books.

    Attributes:
        imsi: The subscriber.
        iccid: The card.
        keys: Its secret.
        core: Its carrier.
        terms: Its contract, quotas already compressed.
        sqn: The newest SQN the carrier used.
        shaper: What the lab set.
        impairment: Delay and loss that the lab set.
        reject_cause: EMM cause for this line; ``None`` is none.
        usage_by_hour: L3 bytes both ways, by UTC hour of the world.
        dl_bytes: L3 bytes towards the router since the start, after the shaper.
        ul_bytes: L3 bytes from the router since the start.
        attached_imei: Where it is attached.
        attached_bearer: On which of the modem's two stacks.
        address: Its address.
    """

    imsi: str
    iccid: str
    keys: Keys
    core: CoreNetwork
    terms: Terms
    sqn: int = 32
    shaper: Shaper = field(default_factory=Shaper)
    impairment: Impairment = field(default_factory=Impairment)
    reject_cause: int | None = None
    usage_by_hour: dict[int, int] = field(default_factory=dict)
    dl_bytes: int = 0
    ul_bytes: int = 0
    attached_imei: str | None = None
    attached_bearer: str | None = None
    address: str | None = None


@dataclass(slots=True, kw_only=True)
class Place:
    """Where a router stands.

    Attributes:
        mcc: Country of the strongest cell.
        mnc: Network of the strongest cell.
        tac: Tracking area.
        cell: Cell identity.
        rsrp_dbm: How strong it is.
        covered: PLMNs that can be received here.
    """

    mcc: str = "440"
    mnc: str = "10"
    tac: int = _TAC_DEFAULT
    cell: int = _CELL_DEFAULT
    rsrp_dbm: int = _RSRP_DEFAULT_DBM
    covered: list[str] = field(default_factory=list)

    @property
    def plmn(self) -> str:
        """PLMN of the strongest carrier cell."""
        return self.mcc + self.mnc

    def cells(self) -> list[dict[str, int | float | str]]:
        """Return what a scan finds here, the strongest first."""
        others = [plmn for plmn in self.covered if plmn not in {self.plmn, identity.SEED_PLMN}]
        order = [plmn for plmn in (self.plmn, *sorted(others)) if plmn in self.covered]
        found = [(plmn, self.rsrp_dbm - _RSRP_STEP_DBM * step) for step, plmn in enumerate(order)]
        if identity.SEED_PLMN in self.covered:
            found.append((identity.SEED_PLMN, self.rsrp_dbm - 3))
        found.sort(key=lambda entry: -entry[1])
        return [self.cell_of(plmn, rsrp_dbm) for plmn, rsrp_dbm in found]

    def cell_of(self, plmn: str, rsrp_dbm: int) -> dict[str, int | float | str]:
        """Return the cell of one network here."""
        # Neighbouring networks' cells differ in identity but share the tracking area's number.
        ci = self.cell if plmn == self.plmn else self.cell ^ int(plmn) << 4 & 0xFFFFFFF
        rsrq_db = -10.0 if rsrp_dbm > _WEAK_DBM else -16.0
        return {
            "plmn": plmn,
            "tac": self.tac,
            "ci": ci,
            "act": _LTE,
            "rsrp_dbm": rsrp_dbm,
            "rsrq_db": rsrq_db,
        }

    def serving(self, plmn: str) -> dict[str, int | float | str] | None:
        """Return the cell that serves one network here; ``None`` is no coverage."""
        return next((cell for cell in self.cells() if cell["plmn"] == plmn), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """All networks, lines and places.

    Attributes:
        cores: Core networks by PLMN.
        subscribers: Lines by IMSI.
        places: Places by IMEI.
    """

    cores: Mapping[str, CoreNetwork]
    subscribers: dict[str, Subscriber]
    places: dict[str, Place]


def open_books(lab: LabFile) -> Books:
    """Enter everybody in ``lab.toml`` into the carriers' books."""
    seed = CoreNetwork(
        number=0,
        name="seed",
        plmn=identity.SEED_PLMN,
        apn=identity.SEED_APN,
        rate_bps=SEED_RATE_BPS,
    )
    cores = {identity.SEED_PLMN: seed}
    by_name: dict[str, CoreNetwork] = {}
    for number, carrier in enumerate(lab.carriers.values(), start=1):
        core = CoreNetwork(
            number=number,
            name=carrier.name,
            plmn=carrier.plmn,
            apn=carrier.apn,
            rate_bps=carrier.rate_bps,
        )
        cores[carrier.plmn] = by_name[carrier.name] = core
    covered = list(cores)
    places = {router.imei: Place(covered=list(covered)) for router in lab.routers}
    lines = _lines(lab, seed, by_name)
    return Books(cores=cores, subscribers={line.imsi: line for line in lines}, places=places)


def _lines(lab: LabFile, seed: CoreNetwork, cores: Mapping[str, CoreNetwork]) -> list[Subscriber]:
    random_seed, factor = lab.conditions.random_seed, lab.conditions.quota_factor
    lines = []
    for slot in lab.slots:
        terms = Terms(
            quota_bytes=compressed(slot.quota_bytes, factor),
            reset_day=slot.reset_day,
            reset_time=slot.reset_time,
            zone=slot.zone,
            throttle_bps=slot.throttle_bps,
            window_bytes=compressed(slot.window_bytes, factor),
            window_days=slot.window_days,
        )
        keys = identity.keys_of(random_seed, slot.iccid)
        core = cores[slot.carrier]
        lines.append(
            Subscriber(imsi=slot.imsi, iccid=slot.iccid, keys=keys, core=core, terms=terms)
        )
    for router in lab.routers:
        card = identity.seed_sim(router)
        others = [(card.imsi, card.iccid, seed)]
        if router.physical_sim is not None:
            own = router.physical_sim
            others.append((own.imsi, own.iccid, cores[own.carrier]))
        for imsi, iccid, core in others:
            keys = identity.keys_of(random_seed, iccid)
            terms = Terms(quota_bytes=None)
            lines.append(Subscriber(imsi=imsi, iccid=iccid, keys=keys, core=core, terms=terms))
    return lines


def compressed(size_bytes: int | None, factor: float) -> int | None:
    """Scale a quota; ``None`` stays unlimited."""
    return None if size_bytes is None else round(size_bytes * factor)


def lines_of(books: Books, plmn: str) -> Iterable[Subscriber]:
    """Return the lines of one carrier."""
    return (line for line in books.subscribers.values() if line.core.plmn == plmn)
