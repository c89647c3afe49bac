"""The third vote: where its etcd keeps its data, and whether that is fast enough."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from screens.base import StageScreen
from screens.text import lines, told
from screens.widgets import Choice, Field, Told
from screens.witness_words import measured_lines, outlook, slow_guests, trait_lines
from wizard.core.decide.layout_disks import ETCD_DIR
from wizard.core.facts import HostFacts
from wizard.core.spec.model import HostSpec
from wizard.core.suggest import guest_folders
from wizard.core.waivers import DAYS, accept, accept_no_longer, accepted_until

MEASURED = "etcd.measured"
"""The check of what was measured, by which a guest's slow disk is accepted."""
REASON = "accepted on the screens when it was measured"


class WitnessScreen(StageScreen):
    """The witness's disks, the folder of its etcd, and etcd's timers where they are not left to measurement."""

    STAGE = "witness"
    QUESTION = "Where does the witness keep its data?"
    PATHS = ("witness", "etcd")
    AUTO_FOCUS = "Choice"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+r",
            "measure",
            "Measure",
            tooltip="Measure the disks of etcd, 20 seconds",
            id="witness.measure",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._options: tuple[tuple[str, str], ...] = ()

    def main(self) -> ComposeResult:
        """Disks, folder, timers."""
        yield Vertical(id="folder")
        yield Choice("witness.accept_slow", "If too slow", (("", "stop there"), ("true", "go on, say so")))
        with_days = (("", "stop there"), ("true", f"go on for {DAYS} days, say so"))
        yield Choice(f"waivers.{MEASURED}", "Slow guest", with_days, id="slow-guest")
        yield Field("etcd.heartbeat_ms", "Heartbeat", example="from measurement", id="heartbeat")
        yield Field("etcd.election_ms", "Election", example="from measurement", id="election")
        yield Told(id="disks")

    @property
    def host(self) -> tuple[int, HostSpec] | None:
        """The witness and its number among the hosts."""
        hosts = enumerate(self.wizard.checked.spec.hosts)
        return next(((index, host) for index, host in hosts if host.role == "witness"), None)

    @property
    def facts(self) -> HostFacts | None:
        """What is known of it."""
        found = self.host
        return self.wizard.looker.facts.get(found[1].name) if found else None

    def arrive(self) -> None:
        """Look at it if nobody has."""
        self.wizard.look_at_all()
        self.call_later(self._show_folder)

    def fill(self) -> None:
        """The waiver is no plain place in the spec: it is one of a list."""
        super().fill()
        choice = self.query_one("#slow-guest", Choice)
        choice.aim(choice.path, "true" if accepted_until(self.wizard.draft, MEASURED) else "")

    def answer_given(self, path: str, value: str) -> bool:
        """As for every screen, but for the waiver."""
        if path != f"waivers.{MEASURED}":
            return super().answer_given(path, value)
        draft = self.wizard.draft
        if value:
            return self.wizard.replace(accept(draft, MEASURED, REASON, date.today()))
        return self.wizard.replace(accept_no_longer(draft, MEASURED))

    def redraw(self) -> None:
        """Disks as known now; a guest's that is too slow is asked about once it was measured."""
        found = slow_guests(self.wizard.measuring.result)
        asked = bool(found) or bool(accepted_until(self.wizard.draft, MEASURED))
        self.query_one("#slow-guest", Choice).display = asked
        self.query_one("#disks", Told).update(self._found())
        self.call_later(self._show_folder)
        super().redraw()

    def _found(self) -> Content:
        app = self.wizard
        measured = list(measured_lines(app.measuring))
        traits = list(trait_lines(app.checked.spec, self.host, self.facts))
        return lines([told(""), *measured, told(""), *traits])

    def action_measure(self) -> None:
        """Measure the disks that etcd would write to."""
        self.take_answers()
        checked = self.wizard.checked
        if not checked.sound:
            first = checked.errors()[0]
            self.refuse(f"Measuring needs the whole setup. {first.path}: {first.text} {first.hint}")
            return
        self.wizard.measure()
        self.redraw()

    def meaning(self) -> Content:
        """Why it matters, and what the chosen folder lies on."""
        return outlook(self.host, self.facts, self.wizard.measuring.result)

    async def _show_folder(self) -> None:
        found, facts = self.host, self.facts
        folders = guest_folders(facts) if facts else []
        options = (("", f"{ETCD_DIR} (usual)"), *((f"{at}/etcd", f"{at}/etcd") for at in folders))
        if found is None or options == self._options:
            return
        self._options = options
        typing = isinstance(self.focused, Input)
        box = self.query_one("#folder", Vertical)
        await box.remove_children()
        await box.mount(Choice(f"hosts[{found[0]}].etcd_dir", "etcd's data", options))
        self.fill()
        if not typing:  # what comes by itself moves neither the pane nor the line that is typed in
            box.query_one(Choice).focus(scroll_visible=False)

    def refusal(self) -> str:
        """As the rules say."""
        found = self.host
        if found is None:
            return "There is no witness among the hosts. Name a third machine with the role witness."
        errors = self.wizard.checked.errors(*self.PATHS, f"hosts[{found[0]}]")
        return f"{errors[0].text} {errors[0].hint}" if errors else ""
