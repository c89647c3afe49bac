"""The LAN: which addresses are ours, which the router's, and whether they are free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wizard.core.draft import Draft
from wizard.core.errors import WizardError
from wizard.core.suggest import suggest_network
from wizard.front.layout_wire import address_rows
from wizard.front.questions.asking import NO, YES, YES_OR_NO, Choice, Question

if TYPE_CHECKING:
    from wizard.core.decide.addresses import PlannedAddress
    from wizard.front.questions.talk import Talk

FIELDS = (
    ("cidr", "The LAN?", "As your machines see it.", "192.168.10.0/24"),
    ("gateway", "Address of the router?", "The way out of the LAN.", "192.168.10.1"),
    (
        "dhcp",
        "Which addresses does the router hand out by itself?",
        "Nothing of ours may lie in it. Look it up in your router: what is suggested is only the usual range.",
        "192.168.10.100-192.168.10.199",
    ),
    (
        "api_vip",
        "Address of Kubernetes?",
        "A free one; it moves to whichever server is alive.",
        "192.168.10.20",
    ),
    (
        "load_balancer",
        "Range for services?",
        "Free addresses for what the cluster offers, such as the web entrance.",
        "192.168.10.230-192.168.10.250",
    ),
    ("domain", "Domain of your names?", "home.arpa is meant for homes.", "home.arpa"),
    (
        "pod_cidr",
        "Network of pods?",
        "Only the cluster sees it; no other network of yours may use it, and later it cannot be changed.",
        "10.42.0.0/16",
    ),
    ("service_cidr", "Network of services inside the cluster?", "Likewise.", "10.43.0.0/16"),
)
NAME_SERVERS = (
    Choice("adguard", "AdGuard Home"),
    Choice("pihole", "Pi-hole"),
    Choice("coredns", "CoreDNS"),
)
UPSTREAM = "network.upstream_dns"


def tell(talk: Talk) -> None:
    """What is empty is suggested from what was seen.

    Args:
        talk: the setup.
    """
    talk.look()
    talk.replace(suggest_network(talk.draft, talk.checked.spec, talk.facts))


def questions(talk: Talk) -> list[Question]:
    """Every answer about the LAN; then whether to ask the wire.

    Args:
        talk: the setup.
    """
    asked = [
        *_fields(talk),
        Question(
            path="dns.kind",
            text="Which name server?",
            recommended=talk.kept("dns.kind", "adguard"),
            means="Two of them run beside the cluster, one on each hypervisor.",
            choices=NAME_SERVERS,
        ),
        Question(
            path=UPSTREAM,
            text="Whom do they ask?",
            recommended=talk.kept(UPSTREAM, "9.9.9.9, 149.112.112.112"),
            means="Addresses, with commas between them.",
            take=_upstream,
        ),
    ]
    return [*asked, *_wire(talk)]


def _fields(talk: Talk) -> list[Question]:
    return [
        Question(
            path=f"network.{key}",
            text=text,
            recommended=talk.kept(f"network.{key}", _suggested(talk, f"network.{key}")),
            means=means,
            example=example,
        )
        for key, text, means, example in FIELDS
    ]


def wrong_questions(talk: Talk) -> list[Question]:
    """The questions about the LAN whose answers are missing or wrong: the guests' addresses wait for them.

    Args:
        talk: the setup.
    """
    return [one for one in _fields(talk) if talk.checked.errors(one.path)]


def _suggested(talk: Talk, path: str) -> str:
    """What the hosts suggest in place of an answer that is wrong; else what suits nearly everybody."""
    seen = suggest_network(talk.draft.drop(path), talk.checked.spec, talk.facts).get(path)
    return seen or Draft.new().get(path)


def _upstream(talk: Talk, value: str) -> bool:
    talk.put(UPSTREAM, [word.strip() for word in value.split(",") if word.strip()])
    return False


def _wire(talk: Talk) -> list[Question]:
    if not talk.checked.sound:
        return []
    return [
        Question(
            path="network.wire",
            text="Ask the wire who has these addresses now?",
            recommended=YES,
            means="Both hypervisors look, for some seconds. Nothing is changed.",
            choices=YES_OR_NO,
            optional=True,
            gate=True,
            take=_ask_wire,
        )
    ]


def _ask_wire(talk: Talk, value: str) -> bool:
    if value == NO:
        return False
    try:
        found = talk.desk.ask_wire(talk.checked.spec, prompter=talk.prompter)
    except WizardError as error:
        talk.say(f"!! {error.what} {error.why}")
        return False
    _told(talk, found)
    return False


def _told(talk: Talk, found: Sequence[PlannedAddress]) -> None:
    for address, used_for, state, who in address_rows(found):
        talk.say(f"  {address} for {used_for}: {state}{f', {who}' if who else ''}")
    for one in found:
        if one.conflict:
            talk.say(f"!! {one.conflict}")
