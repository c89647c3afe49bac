"""Whether the state and the marker on a host speak of the same cluster at the same time."""

from __future__ import annotations

from wizard.core.refusals import another_cluster, older_than_host
from wizard.core.state import RunState


def check_marker(state: RunState, marker_lineage: str, marker_serial: int, host: str) -> None:
    """Refuse to work on a host that belongs to another cluster, or that knows of a later run than we do.

    A marker with a lower serial is fine: the run that would have raised it did not get as far as this host.

    Args:
        state: what we remember; its serial is saved before any marker carries it.
        marker_lineage: from the host's marker.
        marker_serial: from the host's marker.
        host: its name in the spec.

    Raises:
        StateError: the one or the other.
    """
    where = f"{host}, its marker"
    if marker_lineage != state.lineage:
        raise another_cluster(
            host,
            where,
            marker=marker_lineage,
            ours=f"{state.lineage} ({state.name})",
            fresh=state.serial == 0,
        )
    if marker_serial > state.serial:
        raise older_than_host(host, where, marker=str(marker_serial), ours=state.serial)
