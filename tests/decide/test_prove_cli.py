"""Exit codes of `wizard layout` and `wizard prove`, and what goes to stdout and to stderr."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.decide.homes import home, known, machine, sized
from tests.facts.build import facts
from tests.specs import loopback_home
from wizard import cli, judging
from wizard.core.decide.wire import Wire
from wizard.core.decide.wire_owners import Owners
from wizard.core.errors import HostError, UnreachableError
from wizard.core.facts import HostFacts
from wizard.core.measurements import MemoryMeasurements
from wizard.core.spec.model import ClusterSpec, WaiverSpec
from wizard.core.state import RunState, new_state

GONE = UnreachableError("It does not answer.", where="tower-b", why="timed out", do="ping 10.0.0.12")
ONE_ZONE = tuple(machine(f"storage-{x}", "tower-a", "storage", 60 + n) for n, x in enumerate("ab")) + tuple(
    machine(f"etcd-{x}", f"tower-{x}", "etcd", 50 + n) for n, x in enumerate("ab")
)


@dataclass(frozen=True)
class Known:
    """A session whose hosts have answered, or not."""

    spec: ClusterSpec
    answers: Mapping[str, HostFacts | HostError]
    state: RunState = field(default_factory=lambda: new_state("home", "test"))
    measurements: MemoryMeasurements = field(default_factory=MemoryMeasurements)

    def facts(self, names: Any = ()) -> Known:  # noqa: ANN401
        return self

    def try_facts(self, host: str) -> HostFacts | HostError:
        return self.answers[host]


def call(
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    spec: ClusterSpec,
    answers: Mapping[str, HostFacts | HostError],
) -> int:
    @contextmanager
    def opened(_options: object) -> Iterator[Known]:
        yield Known(spec, answers)

    monkeypatch.setattr(judging, "open_session", opened)
    monkeypatch.setattr(
        judging, "ask_wire", lambda *_, **__: (Wire(), Owners({}, frozenset(), {}), lambda: None)
    )
    return cli.main(command.split())


WAIVED = home(machines=ONE_ZONE, waivers=(WaiverSpec("prove.replicas-in-one-zone", "a trial", "2999-01-01"),))


@pytest.mark.parametrize(
    ("command", "spec", "answers", "code"),
    [
        ("layout", home(), known(), 0),
        ("layout", home(), known(tower_a=sized(facts(), 7)), 1),
        ("layout", home(), {**known(), "tower-b": GONE}, 3),
        ("layout", home(), {**known(), "pi": GONE}, 0),
        ("prove", home(), known(), 0),
        ("prove", home(machines=ONE_ZONE), known(), 1),
        ("prove", WAIVED, known(), 0),
        ("prove", home(machines=ONE_ZONE), {**known(), "pi": GONE}, 3),
    ],
)
@pytest.mark.parametrize("form", ["", " --json"])
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    spec: ClusterSpec,
    answers: dict[str, HostFacts | HostError],
    code: int,
    form: str,
) -> None:
    assert call(monkeypatch, command + form, spec, answers) == code
    out, err = capsys.readouterr()
    assert ("It does not answer." in err) is (code == 3)
    if form:
        assert json.loads(out)["cluster"] == "home"
    else:
        assert "home" in out.splitlines()[0]


def test_two_voters_on_one_hypervisor_are_refused_before_any_host_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machines = "\n".join(
        f"  - {{name: etcd-{x}, host: tower-a, role: etcd, address: 10.213.99.{n}, cpus: 1, memory: 1G, disk: 8G}}"
        for n, x in ((51, "a"), (52, "b"))
    )
    server = "  - {name: server-a, host: tower-a, role: server, address: 10.213.99.53, cpus: 1, memory: 1G, disk: 8G}"
    monkeypatch.setenv("HOME", str(tmp_path))
    spec = loopback_home(tmp_path, extra=f"machines:\n{machines}\n{server}\n")
    assert cli.main(["prove", "-f", str(spec), "--dir", str(tmp_path / "d")]) == 2
    assert "etcd-a, etcd-b are etcd members on one machine" in capsys.readouterr().err


def test_a_host_that_cannot_be_reached_leaves_the_rest_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    spec = loopback_home(tmp_path, proposed=True)
    assert cli.main(["layout", "-f", str(spec), "--dir", str(tmp_path / "d"), "--json"]) == 3
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["machines"] == []
    assert [one["level"] for one in document["problems"]] == ["refused", "refused", "refused"]
    assert "tower-a" in err
