"""The table of phases says what the events say."""

from __future__ import annotations

import json

from tests.bench.phases import phases
from wizard.core.events import ChangeFinished, ChangeStarted, Event, RunFinished, RunStarted, event_json


def _change(step: str, key: str, host: str, began: float, seconds: float) -> list[Event]:
    return [
        ChangeStarted(at=began, step=step, change=key, host=host, summary=key),
        ChangeFinished(
            at=began + seconds, step=step, change=key, host=host, summary=key, status="done", seconds=seconds
        ),
    ]


def _log() -> list[str]:
    events = [
        RunStarted(at=90.0, command="apply", cluster="home", steps=()),
        *_change("machines", "image:tower-a", "tower-a", 100.0, 8.0),
        *_change("machines", "create:etcd-a", "tower-a", 108.0, 2.0),
        *_change("machines", "create:worker-a", "tower-a", 110.0, 2.0),
        *_change("machines", "boot:etcd-a", "etcd-a", 110.0, 5.0),
        *_change("etcd", "install:etcd-a", "etcd-a", 116.0, 4.0),
        *_change("etcd", "install:pi", "pi", 116.0, 6.0),
        *_change("guests", "boot:worker-a", "worker-a", 115.0, 1.0),
        RunFinished(at=123.0, command="apply", status="done", changes=7, seconds=33.0),
    ]
    return [json.dumps(event_json(event)) for event in sorted(events, key=lambda event: event.at)]


def test_a_machines_chain_is_its_image_its_making_and_what_was_done_on_it() -> None:
    found = phases(_log())
    assert [done.key for done in found.chains()["etcd-a"]] == [
        "image:tower-a", "create:etcd-a", "boot:etcd-a", "install:etcd-a",
    ]  # fmt: skip
    name, seconds = found.longest
    assert (name, round(seconds, 3)) == ("etcd-a", 19.0)
    assert round(found.wall, 3) == 23.0


def test_packages_end_the_longest_chain_where_they_end_the_run() -> None:
    late = _change("packages", "packages:worker-a", "worker-a", 116.0, 20.0)
    log = [*_log()[:-1], *(json.dumps(event_json(event)) for event in late)]
    end = RunFinished(at=137.0, command="apply", status="done", changes=8, seconds=47.0)
    found = phases([*log, json.dumps(event_json(end))])
    assert [done.key for done in found.chains()["worker-a"]] == [
        "image:tower-a", "create:etcd-a", "create:worker-a", "boot:worker-a", "packages:worker-a",
    ]  # fmt: skip
    name, seconds = found.longest
    assert (name, round(seconds, 3), round(found.wall, 3)) == ("worker-a", 33.0, 37.0)


def test_the_table_has_a_line_for_each_phase_and_the_ratio() -> None:
    lines = phases(_log()).table().splitlines()
    assert [line.split("  ")[0] for line in lines[1:-1]] == [
        "machines image", "machines create", "machines boot", "guests boot", "etcd install",
    ]  # fmt: skip
    assert lines[-1].startswith("wall 23.0 s; longest chain 19.0 s (etcd-a); 1.21x")
