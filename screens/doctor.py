"""What is wrong: the root cause first, with evidence, likely cause and the exact fix; everything else below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from screens.button import Button
from screens.dialogs import QuestionDialog, TypedDialog
from screens.drawn import Picture, Reader, content_of
from screens.text import Sign
from screens.topology import TopologyScreen
from screens.widgets import RailItem
from screens.work import Look, destroyed
from wizard.core.check import Finding, Status
from wizard.core.engine.repair import Repair
from wizard.core.session import DoctorReport, Session
from wizard.core.view.columns import wrapped
from wizard.core.view.findings import SYMBOLS, TONES, Cause, DoctorView, cause_lines, doctor_view
from wizard.core.view.review import confirmation, losses, plan_lines, sum_text
from wizard.core.view.styled import Line, Tone, line
from wizard.core.view.topology import Topology

SIGNS = {
    Status.PASS: Sign.DONE,
    Status.SKIP: Sign.DONE,
    Status.WAITING: Sign.RUNS,
    Status.WARN: Sign.NEEDS,
    Status.FAIL: Sign.FAILED,
}
WRONG = (Status.FAIL, Status.WARN)
DIALOG_COLUMNS = 62
"""Of the text in a dialog."""
ORDER = (Sign.DONE, Sign.UNKNOWN, Sign.RUNS, Sign.NEEDS, Sign.FAILED)


def ask_doctor(session: Session) -> DoctorReport:
    """Make every check; only reads.

    Args:
        session: on the hosts of the spec.
    """
    return session.doctor()


class DoctorScreen(TopologyScreen):
    """The report, one finding opened at a time."""

    STAGE = "doctor"
    TELLS = "finding-text"
    AUTO_FOCUS = "#findings"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "mend", "Run the fix", tooltip="What the wizard would do about it", id="doctor.fix"),
        Binding("r", "again", "Look again", tooltip="Make every check anew", id="doctor.again"),
        Binding("a", "all", "All checks", tooltip="Also those that hold", id="doctor.all"),
        Binding("t", "topology", "Topology", tooltip="What runs where, and how it is", id="doctor.topology"),
        Binding(
            "y",
            "copy",
            "Copy the fix",
            show=False,
            tooltip="To the clipboard of the terminal",
            id="doctor.copy",
        ),
        Binding("tab", "app.focus_next", "Next", show=False, tooltip="To the next pane", id="doctor.field"),
        Binding("ctrl+n", "back", "Close", show=False, tooltip="Back to where you were", id="doctor.close"),
        Binding("escape", "back", "Back", tooltip="Back to where you were", id="doctor.back"),
        Binding(
            "f1", "app.help", "Help", tooltip="What this screen is about, and its keys", id="doctor.help"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._look: Look[DoctorReport] | None = None
        self._view: DoctorView | None = None
        self._shown: list[Finding] = []
        self._all = False
        self._mend: Look[Repair] | None = None
        self.asked: Look[tuple[Finding, ...]] | None = None
        """Which of the findings the wizard can mend; None = there is none, or doctor looks."""

    def main(self) -> ComposeResult:
        """A sentence, the findings, the one that is pointed at."""
        yield Picture(self._headline, id="headline")
        yield OptionList(id="findings", compact=True)
        with Reader(id="finding"):
            yield Picture(self._finding, id="finding-text")
            yield self.topology_picture()

    def buttons(self) -> ComposeResult:
        """Back, or look again."""
        yield Button("Back", id="back", compact=True)
        yield Button("Look again", id="again", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Begin to look."""
        super().on_mount()
        self.query_one("#question").display = False
        self.action_again()

    def action_again(self) -> None:
        """Make every check anew."""
        if self._look is None or not self._look.active:
            self._look, self.asked = self.wizard.look(ask_doctor, self._came), None
            self.redraw()

    def _came(self) -> None:
        if not self.is_attached or self._look is None:
            return
        self._view = doctor_view(self._look.result) if self._look.result else None
        self._fill()
        wrong = [one for one in self._view.findings if one.status in WRONG] if self._view else []
        if wrong:
            self.asked = self.wizard.look(lambda session: session.mendable(wrong), self._know_what_mends)

    def _know_what_mends(self) -> None:
        if self.is_attached:
            self.refresh_bindings()

    @property
    def mendable(self) -> bool:
        """Whether the wizard can do something about the finding that is pointed at; False until that is known."""
        asked = self.asked.result if self.asked is not None else None
        return self.pointed in (asked or ())

    def _fill(self) -> None:
        """The causes first, then what they explain and what should not stay; the rest when it is asked for."""
        view = self._view
        causes = [one.finding for one in view.causes] if view else []
        rest = [one for one in view.findings if one not in causes] if view else []
        self._shown = causes + [one for one in rest if self._all or one.status is Status.WARN]
        self.show_topology(not self._shown)
        found = self.query_one("#findings", OptionList)
        found.clear_options()
        found.add_options(Option(content_of([_row(one)])) for one in self._shown)
        found.display = bool(self._shown)
        if self._shown:
            found.highlighted = 0
        self.redraw()

    def rail(self) -> Sequence[RailItem]:
        """The steps that have checks, each with the worst that was found."""
        worst: dict[str, Sign] = {}
        for item in self._view.findings if self._view else ():
            blind = item.status is Status.SKIP and item.explained_by
            sign = Sign.UNKNOWN if blind else SIGNS[item.status]
            worst[item.step] = max(worst.get(item.step, sign), sign, key=ORDER.index)
        return [RailItem(sign, step) for step, sign in worst.items()] or super().rail()

    def meaning(self) -> Content:
        """Nothing beside: sentences and commands want the room."""
        return Content("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a fix to copy or to run, or no key for it."""
        if action == "copy":
            return bool(self.is_mounted and self.pointed and self.pointed.fix)
        if action == "mend":
            return self.is_mounted and self.mendable
        return super().check_action(action, parameters)

    @on(OptionList.OptionHighlighted, "#findings")
    def _pointed(self) -> None:
        self.refresh_bindings()
        self.query_one("#finding", Reader).scroll_home(animate=False)
        self.query_one("#finding-text", Picture).redraw()

    @on(OptionList.OptionSelected, "#findings")
    def _opened(self) -> None:
        """Read it whole with the arrow keys."""
        self.query_one("#finding", Reader).focus()

    @property
    def pointed(self) -> Finding | None:
        """The finding that is pointed at."""
        index = self.query_one("#findings", OptionList).highlighted
        return self._shown[index] if index is not None and index < len(self._shown) else None

    def _headline(self, width: int, _height: int) -> list[Line]:
        look, view = self._look, self._view
        if look is None or look.active:
            return [line((".. Looking at every host and asking every check", Tone.BUSY))]
        if self._mend is not None and self._mend.active:
            return [line((".. Looking what would mend it", Tone.BUSY))]
        if look.error is not None:
            rows = [look.error.what, f"why: {look.error.why}", *(f"do: {one}" for one in look.error.do)]
            return [line((part, Tone.BAD)) for text in rows for part in wrapped(text, width, "", "  ")]
        if view is None:
            return [line("")]
        tone = {"ok": Tone.OK, "warn": Tone.WARN}.get(view.verdict, Tone.BAD)
        sign = {"ok": "ok", "warn": "!!"}.get(view.verdict, "xx")
        return [line((f"{sign} {view.headline}", tone)), line((view.sum, Tone.DIM)), line("")]

    def _finding(self, width: int, _height: int) -> list[Line]:
        item, view = self.pointed, self._view
        if item is None or view is None:
            return [line("")]
        cause = next((one for one in view.causes if one.finding is item), Cause(item))
        rows = [line((f"{item.check} · {item.title}", Tone.DIM)), *cause_lines(cause, width)]
        if item.explained_by:
            rows.append(line("   ", (f"{'because':<9}", Tone.DIM), f"of {item.explained_by}"))
        return rows

    def topology(self) -> Topology:
        """As the checks have found it."""
        return self.wizard.picture(findings=self._view.findings if self._view else ())

    def action_all(self) -> None:
        """Show or hide the checks that hold."""
        self._all = not self._all
        self._fill()

    def action_mend(self) -> None:
        """Look what the wizard would do about the finding; it is shown and asked for before anything is done."""
        item, app = self.pointed, self.wizard
        if app.install is not None and app.install.active:
            self.notify("A run is going on. What it mends need not be mended twice.", markup=False)
        elif item is not None and (self._mend is None or not self._mend.active):
            self._mend = app.look(lambda session: session.find_repair([item]), self._found)
            self.redraw()

    def _found(self) -> None:
        if not self.is_attached or self._mend is None:
            return
        self.redraw()
        repair, error = self._mend.result, self._mend.error
        error = error or (repair.refused if repair else None)
        if error is not None:
            self.wizard.tell_error(error)
        elif repair is not None:
            self.app.push_screen(repair_dialog(repair), lambda yes: self._run(repair) if yes else None)

    def _run(self, repair: Repair) -> None:
        self.wizard.build(destroyed(repair.plan), repair.findings)

    def action_copy(self) -> None:
        """The fix to the terminal's clipboard."""
        item = self.pointed
        if item is not None and item.fix:
            self.app.copy_to_clipboard(item.fix)
            self.notify("Copied.", markup=False)

    def action_back(self) -> None:
        """Back to where one was."""
        for look in (self._look, self.asked):
            if look is not None and look.active:
                look.let_go()
        self.app.pop_screen()

    @on(Button.Pressed, "#again")
    def _again_pressed(self) -> None:
        self.action_again()


def repair_dialog(repair: Repair) -> QuestionDialog | TypedDialog:
    """The question before a repair: every change with the command behind it; what is destroyed has to be typed.

    Args:
        repair: that is not refused.
    """
    lost = losses(repair.plan)
    body = content_of(plan_lines(repair.plan, DIALOG_COLUMNS, previews=True))
    if lost:
        title = f"This destroys {len(lost)} thing{'s' if len(lost) != 1 else ''}"
        return TypedDialog(title, body, word=confirmation(lost), yes="Destroy and mend")
    return QuestionDialog(sum_text(repair.plan), body, yes="Mend it")


def _row(item: Finding) -> Line:
    place = f" [{item.host}]" if item.host and item.host not in item.title else ""
    told = item.title if item.status is Status.PASS else item.detail
    first = told.splitlines()[0] if told else ""
    return line((SYMBOLS[item.status], TONES[item.status]), f" {first}{place}")
