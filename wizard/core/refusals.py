"""Why a host is not ours to work on: the same words, whoever finds out (the host, its marker, the practice world)."""

from __future__ import annotations

from wizard.core.errors import RESUMES, StateError
from wizard.core.text import printable

_FORGET = (
    "if that state is lost for good, as root on {host}: "
    "rm -f /var/lib/wizard/marker /boot/config/wizard/marker",
    "the next apply then looks at everything again and leaves a new marker",
)


def held(host: str, where: str, holder: str, since: str) -> StateError:
    """Another operator holds it.

    Args:
        host: its name in the spec.
        where: for the message.
        holder: as that operator's wizard named itself; may be empty.
        since: by the host's clock; may be empty.
    """
    return StateError(
        f"{host} is being worked on by somebody else.",
        where=where,
        why=f"Held by {_who(holder, since)}. The host lets go when that run ends or its link dies.",
        do="wait for that run to end, or stop it there; then run the same command again",
    )


def taken_meanwhile(host: str, where: str, holder: str, since: str) -> StateError:
    """While our link was broken another operator held it, and let go again: what we planned may no longer be right.

    Args:
        host: its name in the spec.
        where: for the message.
        holder: as `held`.
        since: as `held`.
    """
    return StateError(
        f"{host} was worked on by somebody else while its link was broken.",
        where=where,
        why=f"It was held by {_who(holder, since)}: what this run found there before may no longer be so.",
        do="run the same command again: it looks at everything anew",
        again=RESUMES,
    )


def another_cluster(
    host: str, where: str, *, marker: str, ours: str, name: str = "", fresh: bool = False
) -> StateError:
    """Its marker bears another lineage.

    Args:
        host: its name in the spec.
        where: for the message.
        marker: the lineage there.
        ours: the lineage of our state.
        name: of the cluster the marker belongs to, where it is known.
        fresh: nothing was ever applied from here.
    """
    here = (
        "here nothing was ever applied, so there is no state that could be its"
        if fresh
        else f"the state here has {ours}"
    )
    told = f"The marker there says lineage {printable(marker) or 'unknown'}"
    return StateError(
        f"{host} belongs to another cluster{', or to this one set up from elsewhere' if fresh else ''}.",
        where=where,
        why=f"{told}{f' of the cluster {printable(name)}' if name else ''}; {here}.",
        do=(
            "use the folder of the cluster it belongs to: --dir DIR    # or WIZARD_HOME",
            *(line.format(host=host) for line in _FORGET),
        ),
    )


def older_than_host(host: str, where: str, *, marker: str, ours: int) -> StateError:
    """Its marker bears a higher serial.

    Args:
        host: its name in the spec.
        where: for the message.
        marker: the serial there.
        ours: the serial of our state.
    """
    return StateError(
        f"The state here is older than what {host} knows.",
        where=where,
        why=f"The marker there has serial {printable(marker)}, the state here {ours}: a later run was made "
        "from another machine or folder, or an old backup was restored.",
        do=(
            f"work from where the last apply ran: wizard state show says serial {printable(marker)} or more there",
            *(line.format(host=host) for line in _FORGET),
        ),
    )


def _who(holder: str, since: str) -> str:
    return f"{printable(holder)[:200] or 'somebody'} since {printable(since)[:200] or 'unknown'}"
