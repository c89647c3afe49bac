"""A guest's disk that is too slow for etcd: the screen says so once it was measured, and asks what then."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from screens.widgets import Choice
from tests.screens.runs import desk_with_answers
from tests.screens.walk import Walk, walk
from wizard.core.spec import load_spec
from wizard.core.waivers import DAYS


def test_a_guests_slow_disk_is_told_and_accepted_for_a_while_or_not_any_longer(tmp_path: Path) -> None:
    desk = desk_with_answers(tmp_path)
    desk.cluster.machines["tower-b"].fsync_ms = 90.0

    async def steps(person: Walk) -> None:
        choice = person.app.screen.query_one("#slow-guest", Choice)
        assert not choice.display, "nothing was measured: nothing is asked"
        await person.press("ctrl+r")
        await person.until(lambda: not person.app.measuring.running)
        await person.until(lambda: bool(choice.display))
        said = " ".join(person.said().split())
        assert "etcd-b is too slow for etcd. Give tower-b an etcd_dir on an SSD" in said
        await person.press("tab", "tab", "space")
        assert person.app.focused is choice
        (waiver,) = load_spec(desk.spec).waivers
        assert (waiver.check, waiver.until) == (
            "etcd.measured",
            (date.today() + timedelta(days=DAYS)).isoformat(),
        )
        await person.press("space")
        assert load_spec(desk.spec).waivers == ()
        await person.press("space", "ctrl+n")
        assert person.stage == "review"

    async def again(person: Walk) -> None:
        choice = person.app.screen.query_one("#slow-guest", Choice)
        assert choice.display, "what is accepted stays visible"
        assert choice.value == "true"

    walk(tmp_path, steps, desk=desk, place="witness")
    walk(tmp_path, again, desk=desk, place="witness")
