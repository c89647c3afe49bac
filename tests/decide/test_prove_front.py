"""What `wizard prove` prints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.decide.homes import home, known, machine
from wizard.core.decide.prove import Proof, prove
from wizard.core.spec.model import WaiverSpec
from wizard.core.view.losses import gap_text
from wizard.front.prove import prove_json, prove_text

TODAY = "2026-11-22"
ONE_ZONE = (
    machine("etcd-a", "tower-a", "etcd", 50),
    machine("etcd-b", "tower-b", "etcd", 51),
    machine("storage-a", "tower-a", "storage", 60),
    machine("storage-b", "tower-a", "storage", 61),
)


def healthy() -> Proof:
    return prove(home(), known(), TODAY)


def refused(waived: bool = False) -> Proof:
    waivers = (WaiverSpec("prove.replicas-in-one-zone", "a trial", "2027-01-01"),) if waived else ()
    return prove(home(machines=ONE_ZONE, waivers=waivers), known(), TODAY)


def test_the_json_document() -> None:
    document = json.loads(json.dumps(prove_json("home", healthy())))
    assert (document["schema"], document["cluster"], document["refused"]) == (1, "home", [])
    assert document["proposed"] is True
    first = document["losses"][0]
    assert (first["lost"], first["kind"]) == (["tower-a"], "host")
    assert first["effects"][0] == {
        "service": "etcd",
        "stays": True,
        "why": "2 of 3 members are left, 2 are a majority",
        "gap_seconds": 5.0,
    }
    both = next(one for one in document["losses"] if one["lost"] == ["tower-a", "tower-b"])
    assert both["kind"] == "pair"
    assert both["effects"][0]["stays"] is False
    assert both["effects"][0]["gap_seconds"] is None


@pytest.mark.parametrize(("waived", "reason"), [(False, None), (True, "a trial")])
def test_refusals_in_the_document(waived: bool, reason: str | None) -> None:
    document = json.loads(json.dumps(prove_json("home", refused(waived))))
    (one,) = document["refused"]
    assert set(one) == {"rule", "text", "override", "overridden"}
    assert (one["rule"], one["overridden"]) == ("replicas-in-one-zone", reason)


def long_names() -> Proof:
    spec = home()
    names = {"tower-a": "a" * 60, "pi": "p" * 60}
    hosts = tuple(replace(host, name=names.get(host.name, host.name)) for host in spec.hosts)
    found = {names.get(name, name): replace(one, host=names.get(name, name)) for name, one in known().items()}
    return prove(replace(spec, hosts=hosts), found, TODAY)


@pytest.mark.parametrize(
    "proof",
    [healthy(), refused(), refused(waived=True), prove(home(), {}, TODAY)],
    ids=["healthy", "refused", "accepted", "unknown"],
)
def test_the_text_fits_80_columns(proof: Proof) -> None:
    assert max(map(len, prove_text("home", proof).splitlines())) <= 80


def test_long_names_do_not_break_the_table() -> None:
    assert max(map(len, prove_text("home", long_names()).splitlines())) <= 80


def test_the_text_of_a_healthy_homelab() -> None:
    text = prove_text("home", healthy())
    row = next(line for line in text.splitlines() if line.startswith("tower-a "))
    assert row.split() == [
        "tower-a",
        "5",
        "s",
        "5",
        "s",
        "4",
        "s",
        "5",
        "s",
        "10",
        "s",
        "8",
        "s",
        "2.1",
        "min",
    ]
    assert "REFUSED" not in text
    assert "on the proposed machines" in " ".join(text.split())
    assert "dns: tower-a and tower-b" in text
    assert "etcd, api" not in text  # two servers are a cut of the API alone
    assert "etcd: pi and etcd-a; pi and etcd-b; etcd-a and etcd-b" in text


def test_the_text_says_what_is_refused_and_what_stops() -> None:
    text = " ".join(prove_text("home", refused()).split())
    assert "!! REFUSED: Volumes have 2 copies, and storage-a, storage-b are on one machine, tower-a" in text
    assert "only with waivers: - {check: prove.replicas-in-one-zone" in text
    assert "tower-a: volume:mariadb stops: the only copy may be on what is lost." in text
    assert "app:redis is not there even with nothing lost: no machine has the role worker." in text


def test_an_accepted_refusal_stays_visible() -> None:
    text = " ".join(prove_text("home", refused(waived=True)).split())
    assert "! accepted: Volumes have 2 copies" in text
    assert "your reason: a trial" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5 s"), (2.5, "2.5 s"), (119, "119 s"), (120, "2 min"), (125, "2.1 min")]
)
def test_gaps_in_words(seconds: float, text: str) -> None:
    assert gap_text(seconds) == text
