"""What the machines are like: looked at, and told one fact a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizard.core.errors import WizardError
from wizard.core.suggest import hypervisors_seen, suggest_network
from wizard.front.facts import facts_text
from wizard.front.questions.asking import ONE_LINE, Choice, Question

if TYPE_CHECKING:
    from wizard.front.questions.talk import Talk

WAYS = (
    Choice("", "as fits", "what the host can do is taken"),
    Choice("kvm", "kvm", "at full speed"),
    Choice("lxc", "lxc", "as containers"),
    Choice("qemu", "qemu", "without help of the processor: many times slower, for trying only"),
)
AGAIN, GO_ON = "again", "go on"


def tell(talk: Talk) -> None:
    """Look at whoever was not looked at yet, and say what was found.

    Args:
        talk: the setup.

    Raises:
        WizardError: a host cannot be looked at, and everything was to go by itself.
    """
    talk.look()
    unseen = [one for one in talk.results.values() if isinstance(one, WizardError)]
    if unseen and talk.auto and not talk.voice.person:
        raise unseen[0]
    if talk.results:
        talk.say(facts_text(talk.results, width=ONE_LINE).strip())
    talk.replace(suggest_network(talk.draft, talk.checked.spec, talk.facts))


def questions(talk: Talk) -> list[Question]:
    """How guests run on each hypervisor; whether to look again at what did not answer.

    Args:
        talk: the setup.
    """
    asked: list[Question] = []
    missing = _missing(talk)
    if missing:
        asked.append(
            Question(
                path="discovery",
                text=f"{', '.join(missing)} did not answer. Look again?",
                recommended=AGAIN,
                means="Nothing is decided on machines nobody has seen. Mend what is said above first.",
                choices=(Choice(AGAIN, "look again"), Choice(GO_ON, "change an earlier answer: back")),
                gate=True,
                take=_look_again,
            )
        )
    for index, host, facts in hypervisors_seen(talk.checked.spec, talk.facts):
        if facts is None:
            continue
        kvm = "It has /dev/kvm." if facts.virtualisation.kvm else "No /dev/kvm: see its BIOS, or choose lxc."
        asked.append(
            Question(
                path=f"hosts[{index}].guests",
                text=f"{host.name}: how are guests run?",
                recommended=talk.kept(f"hosts[{index}].guests"),
                means=kvm,
                choices=WAYS,
                optional=True,
            )
        )
    return asked


def complaint(talk: Talk) -> tuple[str, str]:
    """Nothing is decided on machines nobody has seen.

    Args:
        talk: the setup.
    """
    missing = _missing(talk)
    return ("discovery", f"{', '.join(missing)}: not seen.") if missing else ("", "")


def _missing(talk: Talk) -> list[str]:
    return [host.name for host in talk.checked.spec.hosts if host.name not in talk.facts]


def _look_again(talk: Talk, value: str) -> bool:
    if value == AGAIN:
        talk.look(again=True)
        tell(talk)
    return False
