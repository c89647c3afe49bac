"""The homelab as a picture: hosts, the guests on them, and whether etcd has its quorum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum

from wizard.core.check import Finding, Status
from wizard.core.dataclass import dataclass
from wizard.core.spec.model import ClusterSpec, HostSpec, MachineSpec
from wizard.core.view.columns import wrapped
from wizard.core.view.progress import ChangeView, RunView
from wizard.core.view.styled import Line, Tone, beside, cut, line, padded, wide


class Health(Enum):
    """How a machine is. Each has a symbol and a word, and never a colour alone."""

    OK = ("ok", "ok", Tone.OK)
    BUSY = ("..", "at work", Tone.BUSY)
    PLANNED = ("--", "not yet", Tone.DIM)
    HALF = ("!!", "half done", Tone.WARN)
    WARN = ("!!", "warning", Tone.WARN)
    BAD = ("xx", "failed", Tone.BAD)
    AWAY = ("xx", "no answer", Tone.BAD)
    UNKNOWN = ("??", "not known", Tone.WARN)

    @property
    def symbol(self) -> str:
        """Two characters."""
        return self.value[0]

    @property
    def word(self) -> str:
        """What the symbol says."""
        return self.value[1]

    @property
    def tone(self) -> Tone:
        """Its colour, where there is one."""
        return self.value[2]

    @property
    def told(self) -> str:
        """Symbol and word; where the symbol is the word, once."""
        return self.word if self.symbol == self.word else f"{self.symbol} {self.word}"


UNFINISHED = (Health.PLANNED, Health.BUSY, Health.HALF)
"""How a machine is that nothing has gone wrong with and that is not there yet."""


@dataclass(frozen=True, slots=True)
class Node:
    """A host or a guest."""

    name: str
    role: str
    health: Health
    votes: bool = False
    """It is one of etcd's members."""
    voter: Health = Health.PLANNED
    """How its etcd is."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host and what runs on it."""

    node: Node
    address: str
    guests: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """The whole picture."""

    places: tuple[Place, ...]
    over: bool = False
    """The run it was taken from has ended: nobody is at work on what is missing."""

    @property
    def voters(self) -> tuple[Node, ...]:
        """Etcd's members."""
        nodes = [node for place in self.places for node in (place.node, *place.guests)]
        return tuple(node for node in nodes if node.votes)

    @property
    def quorum(self) -> tuple[Health, str]:
        """Whether enough members vote, as one sentence."""
        members = self.voters
        up = sum(one.voter in (Health.OK, Health.WARN) for one in members)
        need = len(members) // 2 + 1
        if not members:
            return Health.PLANNED, "no etcd members yet"
        told = f"{up} of {len(members)} members"
        if all(one.voter in UNFINISHED for one in members):
            return Health.PLANNED, f"not formed yet, {len(members)} members planned"
        if any(one.voter in UNFINISHED for one in members):
            return (Health.HALF, f"{told} set up") if self.over else (Health.BUSY, f"forming, {told} vote")
        if up < need:
            if any(one.voter is Health.UNKNOWN for one in members):
                return Health.UNKNOWN, f"{told} seen to vote, {need} are needed"
            return Health.BAD, f"{told} vote, {need} are needed: it has STOPPED"
        if up == len(members):
            return Health.OK, f"{told} vote: holds, can lose {up - need}"
        more = f"can lose {up - need} more" if up > need else "one more loss stops it"
        return Health.WARN, f"{told} vote: holds, {more}"


def topology(
    spec: ClusterSpec,
    machines: Sequence[MachineSpec],
    view: RunView | None = None,
    findings: Iterable[Finding] = (),
) -> Topology:
    """Put the picture together.

    Args:
        spec: what is wanted.
        machines: the guests: those of the spec, or the proposal.
        view: of a run that goes on or has ended; None = nothing was done yet.
        findings: of the last look, newest wins over the run where there are any.
    """
    seen = _Seen(view or RunView(), tuple(findings))
    members = {member.name for member in spec.etcd_members()} | {
        one.name for one in machines if one.role == "etcd"
    }
    return Topology(tuple(_place(host, machines, members, seen) for host in spec.hosts), seen.over)


