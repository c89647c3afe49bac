"""What a person reads while a run goes on."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest

from tests.engine.story import Lab, yes
from tests.rows import assert_explained
from wizard.core.check import Finding, Status, failed
from wizard.core.errors import ExitCode, UsageError
from wizard.core.events import (
    ChangeFinished,
    ChangeProgress,
    ChangeStarted,
    CheckFinished,
    Event,
    HostState,
    Note,
    Output,
)
from wizard.front.jsonlines import JsonLines
from wizard.front.plain import PlainSink
from wizard.front.plan import plan_text


def lines_of(*events: Event) -> list[str]:
    out = io.StringIO()
    sink = PlainSink(out)
    for event in events:
        sink(event)
    return out.getvalue().splitlines()


def test_one_line_a_change_and_a_step() -> None:
    lab = Lab()
    out = io.StringIO()
    sink = PlainSink(out)
    session = lab.session()
    lab.session().apply(yes)
    for event in lab.events:
        sink(event)
    text = out.getvalue()
    assert session.spec.name == "home"
    assert text.count("done in") == 12 + 1
    assert "tower-a    leave our marker on tower-a" in text
    assert text.splitlines()[-1].endswith("s")
    assert max(map(len, text.splitlines())) <= 80


def test_what_is_waited_for_is_said_once() -> None:
    waiting = ChangeProgress(
        step="etcd", change="start", host="etcd-b", text="peer etcd-a refuses", fraction=0.5
    )
    said = lines_of(waiting, waiting, waiting)
    assert len(said) == 1
    assert "etcd-b" in said[0]
    assert "waiting: peer etcd-a refuses (50%)" in said[0]


def test_what_only_counts_is_said_now_and_then() -> None:
    copied = [
        ChangeProgress(
            at=at, step="machines", change="image", host="tower-a", text=f"copying, {at:.0f} of 12 MB"
        )
        for at in range(100, 112)
    ]
    other = ChangeProgress(at=111.5, step="machines", change="image", host="tower-a", text="unpacking")
    said = lines_of(*copied, other)
    assert [line.split("waiting: ")[1] for line in said] == [
        "copying, 100 of 12 MB", "copying, 105 of 12 MB", "copying, 110 of 12 MB", "unpacking",
    ]  # fmt: skip


def test_a_guest_that_boots_is_not_told_as_a_broken_host() -> None:
    away = HostState(host="etcd-a", status="failed", detail="etcd-a cannot be reached.")
    began = ChangeStarted(
        step="machines", change="boot:etcd-a", host="etcd-a", summary="Wait until etcd-a is up"
    )
    ended = ChangeFinished(
        step="machines", change="boot:etcd-a", host="etcd-a", summary="Wait until etcd-a is up", status="done"
    )
    said = lines_of(began, away, ended, away)
    assert ["cannot be used" in line for line in said] == [False, True]


def test_a_hosts_escapes_do_not_reach_the_terminal() -> None:
    said = lines_of(Note(text="\x1b[31mred\x1b[0m"), CheckFinished(finding=failed("\x1b]0;title\x07")))
    assert "\x1b" not in "".join(said)


def test_remote_output_is_for_the_log_only() -> None:
    assert lines_of(Output(step="s", change="c", host="h", line="chatter")) == []


def test_a_closed_pipe_does_not_end_the_run() -> None:
    out = io.StringIO()
    sink = PlainSink(out)
    out.close()
    sink(Note(text="anybody there?"))
    sink(Note(text="no"))


def test_json_lines_are_private_and_complete(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = JsonLines(path)
    sink(Note(text="eins"))
    sink(CheckFinished(finding=Finding(Status.PASS, "ok", check="a.b")))
    sink.close()
    sink(Note(text="after the end"))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["event"] for row in rows] == ["note", "check-finished"]
    assert rows[1]["finding"]["check"] == "a.b"
    assert all(row["schema"] == 1 for row in rows)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_event_file_that_cannot_be_opened_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        JsonLines(tmp_path / "nowhere" / "events")
    assert_explained(caught.value, exit_code=ExitCode.BAD_SPEC, do="--events FILE")


def test_a_full_disk_loses_the_log_and_not_the_run() -> None:
    sink = JsonLines(Path("/dev/full"))
    sink(Note(text="x" * 10_000))
    sink(Note(text="still going"))
    sink.close()


def test_the_plan_names_what_an_earlier_run_left() -> None:
    lab = Lab()
    lab.session().apply(yes)
    del lab.machines["pi"].files["/toy/c"]
    plan, left = lab.session().plan()
    text = plan_text(plan, left, "home")
    assert "done but drifted:     Make c on pi" in text
    assert "done and still true:  11 changes" in text
    assert "1 change to make, nothing destroyed." in text
