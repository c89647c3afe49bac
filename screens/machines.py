"""Which guests are made, how large each is, and whether what remains after a loss can carry everything."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from screens.base import StageScreen
from screens.machines_words import capacity, host_head, machine_line, problem_lines
from screens.widgets import Field, Lines, Told
from wizard.core.decide.layout import Layout
from wizard.core.spec.machines import answers_of
from wizard.core.spec.model import MachineSpec

SIZES = ("cpus", "memory", "disk", "data_disk")


class MachinesScreen(StageScreen):
    """The guests of each hypervisor; the sizes of the chosen one."""

    STAGE = "machines"
    QUESTION = "Which guests shall be made?"
    PATHS = ("machines",)
    AUTO_FOCUS = "#machines"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+r",
            "propose",
            "Propose",
            tooltip="Forget changed sizes: propose anew",
            id="machines.propose",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.chosen = ""
        """Name of the machine whose sizes are shown."""
        self._rows: list[str] = []
        """Name of the machine of each line; empty for a hypervisor's head."""

    def main(self) -> ComposeResult:
        """The guests, the sizes of one, and what does not fit."""
        yield Lines(id="machines", compact=True, markup=False)
        yield Field("", "CPUs", example="2", id="cpus")
        yield Field("", "Memory", example="4G", id="memory")
        yield Field("", "Disk", example="20G", id="disk")
        yield Field("", "Second disk", example="none", id="data_disk")
        yield Told(id="problems")

    @property
    def layout_now(self) -> Layout | None:
        """As decided from the answers there are; None where the network is not known."""
        return self.wizard.layout()

    def arrive(self) -> None:
        """Look at hosts nobody has seen in this run."""
        self.wizard.look_at_all()

    def fill(self) -> None:
        """The sizes of the chosen machine."""
        machine = self._machine()
        for key in SIZES:
            field = self.query_one(f"#{key}", Field)
            field.display = machine is not None
            if machine is not None:
                field.aim(f"{machine.name}.{key}", answers_of(machine).get(key, ""))

    def _machine(self) -> MachineSpec | None:
        layout = self.layout_now
        machines = layout.machines if layout else ()
        return next((one for one in machines if one.name == self.chosen), machines[0] if machines else None)

    def redraw(self) -> None:
        """Guests, capacity and problems as decided now."""
        layout = self.layout_now
        self._list(layout)
        wrong = problem_lines(layout, self.wizard.checked.at("machines"))
        self.query_one("#problems", Told).update(wrong)
        super().redraw()

    def _list(self, layout: Layout | None) -> None:
        shown = self.query_one("#machines", OptionList)
        names: list[str] = []
        options: list[Option] = []
        for host in layout.hosts if layout else ():
            names.append("")
            options.append(Option(host_head(host), disabled=True))
            for one in layout.machines if layout else ():
                if one.host == host.name:
                    names.append(one.name)
                    options.append(Option(machine_line(one)))
        if names == self._rows:
            for index, option in enumerate(options):
                shown.replace_option_prompt_at_index(index, option.prompt)
            return
        self._rows = names
        shown.clear_options()
        shown.add_options(options)
        machine = self._machine()
        if machine is not None:
            self.chosen = machine.name
            shown.highlighted = names.index(machine.name)
            self.fill()

    def meaning(self) -> Content:
        """Whether each hypervisor can carry everything alone."""
        return capacity(self.layout_now)

    @on(OptionList.OptionHighlighted)
    def _chose(self, event: OptionList.OptionHighlighted) -> None:
        name = self._rows[event.option_index] if event.option_index < len(self._rows) else ""
        if name and name != self.chosen:
            self.take_answers()
            self.chosen = name
            self.fill()

    @on(OptionList.OptionSelected)
    def _enter(self) -> None:
        self.query_one("#cpus", Field).focus_line()

    def take_answers(self) -> None:
        """A size that differs makes the whole proposal the person's own."""
        for key in SIZES:
            self.take(self.query_one(f"#{key}", Field), key)

    def take(self, field: Field, key: str) -> None:
        """Take one size.

        Args:
            field: where it was typed.
            key: `cpus`, `memory`, `disk` or `data_disk`.
        """
        layout = self.layout_now
        name = field.path.partition(".")[0]
        index = next((n for n, one in enumerate(layout.machines if layout else ()) if one.name == name), None)
        if layout is None or index is None:
            return
        answers = [answers_of(one) for one in layout.machines]
        if self.wizard.draft.length("machines"):
            path = f"machines[{index}].{key}"
            self.wizard.answer(path, field.value)
            field.tell(self.wizard.checked.at(path) if field.value else ())
        elif answers[index].get(key, "") != field.value:
            answers[index][key] = field.value
            self.wizard.answer("machines", [{k: v for k, v in one.items() if v} for one in answers])

    def answer_given(self, path: str, value: str) -> bool:
        """Sizes go by the machine's name here."""
        before = self.wizard.draft
        key = path.partition(".")[2]
        if key in SIZES:
            self.take(self.query_one(f"#{key}", Field), key)
        return self.wizard.draft is not before

    def action_propose(self) -> None:
        """Leave the machines out of the answers: they are proposed from what the hosts are."""
        self.wizard.replace(self.wizard.draft.drop("machines"))
        self.fill()
        self.redraw()

    def refusal(self) -> str:
        """As the rules say, then what the layout refuses."""
        if self.layout_now is None:
            return "The network is not known yet: look at the machines first (Discovery)."
        return self.wizard.outcome.complaint(self.STAGE)
