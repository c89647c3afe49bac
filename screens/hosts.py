"""Which machines there are, and whether each lets us in."""

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
from screens.hosts_words import host_line, host_meaning
from screens.widgets import Choice, Field, Lines

KEYS = ("name", "role", "address", "user", "port", "key")


class HostsScreen(StageScreen):
    """The hypervisors and the witness, one line each; below them the answers about the chosen one."""

    STAGE = "hosts"
    QUESTION = "Which machines are there?"
    PATHS = ("name", "ssh", "hosts")
    AUTO_FOCUS = "#hosts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "test", "Test", tooltip="Log in to this machine and look at it", id="hosts.test"),
        Binding(
            "f3", "test_all", "Test all", show=False, tooltip="Log in to every machine", id="hosts.test-all"
        ),
        Binding("f5", "add", "Add", tooltip="One more machine", id="hosts.add"),
        Binding(
            "f8",
            "remove",
            "Remove",
            show=False,
            tooltip="Forget this machine; it is not touched",
            id="hosts.remove",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.chosen = 0
        """Index of the host that is edited."""

    def main(self) -> ComposeResult:
        """The list, and the fields of one."""
        yield Lines(id="hosts", compact=True, markup=False)
        yield Field("hosts[0].name", "Name", example="tower-a", id="name")
        yield Choice(
            "hosts[0].role", "Role", (("hypervisor", "hypervisor"), ("witness", "witness")), id="role"
        )
        yield Field("hosts[0].address", "Address", example="192.168.10.11", id="address")
        yield Field("hosts[0].user", "User", example="root", id="user")
        yield Field("hosts[0].port", "Port", example="22", id="port")
        yield Field("hosts[0].key", "Key file", example="agent and ~/.ssh/config", id="key")

    @property
    def count(self) -> int:
        """How many hosts there are."""
        return self.wizard.draft.length("hosts")

    def fill(self) -> None:
        """The list, and the answers about the chosen host."""
        self.chosen = min(self.chosen, max(self.count - 1, 0))
        self._list()
        self._aim()

    def _list(self) -> None:
        shown = self.query_one("#hosts", OptionList)
        rows = [host_line(self.wizard, index) for index in range(self.count)]
        if len(rows) == shown.option_count:
            for index, row in enumerate(rows):
                shown.replace_option_prompt_at_index(index, row)
        else:
            shown.clear_options()
            shown.add_options([Option(row) for row in rows])
        if rows and shown.highlighted != self.chosen:
            shown.highlighted = self.chosen

    def _aim(self) -> None:
        draft = self.wizard.draft
        for key in KEYS:
            path = f"hosts[{self.chosen}].{key}"
            widget = self.query_one(f"#{key}")
            if isinstance(widget, Field):
                example = draft.get(f"ssh.{key}") if key in ("user", "key") else ""
                widget.aim(path, draft.get(path), example or None)
                widget.tell(self.wizard.checked.at(path) if widget.value else ())
            elif isinstance(widget, Choice):
                widget.aim(path, draft.get(path))

    def answer_given(self, path: str, value: str) -> bool:
        """A host's machines follow its name."""
        if path.endswith("].name"):
            index = int(path[6:].partition("]")[0])
            return self.wizard.replace(self.wizard.draft.rename_host(index, value))
        return super().answer_given(path, value)

    def redraw(self) -> None:
        """The signs of the list as well."""
        self._list()
        super().redraw()

    def meaning(self) -> Content:
        """What is known of the chosen host, and what is still missing."""
        return host_meaning(self.wizard, self.chosen)

    @on(OptionList.OptionHighlighted)
    def _chose(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index != self.chosen:
            self.take_answers()
            self.chosen = event.option_index
            self._aim()
            self.redraw()

    @on(OptionList.OptionSelected)
    def _enter(self) -> None:
        self.query_one("#address", Field).focus_line()

    def action_test(self) -> None:
        """Log in to the chosen host and look at it."""
        self._look([self.chosen])

    def action_test_all(self) -> None:
        """Log in to every host and look at it."""
        self._look(list(range(self.count)))

    def _look(self, indexes: list[int]) -> None:
        self.take_answers()
        spec = self.wizard.checked.spec
        wrong = self.wizard.checked.errors(*(f"hosts[{index}]" for index in indexes))
        if wrong:
            self.refuse(f"{wrong[0].text} {wrong[0].hint}")
            return
        self.wizard.looker.look(spec, [spec.hosts[index].name for index in indexes], again=True)
        self.redraw()

    def action_add(self) -> None:
        """One more machine, a hypervisor until it is said otherwise."""
        self.take_answers()
        self.chosen = self.count
        self.wizard.answer(f"hosts[{self.chosen}]", {"role": "hypervisor"})
        self.fill()
        self.redraw()
        self.query_one("#name", Field).focus_line()

    def action_remove(self) -> None:
        """Forget the chosen machine."""
        if self.count:
            draft = self.wizard.draft.drop(f"hosts[{self.chosen}]")
            self.wizard.replace(replace(draft))
            self.fill()
            self.redraw()

    def refusal(self) -> str:
        """As the rules say; the host the first error is about is chosen."""
        errors = self.wizard.checked.errors(*self.PATHS)
        indexes = [int(one.path[6:].partition("]")[0]) for one in errors if one.path.startswith("hosts[")]
        if indexes and indexes[0] != self.chosen:
            self.chosen = indexes[0]
            self.fill()
        return super().refusal()
