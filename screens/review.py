"""Before anything is changed: the whole plan, what it destroys, and what survives which loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from screens.base import StageScreen
from screens.button import Button
from screens.dialogs import TypedDialog
from screens.drawn import Picture, Reader, say
from screens.text import MUTED, STRONG, Sign, labelled, lines, signed, told
from screens.work import Look, Run, destroyed
from wizard.core.dataclass import dataclass
from wizard.core.decide.layout import effective_machines
from wizard.core.decide.prove import Proof, prove
from wizard.core.engine.plan import Plan
from wizard.core.engine.resume import Standing
from wizard.core.facts import HostFacts
from wizard.core.session import Session
from wizard.core.spec.model import MachineSpec
from wizard.core.view.columns import table, wrapped
from wizard.core.view.losses import HEAD, KEY, loss_rows, single_losses, stops
from wizard.core.view.resume import standing_lines
from wizard.core.view.review import Loss, confirmation, losses, plan_lines, sum_text
from wizard.core.view.styled import Line, Tone, line
from wizard.core.view.topology import topology, topology_lines


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Everything the review shows, read in one go."""

    plan: Plan
    left: Standing
    proof: Proof
    machines: tuple[MachineSpec, ...]


def read_review(session: Session) -> Reviewed:
    """Make the plan and judge what survives; only reads.

    Args:
        session: on the hosts of the spec.
    """
    plan, left = session.plan()
    ctx = session.facts()
    found = {host.name: ctx.try_facts(host.name) for host in ctx.spec.hosts}
    facts: Mapping[str, HostFacts] = {name: one for name, one in found.items() if isinstance(one, HostFacts)}
    spec = ctx.spec
    proof = prove(spec, facts, date.today().isoformat())
    return Reviewed(plan, left, proof, effective_machines(spec, facts))


