"""Which guests are made, how large each is, and whether what remains after a loss can carry everything."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from screens.base import StageScreen
from screens.machines_words import capacity, host_head, machine_line, problem_lines, unplanned
from screens.text import told
from screens.widgets import Field, Lines, Told
from wizard.core.decide.layout import Layout
from wizard.core.paths import parse_path
from wizard.core.spec.machines import answers_of
from wizard.core.spec.model import MachineSpec, Problem

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
        machine, own = self._machine(), bool(self.wizard.draft.length("machines"))
        for key in SIZES:
            field = self.query_one(f"#{key}", Field)
            field.display = machine is not None
            if machine is None:
                continue
            path = f"{machine.name}.{key}"
            place = self.place_at(path)
            field.aim(path, self.wizard.draft.get(place) if own else answers_of(machine).get(key, ""))
            field.tell(self.wizard.checked.at(place) if field.value else ())

    def _machine(self) -> MachineSpec | None:
        layout = self.layout_now
        machines = layout.machines if layout else ()
        return next((one for one in machines if one.name == self.chosen), machines[0] if machines else None)

    def redraw(self) -> None:
        """Guests, capacity and problems as decided now."""
        layout = self.layout_now
        self._list(layout)
        self.query_one("#problems", Told).update(problem_lines(layout, self._wrong_elsewhere()))
        super().redraw()

    def _wrong_elsewhere(self) -> list[Problem]:
        """What is wrong with machines and stands beside no field, each with the name of its machine."""
        beside = [self.place_of(field) for field in self.query(Field) if field.value]
        wrong = [one for one in self.wizard.checked.at("machines") if one.path not in beside]
        return [
            replace(one, text=f"{name}: {one.text}") if (name := self._named(one)) else one for one in wrong
        ]

    def _named(self, problem: Problem) -> str:
        """Whose problem it is; empty where it is about no single machine."""
        index = next(iter(parse_path(problem.path)[1:2]), "")
        return self.wizard.draft.get(f"machines[{index}].name") if isinstance(index, int) else ""

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
        layout = self.layout_now
        return capacity(layout) if layout else told(self._unplanned())

    @on(OptionList.OptionHighlighted)
    def _chose(self, event: OptionList.OptionHighlighted) -> None:
        name = self._rows[event.option_index] if event.option_index < len(self._rows) else ""
        if name and name != self.chosen:
            self.take_answers()
            self._choose(name)

    @on(OptionList.OptionSelected)
    def _enter(self) -> None:
        self.query_one("#cpus", Field).focus_line()

    def place_of(self, field: Field) -> str:
        """Fields go by the machine's name here."""
        return self.place_at(field.path)

    def place_at(self, path: str) -> str:
        """The place in the spec of a machine's size; empty where no machine is shown.

        Args:
            path: `etcd-a.memory`.
        """
        name, _, key = path.partition(".")
        index = self._index(name)
        return "" if index is None else f"machines[{index}].{key}"

    def _index(self, name: str) -> int | None:
        layout = self.layout_now
        return next((n for n, one in enumerate(layout.machines if layout else ()) if one.name == name), None)

    def answer_given(self, path: str, value: str) -> bool:
        """Sizes go by the machine's name here; one that differs makes the whole proposal the person's own."""
        layout, (name, _, key) = self.layout_now, path.partition(".")
        index = self._index(name)
        if layout is None or index is None:
            return False
        if self.wizard.draft.length("machines"):
            return self.wizard.answer(self.place_at(path), value)
        answers = [answers_of(one) for one in layout.machines]
        if answers[index].get(key, "") == value:
            return False
        answers[index][key] = value
        return self.wizard.answer("machines", [{k: v for k, v in one.items() if v} for one in answers])

    def action_propose(self) -> None:
        """Leave the machines out of the answers: they are proposed from what the hosts are."""
        self.wizard.replace(self.wizard.draft.drop("machines"))
        self.fill()
        self.redraw()

    def refusal(self) -> str:
        """As the rules say, then what the layout refuses; the machine the first error is about is chosen."""
        if self.layout_now is None:
            return self._unplanned()
        complaint = self.wizard.outcome.complaint(self.STAGE)
        errors = self.wizard.checked.errors("machines")
        name = self._named(errors[0]) if errors else ""
        self._choose(name)
        return f"{name}: {complaint}" if name else complaint

    def _unplanned(self) -> str:
        return unplanned(self.wizard.draft.get("network.cidr"), self.wizard.checked.errors("network"))

    def _choose(self, name: str) -> None:
        """Show the sizes of a machine, where it is in the list."""
        if name and name != self.chosen and name in self._rows:
            self.chosen = name
            self.query_one("#machines", OptionList).highlighted = self._rows.index(name)
            self.fill()
            self.redraw()
