"""What `wizard layout` prints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.decide.homes import home, known, machine, sized
from tests.facts.build import facts
from wizard.core.decide.layout import Layout, make_layout
from wizard.core.decide.wire import Wire
from wizard.core.decide.wire_verdict import Groups
from wizard.core.spec.model import ClusterSpec
from wizard.core.state import ApprovedLayout
from wizard.front import layout as front

NOBODY = Groups((), (), 51)


def layout_json(name: str, layout: Layout) -> dict[str, object]:
    """As printed where the wire was never asked."""
    return front.layout_json(name, layout, Wire(), NOBODY)


def layout_text(name: str, layout: Layout) -> str:
    return front.layout_text(name, layout, Wire(), NOBODY)


def small() -> Layout:
    return make_layout(home(), known(tower_a=sized(facts(), 9, 2)))


def test_the_json_document() -> None:
    document = json.loads(json.dumps(layout_json("home", make_layout(home(), known()))))
    assert (document["schema"], document["cluster"], document["proposed"]) == (1, "home", True)
    assert document["machines"][0] == {
        "name": "etcd-a",
        "host": "tower-a",
        "role": "etcd",
        "address": "10.0.0.14",
        "cpus": 2,
        "memory": "2G",
        "disk": "20G",
        "data_disk": "8G",
    }
    first = document["hosts"][0]
    assert first["name"] == "tower-a"
    assert (first["cpus"], first["memory"]) == (12, 32 << 30)
    assert first["alone"] == {"ok": True, "wont_start": [], "reasons": []}
    assert document["addresses"][1] == {
        "address": "10.0.0.11",
        "for": "tower-a",
        "probe": "not-checked",
        "mac": None,
        "by": None,
        "why": "the wire was not asked",
        "conflict": None,
    }
    assert document["problems"] == []


def test_a_mac_is_shown_where_one_was_given() -> None:
    given = replace(make_layout(home(), known()).machines[0], mac="52:54:00:00:00:21")
    layout = make_layout(home(machines=(given,)), known())
    assert layout_json("home", layout)["machines"] == [
        {
            "name": "etcd-a",
            "host": "tower-a",
            "role": "etcd",
            "address": "10.0.0.14",
            "cpus": 2,
            "memory": "2G",
            "disk": "20G",
            "data_disk": "8G",
            "mac": "52:54:00:00:00:21",
        }
    ]


def test_what_does_not_fit_is_in_the_document() -> None:
    document = json.loads(json.dumps(layout_json("home", small())))
    assert not document["hosts"][0]["alone"]["ok"]
    assert document["hosts"][0]["alone"]["reasons"]
    assert {"level", "host", "machine", "text", "do"} == set(document["problems"][0])


def long_names() -> ClusterSpec:
    spec = home()
    name = "a" * 60
    return replace(spec, hosts=(replace(spec.hosts[0], name=name), *spec.hosts[1:]))


@pytest.mark.parametrize(
    "layout",
    [
        make_layout(home(), known()),
        small(),
        make_layout(home(), {}),
        make_layout(long_names(), known() | {"a" * 60: facts(host="a" * 60)}),
    ],
    ids=["healthy", "small", "unknown", "long"],
)
def test_the_text_fits_80_columns(layout: Layout) -> None:
    lines = layout_text("home", layout).splitlines()
    assert max(len(line) for line in lines if "name: " not in line) <= 80
    assert max(map(len, lines)) <= 80


def test_the_text_of_a_proposal_ends_in_what_can_be_pasted() -> None:
    text = layout_text("home", make_layout(home(), known()))
    assert "proposed, the spec names no machines" in text
    assert "carries all" in text
    assert "\nmachines:\n  - {name: etcd-a, host: tower-a, role: etcd" in text
    assert "not checked on the wire: 24 of 24" in text


def test_the_text_of_given_machines_pastes_nothing() -> None:
    spec = home(machines=make_layout(home(), known()).machines)
    text = layout_text("home", make_layout(spec, known()))
    assert "the machines of the spec" in text
    assert "\nmachines:" not in text


def test_the_text_says_what_would_not_start_and_what_to_do() -> None:
    text = " ".join(layout_text("home", small()).split())
    assert "tower-a alone would not start: metallb" in text
    assert "NOT enough" in text
    assert "(3.0x)" in text
    assert "do: It will be slow" in text


def test_what_was_approved_is_told_with_its_day_and_what_a_fresh_one_would_differ_in() -> None:
    machines = make_layout(home(), known()).machines
    approved = ApprovedLayout(machines, 1_795_000_000.0, "0123456789abcdef")
    same = make_layout(home(), known(), approved)
    assert same.machines == machines
    text = layout_text("home", same)
    assert "proposed by the wizard, approved on 2026-11-" in text
    assert "A fresh proposal would be the same." in text
    smaller = make_layout(home(), known(tower_a=sized(facts(), 16)), approved)
    assert smaller.machines == machines, "facts move nothing"
    text = layout_text("home", smaller)
    assert "They stay as they are. A fresh proposal (wizard layout --fresh) would differ:" in text
    assert "worker-a: memory 3G instead of 16G." in text
    assert layout_json("home", smaller)["approved_at"] == 1_795_000_000.0
    assert "worker-a: memory 3G instead of 16G." in layout_json("home", smaller)["differs"]  # type: ignore[operator]


def test_a_machine_more_or_less_is_told_by_its_name() -> None:
    approved = ApprovedLayout((machine("worker-x", "tower-a", "worker", 50),), 0.0, "")
    told = make_layout(home(), known(), approved).differs
    assert "worker-x would not be there." in told
    assert "etcd-b on tower-b would be added." in told