class ReviewScreen(StageScreen):
    """The plan, to be said yes to."""

    STAGE = "review"
    QUESTION = "Is this what you want?"
    NEXT = "Build"
    AUTO_FOCUS = "#read"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "next", "Build", tooltip="Carry out the plan", id="review.build"),
        Binding("tab", "app.focus_next", "Next", show=False, tooltip="To the buttons", id="review.field"),
        Binding("p", "turn('plan')", "Plan", tooltip="What is changed, step by step", id="review.plan"),
        Binding(
            "f", "turn('failures')", "Failures", tooltip="What each loss takes away", id="review.failures"
        ),
        Binding("t", "turn('topology')", "Topology", tooltip="What runs where", id="review.topology"),
        Binding(
            "v",
            "previews",
            "Commands",
            show=False,
            tooltip="The command behind each change",
            id="review.preview",
        ),
        Binding("r", "again", "Look again", show=False, tooltip="Make the plan anew", id="review.again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._look: Look[Reviewed] | None = None
        self._after: Run | None = None
        """The run that had ended when the hosts were looked at."""
        self._page = "plan"
        self._previews = False

    @property
    def reviewed(self) -> Reviewed | None:
        """What was read; None = not yet, or it could not be."""
        return self._look.result if self._look else None

    def main(self) -> ComposeResult:
        """One page at a time, read with the arrow keys."""
        with Reader(id="read"):
            yield Picture(self._drawn, id="page")

    def arrive(self) -> None:
        """Make the plan, unless the one that is shown is of the same answers and nothing was built since."""
        same = self._look is not None and self._look.spec == self.wizard.checked.spec
        same = same and self._after is self._ended_run()
        if not same or not (self._look and (self._look.active or self._look.result)):
            self.action_again()

    def action_again(self) -> None:
        """Look at the hosts and make the plan anew."""
        app = self.wizard
        if app.checked.sound:
            self._after = self._ended_run()
            self._look = app.look(read_review, self._came)
        self.redraw()

    def _ended_run(self) -> Run | None:
        """The last run, once it has ended: the plan is another one since. While one goes on, the old plan is shown."""
        run = self.wizard.install
        return self._after if run is not None and run.active else run

    def _came(self) -> None:
        if self.is_attached:
            self.redraw()

    def redraw(self) -> None:
        """The page, and what stands around it."""
        super().redraw()
        self.query_one("#page", Picture).redraw()
        say(self.query_one("#next", Button), self._verb())

    def _verb(self) -> str:
        app = self.wizard
        if app.install is not None and app.install.active:
            return "To the run"
        found = self.reviewed
        return "What was built" if found and not found.plan.changes and not found.plan.errors else "Build"

    def action_turn(self, page: str) -> None:
        """Show another page.

        Args:
            page: `plan`, `failures` or `topology`.
        """
        self._page = page
        self.query_one("#read", Reader).scroll_home(animate=False)
        self.redraw()

    def action_previews(self) -> None:
        """Show or hide the command behind each change."""
        self._previews = not self._previews
        self.action_turn("plan")

    # --- what is shown ----------------------------------------------------------------------------------------

    def _drawn(self, width: int, _height: int) -> list[Line]:
        look = self._look
        if look is None:
            reason = self.refusal() or "Some answers are still missing."
            return [line((part, Tone.WARN)) for part in wrapped(f"!! {reason}", width, "", "   ")]
        if look.active:
            return [line((".. Looking at your hosts and making the plan", Tone.BUSY))]
        if look.error is not None:
            rows = [look.error.what, look.error.why, *look.error.do]
            return [line(part) for text in rows for part in wrapped(text, width, "", "  ")]
        assert look.result is not None
        return PAGES[self._page](self, look.result, width)

    def plan_page(self, found: Reviewed, width: int) -> list[Line]:
        """What is destroyed, what an earlier run left, then the plan by step."""
        rows = [*_destroyed(losses(found.plan), width), *standing_lines(found.left, width)]
        rows += [line("")] if rows and rows[-1] != line("") else []
        return [*rows, *plan_lines(found.plan, width, previews=self._previews)]

    def failures_page(self, found: Reviewed, width: int) -> list[Line]:
        """What each single loss takes away."""
        proof = found.proof
        single = single_losses(proof)
        head, *rows = table(HEAD, loss_rows(single, proof), width=width) or [""]
        said = [line((head, Tone.DIM)), *(line(row) for row in rows), line("")]
        said += [line((part, Tone.DIM)) for part in wrapped(KEY, width, "", "")]
        for loss in single:
            for one in stops(loss, proof):
                text = f"!! {', '.join(loss.lost)}: {one.service} stops: {one.why}."
                said += [line((part, Tone.WARN)) for part in wrapped(text, width, "", "   ")]
        return said

    def topology_page(self, found: Reviewed, width: int) -> list[Line]:
        """What runs where, as it will be."""
        return topology_lines(topology(self.wizard.checked.spec, found.machines), width)

    def meaning(self) -> Content:
        """How much it is, how long it takes, what is lost, what could not be seen."""
        found = self.reviewed
        if found is None:
            return told(("Nothing is changed before you say so.", MUTED))
        rows = [told((sum_text(found.plan), STRONG)), told("")]
        if found.plan.destroys:
            rows.append(signed(Sign.FAILED, "what is destroyed is named first in the plan (p)"))
        rows += [signed(Sign.FAILED, error.what) for error in found.plan.errors]
        stopping = [loss for loss in single_losses(found.proof) if stops(loss, found.proof)]
        if found.proof.losses and not stopping:
            rows.append(signed(Sign.DONE, "No single loss stops anything for good."))
        if stopping:
            names = list(dict.fromkeys(" + ".join(loss.lost) for loss in stopping))
            rows.append(signed(Sign.NEEDS, f"something stops without {any_of(names)} (f)"))
        rows += [told(""), told(("It can be stopped at any time and goes on where it was.", MUTED))]
        return lines(rows)

    # --- going on ---------------------------------------------------------------------------------------------

    def refusal(self) -> str:
        """Why it cannot be built yet."""
        checked = self.wizard.checked
        if not checked.sound:
            first = next(iter(checked.errors()), None)
            return f"{first.text} {first.hint}" if first else "Some answers are still missing."
        if self._look is not None and self._look.active:
            return "The plan is still being made."
        if self._look is not None and self._look.error is not None:
            return self._look.error.what
        return ""

    def action_next(self) -> None:
        """Build, after what would be destroyed was typed."""
        app, found = self.wizard, self.reviewed
        if app.install is not None and app.install.active:
            app.go("run")
            return
        reason = self.refusal()
        if reason or found is None:
            self.refuse(reason or "The plan is not known yet.")
            return
        if not found.plan.changes and not found.plan.errors:
            app.go("done")
            return
        lost = losses(found.plan)
        if not lost:
            app.build(frozenset())
            return
        app.push_screen(
            typed_dialog(found.plan), lambda yes: app.build(destroyed(found.plan)) if yes else None
        )

    @on(Button.Pressed, "#next")
    def _build_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_next()


NAMED = 3
"""Things named one by one where there is little room."""


def any_of(names: Sequence[str]) -> str:
    """Some of them in words: `tower-a, pi or 3 more`.

    Args:
        names: at least one.
    """
    told = list(names[:NAMED])
    more = len(names) - len(told)
    told += [f"{more} more"] if more else []
    return " or ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _destroyed(lost: Sequence[Loss], width: int) -> list[Line]:
    """Everything that is destroyed, so that a person recognises it: before anything else is said."""
    if not lost:
        return []
    rows = [line((f"!! This destroys {len(lost)} thing{'s' if len(lost) != 1 else ''}", Tone.BAD))]
    for one in lost:
        rows += [line((part, Tone.STRONG)) for part in wrapped(one.text, width, "   ", "   ")]
        rows += [
            line((part, Tone.DIM))
            for part in wrapped(f"{one.host or 'here'}: {one.summary}", width, "   ", "   ")
        ]
    return [*rows, line("")]


def typed_dialog(plan: Plan) -> TypedDialog:
    """The question before anything is destroyed.

    Args:
        plan: that destroys something.
    """
    lost = losses(plan)
    rows = [row for one in lost for row in _lost(one)]
    title = f"This destroys {len(lost)} thing{'s' if len(lost) != 1 else ''}"
    return TypedDialog(title, lines(rows), word=confirmation(lost), yes="Destroy and build")


def _lost(one: Loss) -> Iterator[Content]:
    yield signed(Sign.FAILED, (one.text, STRONG))
    yield labelled("", (f"{one.host or 'here'}: {one.summary}", MUTED), width=2)


PAGES: Mapping[str, Callable[[ReviewScreen, Reviewed, int], list[Line]]] = {
    "plan": ReviewScreen.plan_page,
    "failures": ReviewScreen.failures_page,
    "topology": ReviewScreen.topology_page,
}
