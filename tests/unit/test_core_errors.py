"""`harness.core.errors`: who must act."""

from __future__ import annotations

from harness.core.errors import CloudError, HarnessError
from harness.core.party import Party


def test_a_cloud_error_names_its_party() -> None:
    """The access server, the SIM bank or a carrier; never the bench by default."""
    error = CloudError("the access server answered 500", party=Party.ACCESS_SERVER)

    assert isinstance(error, HarnessError)
    assert (str(error), error.party) == ("the access server answered 500", "access_server")
