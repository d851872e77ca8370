"""Which interface of a model is what, as the inventory needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.at.model import Model
from harness.core.errors import BenchError
from harness.lab.description import Function
from harness.lab.inventory import PortRoles
from harness.lab.schema import Lab


def roles_of(model: Model, here: Iterable[Function] = ()) -> PortRoles:
    """Return the interface numbers that the inventory needs of a model.

    Args:
        model: The model.
        here: What is plugged in at the router's path; its ids choose among the model's sets.

    Raises:
        BenchError: No set of USB ids of the model has an AT port and a network interface.
    """
    ids = {(function.vid, function.pid) for function in here if function.subsystem == "usb"}
    modes = sorted(model.usb, key=lambda mode: (mode.vid, mode.pid) not in ids)
    for mode in modes:
        by_role = {role: interface for interface, role in sorted(mode.roles.items(), reverse=True)}
        if "at" in by_role and "net" in by_role:
            return PortRoles(at=by_role["at"], at_secondary=by_role.get("at2"), net=by_role["net"])
    msg = f"{model.name}.toml: usb: no mode has an AT port and a network interface; add one"
    raise BenchError(msg)


def require_models(lab: Lab, models: Mapping[str, Model]) -> None:
    """Check that each router's model is known before anything starts.

    Raises:
        BenchError: A model is not known; the message lists those that are.
    """
    for name, router in lab.routers.items():
        if router.model not in models:
            known = ", ".join(sorted(models))
            msg = (
                f"lab.toml: routers.{name}.model: there is no model {router.model!r}; "
                f"there are {known}"
            )
            raise BenchError(msg)
