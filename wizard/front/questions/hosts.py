"""The name, and which machines there are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from wizard.front.questions.asking import NO, YES, YES_OR_NO, Choice, Question

if TYPE_CHECKING:
    from wizard.front.questions.talk import Talk

ROLES = (
    Choice("hypervisor", "hypervisor", "carries guests"),
    Choice("witness", "witness", "only votes, so that two hypervisors are never of two minds"),
)
NO_MORE, ADD = "these", "add"
LOGIN = ("user", "port", "key")


def welcome_questions(talk: Talk) -> list[Question]:
    """What the cluster is called.

    Args:
        talk: the setup.
    """
    means = f"Letters a-z, digits and hyphens. The answers are kept in {talk.desk.spec.name}."
    return [
        Question(
            path="name",
            text="Name of the cluster?",
            recommended=talk.kept("name"),
            means=means,
            example="home",
        )
    ]


def host_questions(talk: Talk) -> list[Question]:
    """Each machine, and whether there are more.

    Args:
        talk: the setup.
    """
    count = talk.draft.length("hosts")
    asked = [question for index in range(count) for question in _one(talk, index)]
    return [*asked, _more(talk, count)]


def _one(talk: Talk, index: int) -> Iterator[Question]:
    root = f"hosts[{index}]"
    name = talk.draft.get(f"{root}.name") or f"machine {index + 1}"
    yield Question(
        path=f"{root}.name",
        text=f"Machine {index + 1}: its name?",
        recommended=talk.kept(f"{root}.name"),
        means="The name used here; it need not be one in your DNS.",
        example="tower-a",
        take=partial(_rename, index=index),
    )
    yield Question(
        path=f"{root}.role",
        text=f"{name}: what is it there for?",
        recommended=talk.kept(f"{root}.role", "hypervisor"),
        means="Two hypervisors or more, and exactly one witness.",
        choices=ROLES,
    )
    yield Question(
        path=f"{root}.address",
        text=f"{name}: its address?",
        recommended=talk.kept(f"{root}.address"),
        means="In your LAN, and fixed: not one that the router hands out anew.",
        example="192.168.10.11",
    )
    yield from _login(talk, root, name)


def _login(talk: Talk, root: str, name: str) -> Iterator[Question]:
    """User, port and key: asked for where they are not the usual ones."""
    user = talk.draft.get("ssh.user") or "root"
    own = any(talk.draft.get(f"{root}.{key}") for key in LOGIN)
    if not own or root in talk.opened:
        yield Question(
            path=f"{root}.login",
            text=f"{name}: is the login another than {user}, port 22, with your SSH agent and ~/.ssh/config?",
            recommended=YES if root in talk.opened else NO,
            means="Yes asks for user, port and key file.",
            choices=YES_OR_NO,
            optional=True,
            gate=True,
            take=partial(_open, root=root),
        )
    if own or root in talk.opened:
        for key, word, usual in zip(
            LOGIN, ("user", "port", "key file"), (user, "22", "your agent"), strict=True
        ):
            yield Question(
                path=f"{root}.{key}",
                text=f"{name}: {word}?",
                recommended=talk.kept(f"{root}.{key}"),
                means=f"Empty is {usual}.",
                optional=True,
            )


def _more(talk: Talk, count: int) -> Question:
    names = [talk.draft.get(f"hosts[{index}].name") for index in range(count)]
    away = (
        Choice(f"remove {name}", f"remove {name}", "forgotten here; it is not touched")
        for name in names
        if name
    )
    return Question(
        path="hosts",
        text="Are these all machines?",
        recommended=NO_MORE,
        means=f"So far: {', '.join(name or '(no name)' for name in names) or 'none'}.",
        choices=(Choice(NO_MORE, "these are all"), Choice(ADD, "add one more"), *away),
        optional=True,
        gate=True,
        take=partial(_change, names=names),
    )


def _rename(talk: Talk, value: str, *, index: int) -> bool:
    talk.replace(talk.draft.rename_host(index, value))
    return False


def _open(talk: Talk, value: str, *, root: str) -> bool:
    (talk.opened.add if value == YES else talk.opened.discard)(root)
    return False


def _change(talk: Talk, value: str, *, names: list[str]) -> bool:
    if value == ADD:
        talk.put(f"hosts[{len(names)}]", {"role": "hypervisor"})
        return True
    if value != NO_MORE:
        talk.replace(talk.draft.drop(f"hosts[{names.index(value.removeprefix('remove '))}]"))
    return False
