"""The third vote: where its etcd keeps its data, and whether that is fast enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizard.core.decide.layout_disks import ETCD_DIR, host_disks
from wizard.core.decide.witness import DiskPath, judge_witness
from wizard.core.errors import WizardError
from wizard.core.outcome import PATHS
from wizard.core.suggest import guest_folders
from wizard.front.questions.asking import Choice, Question
from wizard.front.witness import SIGNS, witness_text

if TYPE_CHECKING:
    from wizard.core.facts import HostFacts
    from wizard.core.spec.model import HostSpec
    from wizard.front.questions.talk import Talk

NOW, LATER = "now", "later"
SLOW = (Choice("", "stop there"), Choice("true", "go on, and say so in doctor"))


def tell(talk: Talk) -> None:
    """Each part of the witness, judged from what was seen.

    Args:
        talk: the setup.
    """
    talk.look()
    found = _witness(talk)
    facts = talk.facts.get(found[1].name) if found else None
    if found is None or facts is None:
        return
    for one in judge_witness(talk.checked.spec, found[1], facts, DiskPath()):
        if one.verdict != "unknown":
            why = f": {one.why}" if one.why else ""
            talk.say(f"  {SIGNS[one.verdict].strip()} {one.id} {one.found}{why}")


def _witness(talk: Talk) -> tuple[int, HostSpec] | None:
    hosts = enumerate(talk.checked.spec.hosts)
    return next(((index, host) for index, host in hosts if host.role == "witness"), None)


def questions(talk: Talk) -> list[Question]:
    """Folder, what happens when it is too slow, timers, and whether to measure now.

    Args:
        talk: the setup.
    """
    found = _witness(talk)
    asked = [_folder(talk, *found)] if found else []
    asked.append(
        Question(
            path="witness.accept_slow",
            text="What if the disk of the witness is too slow?",
            recommended=talk.kept("witness.accept_slow"),
            means="A slow disk makes etcd lose its leader under load.",
            choices=SLOW,
            optional=True,
        )
    )
    for key, word in (("heartbeat_ms", "heartbeat"), ("election_ms", "election timeout")):
        asked.append(
            Question(
                path=f"etcd.{key}",
                text=f"etcd's {word}, in milliseconds?",
                recommended=talk.kept(f"etcd.{key}"),
                means="Empty: it follows from what is measured.",
                optional=True,
            )
        )
    return [*asked, *([_measuring()] if talk.checked.sound else [])]


def _folder(talk: Talk, index: int, host: HostSpec) -> Question:
    path = f"hosts[{index}].etcd_dir"
    facts = talk.facts.get(host.name)
    folders = [f"{at}/etcd" for at in guest_folders(facts)] if facts else []
    kept = talk.draft.get(path)
    more = [kept] if kept and kept not in folders else []
    return Question(
        path=path,
        text=f"{host.name}: where does etcd keep its data?",
        recommended=talk.kept(path, _suggested(host, facts, folders)),
        means="On an SSD: an SD card is too slow for etcd, and worn out by it.",
        choices=(
            Choice("", f"{ETCD_DIR}, the usual place"),
            *(Choice(folder, folder) for folder in (*folders, *more)),
        ),
        optional=True,
    )


def _suggested(host: HostSpec, facts: HostFacts | None, folders: list[str]) -> str:
    """The first folder on another disk, where the usual place lies on an SD card."""
    usual = host_disks(host, facts).etcd
    return folders[0] if folders and any(disk.is_sd for disk in usual) else ""


def _measuring() -> Question:
    return Question(
        path="witness.measure",
        text="Measure the disks of etcd now?",
        recommended=LATER,
        means="About 20 seconds. Timers follow from it; wizard witness does the same later.",
        choices=(Choice(NOW, "now"), Choice(LATER, "later")),
        optional=True,
        gate=True,
        take=_measure,
    )


def _measure(talk: Talk, value: str) -> bool:
    if value == LATER:
        return False
    spec = talk.checked.spec
    try:
        report = talk.desk.measure(spec, prompter=talk.prompter, say=talk.say)
    except WizardError as error:
        talk.say(f"!! {error.what} {error.why}")
        return False
    talk.say(witness_text(spec.name, report).strip())
    return False


def complaint(talk: Talk) -> tuple[str, str]:
    """As the rules say; without a witness there is no third vote.

    Args:
        talk: the setup.
    """
    found = _witness(talk)
    if found is None:
        return "hosts", "There is no witness among the hosts. Name a third machine with the role witness."
    errors = talk.checked.errors(*PATHS["witness"], f"hosts[{found[0]}]")
    return (errors[0].path, f"{errors[0].text} {errors[0].hint}") if errors else ("", "")
