"""What the machines are like: looked at side by side, each told as soon as it answered."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from screens.base import StageScreen
from screens.discovery_words import detail, outlook, seen_line
from screens.widgets import Choice, Lines, Told
from wizard.core.facts import HostFacts

WAYS = (("", "as fits"), ("kvm", "kvm"), ("lxc", "lxc"), ("qemu", "qemu, slow"))
"""How guests may be run; unanswered, the wizard takes what the host can do."""


class DiscoveryScreen(StageScreen):
    """One line per host, and everything about the chosen one."""

    STAGE = "discovery"
    QUESTION = "What are your machines like?"
    AUTO_FOCUS = "#seen"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "again", "Look again", tooltip="Ask every machine again", id="discovery.again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.chosen = 0

    def main(self) -> ComposeResult:
        """The hosts, how guests run on the chosen one, and what it is."""
        yield Lines(id="seen", compact=True, markup=False)
        yield Choice("hosts[0].guests", "Guests run", WAYS, id="guests")
        yield Told(id="detail", classes="paragraph")

    def arrive(self) -> None:
        """Look at whoever was not looked at yet."""
        spec = self.wizard.checked.spec
        self.chosen = min(self.chosen, max(len(spec.hosts) - 1, 0))
        self.wizard.looker.look(spec, [host.name for host in spec.hosts])

    def fill(self) -> None:
        """The choice is about the chosen host."""
        path = f"hosts[{self.chosen}].guests"
        self.query_one("#guests", Choice).aim(path, self.wizard.draft.get(path))

    def redraw(self) -> None:
        """Lines and details as known now."""
        self._list()
        spec = self.wizard.checked.spec
        host = spec.hosts[self.chosen] if spec.hosts else None
        result = self.wizard.looker.result(host.name) if host else None
        self.query_one("#guests").display = host is not None and host.role == "hypervisor"
        self.query_one("#detail", Told).update(
            detail(result, self.wizard.looker.there(host.name) if host else ())
        )
        super().redraw()

    def _list(self) -> None:
        shown = self.query_one("#seen", OptionList)
        looker = self.wizard.looker
        rows = [
            seen_line(
                host.name,
                looker.result(host.name),
                looker.there(host.name),
                looking=looker.looking(host.name),
            )
            for host in self.wizard.checked.spec.hosts
        ]
        if shown.option_count == len(rows):
            for index, row in enumerate(rows):
                shown.replace_option_prompt_at_index(index, row)
            return
        shown.clear_options()
        shown.add_options([Option(row) for row in rows])
        shown.highlighted = self.chosen if rows else None

    def meaning(self) -> Content:
        """What the chosen host can be used for."""
        spec = self.wizard.checked.spec
        if not spec.hosts:
            return Content("")
        host = spec.hosts[self.chosen]
        looker = self.wizard.looker
        return outlook(host, looker.result(host.name), looker.there(host.name))

    @on(OptionList.OptionHighlighted)
    def _chose(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index != self.chosen:
            self.chosen = event.option_index
            self.fill()
            self.redraw()

    @on(OptionList.OptionSelected)
    def _entered(self) -> None:
        self.action_next()

    def action_again(self) -> None:
        """Ask every machine again."""
        spec = self.wizard.checked.spec
        self.wizard.looker.look(spec, [host.name for host in spec.hosts], again=True)
        self.redraw()

    def refuse(self, reason: str) -> None:
        """Say why one cannot go on, and point at the first host it is about: what to do is said beside it."""
        looker, hosts = self.wizard.looker, self.wizard.checked.spec.hosts
        unseen = [not isinstance(looker.result(host.name), HostFacts) for host in hosts]
        if any(unseen) and not unseen[self.chosen]:
            self.query_one("#seen", OptionList).highlighted = unseen.index(True)
        super().refuse(reason)

    def refusal(self) -> str:
        """Nothing is decided on machines nobody has seen."""
        spec, looker = self.wizard.checked.spec, self.wizard.looker
        missing = [host.name for host in spec.hosts if not isinstance(looker.result(host.name), HostFacts)]
        if not missing:
            return ""
        if any(looker.looking(name) for name in missing):
            return f"{', '.join(missing)}: still being looked at."
        return f"{', '.join(missing)}: not seen. Mend what is said at the right, then ctrl+r looks again."
