"""What each port remembers: V.250 parameters and the switches for unsolicited lines."""

from __future__ import annotations

from dataclasses import dataclass, field


def _registers() -> dict[int, int]:
    """Return the S-parameters of V.250 clauses 6.2 and 6.3 with their defaults."""
    return {0: 0, 3: 13, 4: 10, 5: 8, 6: 2, 7: 50, 8: 2, 10: 2}


@dataclass(slots=True, kw_only=True)
class Settings:
    """The settings of one port.

    Attributes:
        echo: V.250 ``E``.
        verbose: V.250 ``V``.
        quiet: V.250 ``Q``.
        cmee: ``+CMEE`` (TS 27.007 clause 9.1).
        reports: ``<n>`` of ``+CREG``, ``+CGREG``, ``+CEREG``, ``+C5GREG`` by name.
        numbers: Other single-number parameters by command name.
        texts: Other text parameters by command name.
        oper_format: ``<format>`` of ``+COPS``.
    """

    echo: bool = True
    verbose: bool = True
    quiet: bool = False
    registers: dict[int, int] = field(default_factory=_registers)
    cmee: int = 0
    reports: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    oper_format: int = 0
    stored: dict[str, tuple[str, ...]] = field(default_factory=dict)