def _place(host: HostSpec, machines: Sequence[MachineSpec], members: set[str], seen: _Seen) -> Place:
    health = seen.host(host.name)
    guests = tuple(
        Node(
            one.name,
            one.role,
            seen.guest(one.name, health),
            one.name in members,
            seen.voter(one.name, health),
        )
        for one in machines
        if one.host == host.name
    )
    votes = host.name in members
    return Place(
        Node(host.name, host.role, health, votes, seen.voter(host.name, health)), host.address, guests
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the events and the findings say of each machine."""

    view: RunView
    findings: tuple[Finding, ...]

    @property
    def over(self) -> bool:
        """Whether there was a run that has ended."""
        return self.view.status in ("done", "failed", "stopped")

    def found(self, name: str) -> list[Finding]:
        """What is said of a machine by the last look, and by the checks that failed in a run that has ended."""
        wrong = self.view.wrong if self.over else ()
        return [one for one in (*self.findings, *wrong) if one.host == name]

    def host(self, name: str) -> Health:
        """How a host is: reached or not, and what its checks and changes say."""
        reached = self.view.hosts.get(name)
        found = self.found(name)
        if any(one.status is Status.FAIL and one.check in _AWAY for one in found):
            return Health.AWAY
        if found:
            return _of_findings(found)
        if reached == "failed":
            return Health.AWAY
        mine = [change for _, change in self._changes() if change.host == name]
        return (
            _of_changes(mine, over=self.over)
            if mine
            else (Health.OK if reached == "connected" else Health.PLANNED)
        )

    def guest(self, name: str, host: Health) -> Health:
        """How a guest is; one whose host is away cannot be better than that."""
        if host is Health.AWAY:
            return Health.AWAY if self.findings or self._touched(name) else Health.PLANNED
        found = self.found(name)
        if found:
            return _of_findings(found)
        mine = [c for _, c in self._changes() if c.host == name or c.key.endswith(f":{name}")]
        return _of_changes(mine, over=self.over) if mine else self._without_changes("machines")

    def voter(self, name: str, host: Health) -> Health:
        """How a member's etcd is."""
        if host is Health.AWAY:
            return Health.AWAY
        found = self.found(name)
        etcd = [one for one in found if one.step == "etcd"]
        if any(one.status is Status.FAIL and one.step in ("hosts", "machines") for one in found):
            return Health.AWAY
        if etcd:
            return _of_findings(etcd)
        mine = [c for step, c in self._changes() if step == "etcd" and c.host == name]
        return _of_changes(mine, over=self.over) if mine else self._without_changes("etcd")

    def _changes(self) -> Iterable[tuple[str, ChangeView]]:
        return [(step.id, change) for step in self.view.steps for change in step.changes]

    def _touched(self, name: str) -> bool:
        return any(
            change.status != "planned" and (change.host == name or change.key.endswith(f":{name}"))
            for _, change in self._changes()
        )

    def _without_changes(self, step: str) -> Health:
        """Nothing is to be done: it is there already where the step has been through, or nobody has looked."""
        status: Mapping[str, str] = {one.id: one.status for one in self.view.steps}
        return Health.OK if status.get(step) == "done" else Health.PLANNED


_AWAY = frozenset({"hosts.reach", "hosts.key", "hosts.login", "machines.answers"})
"""Checks whose failure means that nothing more can be said of a machine."""


def _of_findings(found: Sequence[Finding]) -> Health:
    statuses = {one.status for one in found}
    if Status.FAIL in statuses:
        away = any(one.status is Status.FAIL and one.check in _AWAY for one in found)
        return Health.AWAY if away else Health.BAD
    if Status.WARN in statuses:
        return Health.WARN
    if Status.PASS in statuses:
        return Health.OK
    return Health.UNKNOWN if Status.SKIP in statuses else Health.BUSY


def _of_changes(mine: Sequence[ChangeView], *, over: bool) -> Health:
    """How a machine is by its changes; in a run that is over, what was not done is not at work either."""
    statuses = {one.status for one in mine}
    if "failed" in statuses:
        return Health.BAD
    if "unknown" in statuses or (over and "running" in statuses):
        return Health.UNKNOWN
    if not over and ("running" in statuses or {"planned", "done"} <= statuses):
        return Health.BUSY
    if "done" not in statuses:
        return Health.PLANNED
    return Health.OK if statuses == {"done"} else Health.HALF


LEAST, MOST = 24, 34
"""Columns of a host's box."""
GAP = 1
SHORT = 30
"""Columns of a box below which a guest's role is left to its name."""


def topology_lines(picture: Topology, width: int) -> list[Line]:
    """Draw it: a box for each host, as many side by side as there is room for, and the quorum below.

    Args:
        picture: as put together.
        width: columns there are.
    """
    if not picture.places:
        return []
    if width < LEAST:
        return _listed(picture, width)
    across = max(1, min(len(picture.places), (width + GAP) // (LEAST + GAP)))
    box = min(MOST, max(LEAST, (width - GAP * (across - 1)) // across))
    rows: list[Line] = []
    for start in range(0, len(picture.places), across):
        group = picture.places[start : start + across]
        tall = max(_inner(place) for place in group)
        rows += beside([_box(place, box, tall) for place in group], [box] * len(group), GAP)
    return [*rows, *_quorum(picture, width)]


def topology_rows(picture: Topology, width: int) -> list[Line]:
    """The same in few lines: one for each host with what is on it, and the quorum below.

    Args:
        picture: as put together.
        width: columns there are.
    """
    label = max((len(place.node.name) for place in picture.places), default=0)
    rows: list[Line] = []
    for place in picture.places:
        node = place.node
        parts = [_short(one.name, one.health) for one in place.guests]
        parts += [_short("etcd", node.voter)] if node.votes else []
        head = line((node.health.symbol, node.health.tone), (f" {node.name:<{label}}  ", Tone.STRONG))
        rows += _in_rows(head, parts, width)
    return [*rows, *_quorum(picture, width)]


def _short(name: str, health: Health) -> Line:
    word = "" if health.word == health.symbol else f" {health.word}"
    return line((health.symbol, health.tone), f" {name}", (word, health.tone))


def _in_rows(head: Line, parts: Sequence[Line], width: int) -> Iterator[Line]:
    """Parts one after another behind their head, in as many lines as they take."""
    row, empty = head, True
    for part in parts:
        if not empty and wide(row) + len(BETWEEN) + wide(part) > width:
            yield row
            row, empty = line(" " * wide(head)), True
        row = (*row, *(() if empty else line(BETWEEN)), *part)
        empty = False
    yield cut(row, width)


BETWEEN = "   "
"""Between two guests on one line."""


def _quorum(picture: Topology, width: int) -> list[Line]:
    health, text = picture.quorum
    rows = wrapped(f"{health.symbol} {text}", max(width - 6, 12), "", "   ")
    return [line("etcd  " if not index else " " * 6, (row, health.tone)) for index, row in enumerate(rows)]


def _listed(picture: Topology, width: int) -> list[Line]:
    """Where there is no room for a box: a line for each machine."""
    rows: list[Line] = []
    for place in picture.places:
        rows.append(_named(place.node.name, place.node.health, width, Tone.STRONG))
        rows += [_named(f"  {one.name}", one.health, width) for one in place.guests]
        rows += [_named("  etcd", place.node.voter, width)] if place.node.votes else []
    return [*rows, *_quorum(picture, width)]


def _named(name: str, health: Health, width: int, tone: Tone = Tone.PLAIN) -> Line:
    """The symbol first: where the line is cut, its word goes."""
    indent = " " * (len(name) - len(name.lstrip()))
    word = "" if health.word == health.symbol else health.word
    return cut(
        line(
            indent,
            (health.symbol, health.tone),
            (f" {name.strip():<{11 - len(indent)}} ", tone),
            (word, health.tone),
        ),
        width,
    )


def _inner(place: Place) -> int:
    return max(1, len(place.guests) + place.node.votes)


def _box(place: Place, width: int, tall: int) -> list[Line]:
    node = place.node
    state = node.health.told
    filler = "─" * max(1, width - len(node.name) - len(state) - 6)
    top = line("┌ ", (node.name, Tone.STRONG), " ", (filler, Tone.DIM), " ", (state, node.health.tone), " ┐")
    body = [_guest(one, width) for one in place.guests]
    body += [_member(node, width)] if node.votes else []
    body += [line("│" + " " * (width - 2) + "│")] * (tall - len(body))
    return [padded(top, width), *body, line("└" + "─" * (width - 2) + "┘")]


def _guest(one: Node, width: int) -> Line:
    role = f"{one.role:<9}" if width >= SHORT and one.role not in one.name else ""
    state = one.health.told
    inside = line(f" {one.name:<11} ", (role, Tone.DIM), (state, one.health.tone))
    return (*line("│"), *padded(inside, width - 2), *line("│"))


def _member(node: Node, width: int) -> Line:
    state = node.voter.told
    inside = line(f" {'etcd':<11} ", (state, node.voter.tone))
    return (*line("│"), *padded(inside, width - 2), *line("│"))
