"""Which guests are made, and how large each is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from wizard.core.outcome import PATHS
from wizard.core.spec.machines import answers_of
from wizard.core.view.decided import local_time
from wizard.front.questions.asking import Choice, Question
from wizard.front.questions.network import wrong_questions

if TYPE_CHECKING:
    from wizard.core.decide.layout import Layout
    from wizard.core.spec.model import MachineSpec
    from wizard.front.questions.talk import Talk

SIZES = {"cpus": "processors", "memory": "memory", "disk": "disk", "data_disk": "second disk"}
ACCEPT, CHANGE, PROPOSE = "accept", "change", "propose"
UNKNOWN = "The network is not known yet: the addresses of guests come out of it."


def tell(talk: Talk) -> None:
    """The guests, one a line, and what remains when only one hypervisor does.

    Args:
        talk: the setup.
    """
    talk.look()
    layout = talk.outcome.layout
    for text in _lines(layout) if layout else ():
        talk.say(text)


def _lines(layout: Layout) -> Iterator[str]:
    if layout.approved_at is not None:
        yield f"As agreed on at {local_time(layout.approved_at)}; they stay, whatever changes on the hosts:"
    else:
        yield "Proposed by the wizard:" if layout.proposed else "Your own sizes:"
    for one in layout.machines:
        second = f", second disk {answers_of(one)['data_disk']}" if one.data_disk else ""
        sizes = answers_of(one)
        yield (
            f"  {one.name} on {one.host}: {one.role}, cpus {one.cpus}, {sizes['memory']} memory, "
            f"{sizes['disk']} disk{second}, {one.address}"
        )
    for host in layout.hosts:
        if host.alone.ok:
            yield f"ok {host.name} alone, with the witness, carries everything."
        else:
            yield f"!! {host.name} alone would not start: {', '.join(host.alone.wont_start)}."
            yield from (f"   {reason}" for reason in host.alone.reasons)
    for problem in layout.problems:
        yield f"!! {problem.text} Do: {problem.do}"


def questions(talk: Talk) -> list[Question]:
    """Accept, change or propose anew; and the sizes, where they are to be changed.

    Args:
        talk: the setup.
    """
    layout = talk.outcome.layout
    if layout is None:
        return [_mending(one) for one in wrong_questions(talk)]
    if any(path.startswith("machines") for path in talk.given):
        return []
    own = bool(talk.draft.length("machines"))
    anew = (Choice(PROPOSE, "propose anew", "forget your own sizes"),) if own else ()
    way = Question(
        path="machines",
        text="Are these guests and sizes right?",
        recommended=ACCEPT,
        means="The sizes leave room for everything on one hypervisor where that is possible.",
        choices=(Choice(ACCEPT, "accept"), Choice(CHANGE, "change sizes"), *anew),
        optional=True,
        gate=True,
        take=_way,
    )
    sizes = [question for one in layout.machines for question in _sizes(one)]
    return [way, *(sizes if "machines" in talk.opened else [])]


def _mending(question: Question) -> Question:
    """A question about the network whose answer keeps guests from being known: they are told as soon as it is right."""
    return replace(question, take=partial(_mend, path=question.path))


def _mend(talk: Talk, value: str, *, path: str) -> bool:
    talk.put(path, value)
    tell(talk)
    return not talk.checked.errors(path)


def _way(talk: Talk, value: str) -> bool:
    if value == CHANGE:
        talk.opened.add("machines")
        return False
    talk.opened.discard("machines")
    if value == PROPOSE:
        talk.replace(talk.draft.drop("machines"))
        tell(talk)
    return value == PROPOSE


def _sizes(machine: MachineSpec) -> Iterator[Question]:
    answers = answers_of(machine)
    for key, word in SIZES.items():
        if key == "data_disk" and not machine.data_disk:
            continue
        yield Question(
            path=f"machines.{machine.name}.{key}",
            text=f"{machine.name}: {word}?",
            recommended=answers.get(key, ""),
            means="A whole number." if key == "cpus" else "A whole number with M, G or T.",
            take=partial(_size, name=machine.name, key=key),
            gate=True,
        )


def _size(talk: Talk, value: str, *, name: str, key: str) -> bool:
    """A size that differs makes the whole proposal the person's own. One that is refused is asked for again."""
    layout = talk.outcome.layout
    machines = layout.machines if layout else ()
    index = next((number for number, one in enumerate(machines) if one.name == name), None)
    if index is None or answers_of(machines[index]).get(key, "") == value:
        return False
    before = talk.draft
    if not before.length("machines"):
        talk.put("machines", [answers_of(one) for one in machines])
    path = f"machines[{index}].{key}"
    talk.put(path, value)
    wrong = talk.checked.errors(path)
    if wrong:
        talk.say(f"!! {wrong[0].text} {wrong[0].hint}")
        talk.replace(before)
    return bool(wrong)


def complaint(talk: Talk) -> tuple[str, str]:
    """As the rules say, then what the layout refuses.

    Args:
        talk: the setup.
    """
    if talk.outcome.layout is None:
        first = next(iter(talk.checked.errors("network")), None)
        return (first.path if first else "network.cidr", UNKNOWN)
    text = talk.outcome.complaint("machines")
    errors = talk.checked.errors(*PATHS["machines"])
    return (errors[0].path if errors else "machines", text) if text else ("", "")
