"""Whether the state and the marker on a host speak of the same cluster at the same time."""

from __future__ import annotations

from wizard.core.errors import StateError
from wizard.core.state import RunState

_FORGET = (
    "if that state is lost for good, as root on {host}: "
    "rm -f /var/lib/wizard/marker /boot/config/wizard/marker",
    "the next apply then looks at everything again and leaves a new marker",
)


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
    if marker_lineage != state.lineage:
        raise _another_cluster(state, marker_lineage, host)
    if marker_serial > state.serial:
        raise _older_than_host(state, marker_serial, host)


def _another_cluster(state: RunState, lineage: str, host: str) -> StateError:
    ours = f"the state of {state.name!r} here has {state.lineage}"
    fresh = state.serial == 0
    if fresh:
        ours = "here nothing was ever applied, so there is no state that could be its"
    return StateError(
        f"{host} belongs to another cluster{', or to this one set up from elsewhere' if fresh else ''}.",
        where=f"{host}, its marker",
        why=f"The marker there says lineage {lineage}; {ours}.",
        do=(
            "use the folder of the cluster it belongs to: --dir DIR    # or WIZARD_HOME",
            *(line.format(host=host) for line in _FORGET),
        ),
    )


def _older_than_host(state: RunState, serial: int, host: str) -> StateError:
    return StateError(
        f"The state here is older than what {host} knows.",
        where=f"{host}, its marker",
        why=f"The marker there has serial {serial}, the state here {state.serial}: a later run was made "
        "from another machine or folder, or an old backup was restored.",
        do=(
            f"work from where the last apply ran: wizard state show says serial {serial} or more there",
            *(line.format(host=host) for line in _FORGET),
        ),
    )
