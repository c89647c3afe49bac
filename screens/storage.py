"""Where data shall live: every way with its verdict, and on which disks."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from screens.base import StageScreen
from screens.storage_words import consequence, reasons, verdict_line
from screens.text import STRONG, told
from screens.widgets import Choice, Field, Lines, Told
from wizard.core.decide.storage import StorageDecision, Verdict
from wizard.core.decide.storage_hosts import size_text
from wizard.core.suggest import CHOOSABLE, disk_path, guest_folders, hypervisors_seen, storage_disks

Place = tuple[str, str, tuple[tuple[str, str], ...]]
"""Path in the spec, label, and what can be chosen."""


class StorageScreen(StageScreen):
    """The verdicts, the disks of each hypervisor, and why the chosen way fits or does not."""

    STAGE = "storage"
    QUESTION = "Where should your data live?"
    PATHS = ("storage",)
    AUTO_FOCUS = "#ways"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+d", "details", "Details", tooltip="Also what is met, and the sources", id="storage.details"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.shown = -1
        """Index of the highlighted verdict."""
        self.whole = False
        """Also what is met, and where each requirement comes from."""
        self._decision: StorageDecision | None = None
        self._places: list[Place] = []

    def main(self) -> ComposeResult:
        """Verdicts, places, reasons."""
        yield Lines(id="ways", compact=True, markup=False)
        yield Field("storage.class", "Class", example="my-storage-class", id="class")
        yield Field(
            "storage.backup_target",
            "Backups to",
            example="nfs://192.168.10.5:/backups",
            long=True,
            id="target",
        )
        yield Vertical(id="places")
        yield Told(id="reasons")

    @property
    def verdicts(self) -> list[Verdict]:
        """The ways to keep data, those that can be chosen first."""
        found = self._decision.verdicts if self._decision else ()
        return sorted(found, key=lambda one: CHOOSABLE.index(one.kind) if one.kind in CHOOSABLE else 9)

    def arrive(self) -> None:
        """Decide anew from the answers and facts there are now."""
        self.wizard.look_at_all()
        self._decide()

    def _decide(self) -> None:
        self._decision = self.wizard.outcome.storage
        kinds = [one.kind for one in self.verdicts]
        if self.shown < 0:
            self.shown = kinds.index(self._decision.chosen) if self._decision.chosen in kinds else 0
        self.call_later(self._show_places)

    def redraw(self) -> None:
        """Verdicts, reasons and consequence as they are now."""
        self._decide()
        shown = self.query_one("#ways", OptionList)
        kind = self.wizard.draft.get("storage.kind") or "longhorn"
        rows = [verdict_line(one, chosen=one.kind == kind) for one in self.verdicts]
        if shown.option_count == len(rows):
            for index, row in enumerate(rows):
                shown.replace_option_prompt_at_index(index, row)
        else:
            shown.clear_options()
            shown.add_options([Option(row) for row in rows])
            shown.highlighted = self.shown
        self.query_one("#class").display = kind == "existing"
        self.query_one("#target").display = kind == "longhorn"
        self.query_one("#reasons", Told).update(reasons(self.verdicts[self.shown], whole=self.whole))
        super().redraw()

    def meaning(self) -> Content:
        """What the highlighted way gives and costs."""
        return consequence(self.wizard, self.verdicts[self.shown]) if self.verdicts else Content("")

    def answered(self, path: str) -> None:
        """Other places mean another verdict."""
        self._decide()

    async def _show_places(self) -> None:
        wanted = self._wanted_places()
        if wanted == self._places:
            return
        self._places = wanted
        box = self.query_one("#places", Vertical)
        await box.remove_children()
        await box.mount_all(self._place_widgets(wanted))
        self.fill()

    def _place_widgets(self, wanted: list[Place]) -> list[Widget]:
        made: list[Widget] = []
        for path, label, options in wanted:
            if path.endswith("vm_dir"):
                index = int(path[6:].partition("]")[0])
                made.append(
                    Label(told((self.wizard.draft.get(f"hosts[{index}].name"), STRONG)), classes="place")
                )
            made.append(Choice(path, label, options))
        return made

    def _wanted_places(self) -> list[Place]:
        places: list[Place] = []
        copies = self.wizard.draft.get("storage.kind") in ("longhorn", "")
        for index, _, facts in hypervisors_seen(self.wizard.checked.spec, self.wizard.looker.facts):
            if facts is None:
                continue
            folders = (
                ("", "its usual folder"),
                *((f"{at}/domains", f"{at}/domains") for at in guest_folders(facts)),
            )
            places.append((f"hosts[{index}].vm_dir", "Guests in", folders))
            disks = (
                (
                    disk_path(one),
                    f"{one.name} {size_text(one.size)}, {'empty' if one.empty else 'in use'}",
                )
                for one in storage_disks(facts)
            )
            if copies:
                places.append((f"hosts[{index}].storage_disk", "Volumes on", (("", "beside guests"), *disks)))
        return places

    @on(OptionList.OptionHighlighted, "#ways")
    def _looked(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index != self.shown:
            self.shown = event.option_index
            self.redraw()

    @on(OptionList.OptionSelected, "#ways")
    def _chose(self, event: OptionList.OptionSelected) -> None:
        verdict = self.verdicts[event.option_index]
        if verdict.kind not in CHOOSABLE:
            self.refuse(f"{verdict.title} is told for comparison; the wizard does not build it.")
            return
        self.query_one("#refusal").display = False
        self.wizard.answer("storage.kind", verdict.kind)
        if verdict.kind != "existing":
            self.wizard.answer("storage.class", "")
        if verdict.kind != "longhorn":
            self.wizard.answer("storage.backup_target", "")
        self.redraw()

    def action_details(self) -> None:
        """Show or hide what is met."""
        self.whole = not self.whole
        self.redraw()

    def refusal(self) -> str:
        """As the rules say; and nothing that is rejected here is gone on with."""
        return self.wizard.outcome.complaint(self.STAGE)
