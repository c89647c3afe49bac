"""The simulated homelab answers as real hosts were recorded to answer; no script is newer than its recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.parse.facts import parse_facts
from tests.recordings import practice_facts
from tests.recordings.cases import HOSTS, PLAYS, Case
from tests.recordings.practice_stage import PracticeStage
from tests.recordings.recording import FOLDER, MECHANISM, RECORD, all_scripts, gaps, load_all
from tests.recordings.shape import difference, shape
from wizard.practice.scripts import HANDLERS

RECORDINGS = load_all()

CARRIERS = {*MECHANISM, "lib/start", "lib/runner"}
"""What a script travels by: on a simulated host `do` and `read` are this themselves."""


def test_every_script_was_recorded_as_it_is_now() -> None:
    missing = list(gaps(list(RECORDINGS.values()), all_scripts()))
    assert not missing, "\n".join(missing)


def test_every_case_was_recorded_on_every_host() -> None:
    wanted = {f"{case.script.replace('/', '-')}/{case.name}.{host}" for case, host in PLAYS}
    assert set(RECORDINGS) == wanted, f"{set(RECORDINGS) ^ wanted}: {RECORD}"


def test_every_script_does_something_to_a_simulated_host() -> None:
    assert set(HANDLERS) == set(all_scripts()) - CARRIERS


@pytest.mark.parametrize(
    ("case", "host"), [pytest.param(*play, id=f"{play[0].script}-{play[0].name}-{play[1]}") for play in PLAYS]
)
def test_a_simulated_host_answers_as_the_real_one(case: Case, host: str) -> None:
    real = RECORDINGS[f"{case.script.replace('/', '-')}/{case.name}.{host}"].said
    played = case.play(PracticeStage.fresh(host))
    if case.script != "lib/start":
        assert dict(real.args) == dict(played.args), f"not what was asked of {host}: {RECORD}"
    recorded, answered = (shape(one, sections=case.sections, tool=case.tool) for one in (real, played))
    diff = difference(recorded, answered)
    assert not diff, f"practice answers {case.script} otherwise than {host} did:\n{diff}"


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("case", ["untouched", "marked"])
def test_the_parsers_read_what_real_hosts_said(host: str, case: str) -> None:
    text = RECORDINGS[f"read-facts/{case}.{host}"].said.stdout
    facts = parse_facts(host, text, sent=0.0, received=1.0)
    assert facts.notes == ()
    assert facts.hostname == host
    assert facts.platform == PracticeStage.fresh(host).kind
    assert (facts.marker is not None) == (case == "marked")
    assert facts.disks and facts.nics and facts.filesystems and facts.memory.total
    assert facts.privileges.uid == 0


def test_the_practice_worlds_facts_are_those_recorded() -> None:
    for name, text in practice_facts.practice_facts().items():
        kept = (practice_facts.ASSETS / name).read_text()
        assert kept == text, f"assets/practice/{name} is not what was recorded: {RECORD}"


def test_no_recording_holds_a_key_or_a_password() -> None:
    for path in FOLDER.glob("*/*.json"):
        text = path.read_text()
        assert "PRIVATE KEY" not in text, path
        assert "ssh-ed25519" not in text, path


def test_the_facts_file_is_written_from_the_recordings(tmp_path: Path) -> None:
    written = practice_facts.write(FOLDER, tmp_path)
    assert [path.name for path in written] == [f"{host}.facts" for host in HOSTS]
    assert all(path.read_text().endswith("\n") for path in written)
