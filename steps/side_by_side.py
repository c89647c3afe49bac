"""Many hosts looked at at the same time: the slowest is waited for, not the sum of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from wizard.core.errors import HostError, RemoteError

Thing = TypeVar("Thing")
Seen = TypeVar("Seen")

WORKERS = 16
"""Hosts and guests asked at the same time; a homelab has fewer than that."""


def side_by_side(
    things: Sequence[Thing],
    look: Callable[[Thing], Seen],
    otherwise: Callable[[Thing, HostError | RemoteError], Seen],
) -> list[Seen]:
    """Look at several things, each in a thread of its own.

    Args:
        things: hosts, guests, members ...
        look: asks one of them.
        otherwise: what is known of one that could not be asked, or did not answer as our script does.

    Returns:
        What was seen, in the order of the things. Any other error of a look is raised.
    """

    def one(thing: Thing) -> Seen:
        try:
            return look(thing)
        except (HostError, RemoteError) as error:
            return otherwise(thing, error)

    if not things:
        return []
    with ThreadPoolExecutor(min(WORKERS, len(things)), thread_name_prefix="look") as pool:
        return list(pool.map(one, things))
