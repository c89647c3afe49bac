"""Where data shall live: every way with its verdict, and on which disks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.core.decide.storage import Verdict
from wizard.core.decide.storage_hosts import size_text
from wizard.core.suggest import CHOOSABLE, disk_path, guest_folders, hypervisors_seen, storage_disks
from wizard.front.questions.asking import Choice, Question
from wizard.front.storage import WORDS

if TYPE_CHECKING:
    from wizard.core.facts import HostFacts
    from wizard.front.questions.talk import Talk


def tell(talk: Talk) -> None:
    """Every way with its verdict, and what is missing for those that can be chosen.

    Args:
        talk: the setup.
    """
    talk.look()
    for one in talk.outcome.storage.verdicts:
        talk.say(f"{one.title}: {WORDS[one.verdict]}. {one.summary}")
        for reason in (*one.refused, *one.conditions) if one.kind in CHOOSABLE else ():
            where = f"{reason.host}: " if reason.host else ""
            do = f" Do: {reason.do}" if reason.do and not reason.met else ""
            talk.say(f"  !! {where}{reason.found}.{do}")


def questions(talk: Talk) -> list[Question]:
    """The way, what belongs to it, and the places on each hypervisor.

    Args:
        talk: the setup.
    """
    verdicts = {one.kind: one for one in talk.outcome.storage.verdicts}
    choices = tuple(
        Choice(kind, kind, _consequence(verdicts[kind])) for kind in CHOOSABLE if kind in verdicts
    )
    way = Question(
        path="storage.kind",
        text="Where should your data live?",
        recommended=_recommended(talk, verdicts),
        means="Apps that keep data need volumes; with copies they survive the loss of a hypervisor.",
        choices=choices,
        take=_choose,
    )
    return [way, *_of_the_way(talk), *_places(talk)]


def _consequence(verdict: Verdict) -> str:
    count = len(verdict.conditions)
    word = WORDS[verdict.verdict]
    if verdict.verdict == "conditions":
        word = f"{count} condition{'s' if count != 1 else ''}"
    return f"{word}. {verdict.summary}"


def _recommended(talk: Talk, verdicts: dict[str, Verdict]) -> str:
    """What stands there unless it is rejected; else the first way that is not and asks for nothing more."""
    kept = talk.kept("storage.kind", "longhorn")
    ways = (kept, "longhorn", "none")
    return next((kind for kind in ways if kind in verdicts and verdicts[kind].verdict != "rejected"), kept)


def _choose(talk: Talk, value: str) -> bool:
    """As the screens do: what belongs to another way goes with it."""
    talk.put("storage.kind", value)
    if value != "existing":
        talk.put("storage.class", "")
    if value != "longhorn":
        talk.put("storage.backup_target", "")
    return False


def _of_the_way(talk: Talk) -> Iterator[Question]:
    kind = talk.draft.get("storage.kind") or "longhorn"
    if kind == "existing":
        yield Question(
            path="storage.class",
            text="Name of the storage class that is there?",
            recommended=talk.kept("storage.class"),
            means="As kubectl get storageclass shows it.",
            example="my-storage-class",
        )
    if kind == "longhorn":
        yield Question(
            path="storage.backup_target",
            text="Where do backups of volumes go?",
            recommended=talk.kept("storage.backup_target"),
            means="Such as nfs://192.168.10.5:/backups; empty is nowhere. Copies are no backup.",
            optional=True,
        )


def _places(talk: Talk) -> Iterator[Question]:
    copies = talk.draft.get("storage.kind") in ("longhorn", "")
    for index, host, facts in hypervisors_seen(talk.checked.spec, talk.facts):
        if facts is None:
            continue
        yield _folder(talk, f"hosts[{index}].vm_dir", host.name, facts)
        if copies:
            yield _volumes(talk, f"hosts[{index}].storage_disk", host.name, facts)


def _folder(talk: Talk, path: str, name: str, facts: HostFacts) -> Question:
    folders = [f"{at}/domains" for at in guest_folders(facts)]
    return Question(
        path=path,
        text=f"{name}: where do guests lie?",
        recommended=talk.kept(path),
        means="On an SSD, not on a parity array.",
        choices=_with_kept(talk, path, [Choice("", "its usual folder"), *(Choice(at, at) for at in folders)]),
        optional=True,
    )


def _volumes(talk: Talk, path: str, name: str, facts: HostFacts) -> Question:
    disks = [
        Choice(
            disk_path(one),
            f"{one.name} {size_text(one.size)}",
            f"{one.model or 'no model'}, {'empty' if one.empty else 'in use'}",
        )
        for one in storage_disks(facts)
    ]
    return Question(
        path=path,
        text=f"{name}: on which disk do volumes lie?",
        recommended=talk.kept(path),
        means="A disk of their own is given away whole; you are asked again before anything is destroyed.",
        choices=_with_kept(talk, path, [Choice("", "beside the guests"), *disks]),
        optional=True,
    )


def _with_kept(talk: Talk, path: str, choices: list[Choice]) -> tuple[Choice, ...]:
    """What was answered by hand is offered as well."""
    kept = talk.draft.get(path)
    more = [] if any(one.value == kept for one in choices) else [Choice(kept, kept, "as answered")]
    return (*choices, *more)
