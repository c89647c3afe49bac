"""The setup in plain lines: the same answers as by the screens, and nobody is left without a word."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from screens import flow
from tests.rows import CliRun, assert_explained
from tests.screens.desk import ADDRESSES, PracticeDesk
from tests.screens.runs import desk_with_answers
from tests.screens.walk import Walk, walk
from tests.view.test_texts import DISK, change, plan
from wizard import cli
from wizard.core.draft import Draft
from wizard.core.drafts import DraftStore
from wizard.core.engine.resume import Standing
from wizard.core.errors import CancelledError, ExitCode, UsageError
from wizard.core.events import Sink
from wizard.core.prompt import Prompter, Silent
from wizard.core.session import Session
from wizard.core.spec import load_spec
from wizard.core.spec.model import ClusterSpec
from wizard.core.view.losses import HEAD
from wizard.front.questions.asking import Choice, NumberedLines, Question
from wizard.front.questions.review import Approval
from wizard.front.questions.setup import STAGES, run_questions
from wizard.front.questions.talk import Talk

ENOUGH = 200
"""Questions after which a walk goes round in circles."""


@dataclass(slots=True)
class Someone:
    """Answers by what is asked; whatever is not planned takes Enter. The plan ends the walk."""

    planned: dict[str, list[str]] = field(default_factory=dict)
    person: bool = True
    heard: list[str] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)
    until: str = ""
    """The question at which the input ends."""

    def say(self, text: str) -> None:
        """Hear it."""
        self.heard.append(text)

    def ask(self, question: Question) -> str:
        """The next planned answer to a question of this path."""
        self.asked.append(question)
        assert len(self.asked) < ENOUGH, self.paths[-5:]
        if self.until and question.path == self.until:
            raise EOFError
        words = self.planned.get(question.path)
        return words.pop(0) if words else ""

    @property
    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [one.path for one in self.asked]

    def said(self) -> str:
        """Everything that was told."""
        return "\n".join(self.heard)


class Planned(Exception):  # noqa: N818 - the end of a walk, no error
    """All was asked, and the plan would be made now."""


class AskingDesk(PracticeDesk):
    """Ends where something would be built: these hosts are only looked at."""

    @contextmanager
    def session(
        self, spec: ClusterSpec, *, prompter: Prompter, sinks: Sequence[Sink] = (), write: bool = False
    ) -> Iterator[Session]:
        """As any, but for an apply."""
        if write:
            raise Planned
        with PracticeDesk.session(self, spec, prompter=prompter, sinks=sinks) as session:
            yield session


def asked(folder: Path, someone: Someone, *, auto: bool = False, answers: str = "") -> ClusterSpec:
    """Go through the questions to the plan; the spec that was written."""
    file = folder / "answers.yaml"
    file.write_text(answers)
    with pytest.raises(Planned):
        run_questions(AskingDesk(folder), answers=file if answers else None, auto=auto, voice=someone)
    return load_spec(folder / "cluster.yaml")


def addresses(**more: list[str]) -> dict[str, list[str]]:
    """What a person has to type: nothing else is not recommended."""
    return {f"hosts[{n}].address": [one] for n, one in enumerate(ADDRESSES.values())} | more


ADDRESS_LINES = "".join(f"hosts[{n}].address: {one}\n" for n, one in enumerate(ADDRESSES.values()))
HOSTS = f"""\
name: attic
hosts:
  - {{name: tower-a, role: hypervisor, address: {ADDRESSES["tower-a"]}}}
  - {{name: tower-b, role: hypervisor, address: {ADDRESSES["tower-b"]}}}
  - {{name: pi, role: witness, address: {ADDRESSES["pi"]}}}
"""


def by_the_screens(folder: Path) -> ClusterSpec:
    """The same setup with the keyboard on the screens."""
    folder.mkdir()
    draft = Draft.new().put("name", "attic")
    for index, address in enumerate(ADDRESSES.values()):
        draft = draft.put(f"hosts[{index}].address", address)
    DraftStore(folder / "cluster.yaml").save(draft.at("discovery"), draft.check())

    async def steps(person: Walk) -> None:
        await person.press("ctrl+n", "down", "down", "enter", "ctrl+n", "ctrl+n", "ctrl+n")
        assert person.stage == "witness"
        await person.press("right", "ctrl+q")

    walk(folder, steps, place="discovery")
    return load_spec(folder / "cluster.yaml")


def test_the_stages_are_those_of_the_screens() -> None:
    assert [one.id for one in STAGES] == [flow.WELCOME.id, *(one.id for one in flow.STAGES)]
    assert [one.title for one in STAGES[1:]] == [one.title for one in flow.STAGES]


def test_every_question_says_what_is_asked_what_it_means_and_what_enter_takes(tmp_path: Path) -> None:
    someone = Someone(addresses(name=["attic"]))
    asked(tmp_path, someone)
    for one in someone.asked:
        assert one.text.endswith("?"), one
        assert one.means, one
        assert one.answers_itself or one.example, one


def test_a_whole_walk_by_lines_writes_the_spec_that_the_screens_write(tmp_path: Path) -> None:
    by_lines = asked(tmp_path, Someone(addresses(name=["attic"])))
    assert by_lines.flatten() == by_the_screens(tmp_path / "screens").flatten()
    assert (by_lines.name, by_lines.storage.kind) == ("attic", "none")
    assert by_lines.host("pi").etcd_dir == "/mnt/usb/etcd"
    assert "# the address of Kubernetes" in (tmp_path / "cluster.yaml").read_text()
    assert not list(tmp_path.glob("*.bak")), "nothing of the person's own was lost"


def test_what_was_found_is_told_a_fact_a_line(tmp_path: Path) -> None:
    someone = Someone(addresses())
    asked(tmp_path, someone)
    said = someone.said()
    for words in ("disks    sda", "Longhorn: rejected", "carries everything", "api_vip: free", "an SD card"):
        assert words in said, words


@pytest.mark.parametrize("answers", [ADDRESS_LINES, HOSTS], ids=["places", "a part of a spec"])
def test_with_auto_nobody_is_asked_and_the_recommended_is_taken(tmp_path: Path, answers: str) -> None:
    someone = Someone(person=False)
    spec = asked(tmp_path, someone, auto=True, answers=answers)
    assert someone.asked == []
    assert (spec.storage.kind, spec.network.cidr) == ("none", "10.213.99.0/24")
    assert spec.host("pi").etcd_dir == "/mnt/usb/etcd"


def test_what_the_file_answers_is_not_asked(tmp_path: Path) -> None:
    someone = Someone()
    spec = asked(tmp_path, someone, answers=HOSTS + "network:\n  api_vip: 10.213.99.40\n")
    assert spec.network.api_vip == "10.213.99.40"
    assert not {"name", "hosts[0].name", "hosts[2].address", "network.api_vip"} & set(someone.paths)
    assert "network.cidr" in someone.paths


WRONG = [
    ("hosts[0].address: 10.213.99.300\n", "hosts[0].address"),
    ("network.api_vip: 10.213.99.150\n", "network.api_vip"),
    ("etcd.heartbeat_ms: soon\n", "etcd.heartbeat_ms"),
    ("network.colour: blue\n", "network.colour"),
]


@pytest.mark.parametrize(("line", "path"), WRONG)
def test_a_wrong_answer_in_the_file_ends_it_where_nobody_can_be_asked(
    tmp_path: Path, line: str, path: str
) -> None:
    (tmp_path / "answers.yaml").write_text(
        line + "".join(one for one in ADDRESS_LINES.splitlines(keepends=True) if not one.startswith(path))
    )
    with pytest.raises(UsageError) as raised:
        run_questions(
            AskingDesk(tmp_path), answers=tmp_path / "answers.yaml", auto=True, voice=Someone(person=False)
        )
    assert_explained(raised.value, exit_code=ExitCode.BAD_SPEC, says=[path], do="--answers FILE")


def test_a_wrong_answer_in_the_file_is_told_and_asked_for(tmp_path: Path) -> None:
    someone = Someone({"network.api_vip": ["10.213.99.41"]})
    spec = asked(tmp_path, someone, auto=True, answers=ADDRESS_LINES + "network.api_vip: 10.213.99.150\n")
    assert someone.paths == ["network.api_vip"], "everything else goes by itself"
    assert "!! network.api_vip: " in someone.said()
    assert spec.network.api_vip == "10.213.99.41"


def test_a_wrong_answer_is_told_and_asked_again(tmp_path: Path) -> None:
    someone = Someone(addresses(**{"network.gateway": ["10.9.9.9", "10.213.99.1"]}))
    spec = asked(tmp_path, someone)
    assert someone.paths.count("network.gateway") == 2
    assert "!! network.gateway: " in someone.said()
    assert spec.network.gateway == "10.213.99.1"


def test_the_networks_inside_the_cluster_keep_out_of_the_way_of_others(tmp_path: Path) -> None:
    someone = Someone({**addresses(), "network.pod_cidr": ["10.213.0.0/16", "10.52.0.0/16"]})
    spec = asked(tmp_path, someone)
    assert (spec.network.pod_cidr, spec.network.service_cidr) == ("10.52.0.0/16", "10.43.0.0/16")
    assert someone.paths.count("network.pod_cidr") == 2


def test_an_answer_that_changes_more_says_what_is_different_further_on(tmp_path: Path) -> None:
    """Back from the network to where guests lie: another folder has other room, so other guests are proposed."""
    folders = {"hosts[1].vm_dir": ["", "/mnt/cache/domains"]}
    someone = Someone(addresses(**folders, **{"network.cidr": ["back"], "machines": ["", "back"]}))
    assert asked(tmp_path, someone).host("tower-b").vm_dir == "/mnt/cache/domains"
    told = [one for one in someone.heard if one.startswith("This changes more.")]
    assert len(told) == 1
    assert "The guests proposed change: " in told[0]
    assert "-b disk " in told[0]


def test_a_choice_that_is_rejected_is_not_gone_on_with(tmp_path: Path) -> None:
    someone = Someone(addresses(**{"storage.kind": ["longhorn", "none"]}))
    assert asked(tmp_path, someone).storage.kind == "none"
    assert "Not yet: Longhorn does not fit here" in someone.said()


def test_back_keeps_the_answers(tmp_path: Path) -> None:
    someone = Someone(addresses(**{"name": ["attic", ""], "hosts[0].name": ["back", "big-one"]}))
    spec = asked(tmp_path, someone)
    assert spec.name == "attic"
    assert someone.paths[:4] == ["name", "hosts[0].name", "name", "hosts[0].name"]
    assert [one.recommended for one in someone.asked[:4]] == ["home", "tower-a", "attic", "tower-a"]
    assert spec.hosts[0].name == "big-one"


def test_back_from_the_first_question_stays(tmp_path: Path) -> None:
    someone = Someone(addresses(name=["back", "attic"]))
    assert asked(tmp_path, someone).name == "attic"
    assert "This is the first question." in someone.said()


def test_a_question_mark_explains_and_asks_again(tmp_path: Path) -> None:
    someone = Someone(addresses(**{"storage.kind": ["?", "none"]}))
    asked(tmp_path, someone)
    assert "# Storage" in someone.said()
    assert someone.paths.count("storage.kind") == 2


def test_machines_are_added_and_removed(tmp_path: Path) -> None:
    more = {
        "hosts": ["add", "remove shed", ""],
        "hosts[3].name": ["shed"],
        "hosts[3].address": ["10.213.99.14"],
    }
    spec = asked(tmp_path, Someone(addresses(**more)))
    assert [host.name for host in spec.hosts] == list(ADDRESSES)


def test_another_login_is_asked_for_where_it_is_wanted(tmp_path: Path) -> None:
    someone = Someone(
        addresses(**{"hosts[0].login": ["yes"], "hosts[0].user": ["ann"], "hosts[0].port": ["2222"]})
    )
    spec = asked(tmp_path, someone)
    assert (spec.hosts[0].user, spec.hosts[0].port) == ("ann", 2222)
    assert "hosts[1].user" not in someone.paths


def test_own_sizes_are_taken_and_proposed_anew(tmp_path: Path) -> None:
    someone = Someone(addresses(**{"machines": ["change"], "machines.etcd-a.memory": ["much", "3G"]}))
    spec = asked(tmp_path, someone)
    assert spec.machines[0].memory == 3 * 2**30
    assert someone.paths.count("machines.etcd-a.memory") == 2
    again = Someone({"witness.accept_slow": ["back"] * 1, "machines": ["propose"]})
    DraftStore(tmp_path / "cluster.yaml").save(
        Draft.read((tmp_path / "cluster.yaml").read_bytes(), source="").at("machines"),
        Draft.read((tmp_path / "cluster.yaml").read_bytes(), source="").check(),
    )
    assert asked(tmp_path, again).propose


def test_the_end_of_the_input_keeps_the_answers_and_the_place(tmp_path: Path) -> None:
    someone = Someone(addresses(name=["attic"]), until="network.cidr")
    with pytest.raises(CancelledError) as raised:
        run_questions(AskingDesk(tmp_path), voice=someone)
    assert_explained(raised.value, exit_code=ExitCode.CANCELLED, says=["are kept"], do="again")
    kept = DraftStore(tmp_path / "cluster.yaml").load().draft
    assert (kept.get("name"), kept.place, kept.get("storage.kind")) == ("attic", "network", "none")
    later = Someone()
    assert asked(tmp_path, later).name == "attic"
    assert later.paths[0] == "network.cidr", "one comes back to the same place"


class AwayDesk(AskingDesk):
    """One hypervisor does not answer, until it does."""

    away: bool = True

    @contextmanager
    def session(
        self, spec: ClusterSpec, *, prompter: Prompter, sinks: Sequence[Sink] = (), write: bool = False
    ) -> Iterator[Session]:
        """As any."""
        with AskingDesk.session(self, spec, prompter=prompter, sinks=sinks, write=write) as session:
            world = self.machines["tower-b"].world
            assert world is not None
            (world.dead.add if self.away else world.dead.discard)("tower-b")
            yield session


def test_nobody_goes_on_past_a_machine_that_was_not_seen(tmp_path: Path) -> None:
    desk = AwayDesk(tmp_path)

    class Patient(Someone):
        def ask(self, question: Question) -> str:
            desk.away = desk.away and self.paths.count("discovery") < 2
            return Someone.ask(self, question)

    someone = Patient(addresses(discovery=["go on", "again", "again"]))
    with pytest.raises(Planned):
        run_questions(desk, voice=someone)
    paths = someone.paths
    assert paths.count("discovery") == 3, (
        "to go on is no way past it, nor is to look again at what is still away"
    )
    assert paths.index("storage.kind") > len(paths) - 1 - paths[::-1].index("discovery")
    assert "tower-b: not seen." in someone.said()
    assert load_spec(tmp_path / "cluster.yaml").name == "home"


def test_one_goes_on_with_the_screens_where_one_was(tmp_path: Path) -> None:
    someone = Someone(addresses(name=["attic"]), until="network.cidr")
    with pytest.raises(CancelledError):
        run_questions(AskingDesk(tmp_path), voice=someone)

    async def steps(person: Walk) -> None:
        assert "You were at Network" in person.text()
        assert "attic" in person.text()
        await person.press("ctrl+q")

    walk(tmp_path, steps)


def test_without_a_terminal_a_question_nobody_answers_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("attic\n\n\n"))
    with pytest.raises(UsageError) as raised:
        run_questions(AskingDesk(tmp_path))
    assert_explained(
        raised.value, exit_code=ExitCode.BAD_SPEC, says=["hosts[0].address"], do="--answers FILE"
    )
    assert DraftStore(tmp_path / "cluster.yaml").load().draft.get("name") == "attic"


def test_numbered_lines_read_what_was_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    choices = (Choice("a", "first", "one thing"), Choice("b", "second"))
    question = Question(path="x", text="Which?", recommended="b", means="It matters.", choices=choices)
    monkeypatch.setattr("sys.stdin", io.StringIO(" 1 \n"))
    assert question.value_of(NumberedLines().ask(question)) == "a"
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == (
        "",
        ["Which?", "  It matters.", "  1. first: one thing", "  2. second (recommended)", "Number [2]: "],
    )
    assert [question.value_of(word) for word in ("", "2", "SECOND", "3", "0", "c")] == [
        "b",
        "b",
        "b",
        None,
        None,
        None,
    ]


def test_a_file_of_answers_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        run_questions(AskingDesk(tmp_path), answers=tmp_path / "none.yaml", voice=Someone())
    assert_explained(raised.value, exit_code=ExitCode.BAD_SPEC, says=["none.yaml"], do="wizard setup")
    (tmp_path / "odd.yaml").write_text("hosts[x].name: tower-a\n")
    with pytest.raises(UsageError) as raised:
        run_questions(AskingDesk(tmp_path), answers=tmp_path / "odd.yaml", voice=Someone())
    assert_explained(raised.value, exit_code=ExitCode.BAD_SPEC, says=["hosts[x].name"], do="wizard example")


# --- the plan, the build, the verdict --------------------------------------------------------------------------


def test_a_yes_builds_and_doctor_says_what_it_found(tmp_path: Path) -> None:
    out = io.StringIO()
    someone = Someone({"build": ["perhaps", "yes"]})
    assert run_questions(desk_with_answers(tmp_path), voice=someone, out=out) == 0
    assert "nothing destroyed" in someone.said()
    rows = someone.said().partition("What each single loss takes away:\n")[2].splitlines()
    assert rows[0].split() == list(HEAD)
    assert {"tower-a", "tower-b", "pi"} <= {row.split("  ")[0] for row in rows[1:]}
    assert "done: " in out.getvalue()
    assert "All is well." in out.getvalue()
    assert someone.paths.count("build") == 2, "what is neither yes nor no is asked again"


def test_auto_builds_without_a_word(tmp_path: Path) -> None:
    someone, out = Someone(person=False), io.StringIO()
    assert run_questions(desk_with_answers(tmp_path), auto=True, voice=someone, out=out) == 0
    assert someone.asked == []
    assert "All is well." in out.getvalue()


def test_no_builds_nothing(tmp_path: Path) -> None:
    desk = desk_with_answers(tmp_path)
    with pytest.raises(CancelledError) as raised:
        run_questions(desk, voice=Someone({"build": ["no"]}), out=io.StringIO())
    assert_explained(raised.value, exit_code=ExitCode.CANCELLED, says=["did not say yes"], do="apply")
    assert not any(machine.ran for machine in desk.cluster.machines.values())


def test_without_a_terminal_and_without_auto_the_plan_is_not_carried_out(tmp_path: Path) -> None:
    someone = Someone(person=False, until="build")
    with pytest.raises(UsageError) as raised:
        run_questions(desk_with_answers(tmp_path), voice=someone, out=io.StringIO())
    assert_explained(raised.value, exit_code=ExitCode.BAD_SPEC, says=["carry out this plan"], do="--auto")


def test_back_from_the_plan_changes_an_answer_first(tmp_path: Path) -> None:
    someone = Someone({"build": ["back", "yes"]})
    assert run_questions(desk_with_answers(tmp_path), voice=someone, out=io.StringIO()) == 0
    first = someone.paths.index("build")
    assert someone.paths[first + 1] == "witness.measure"


@pytest.mark.parametrize("typed", ["yes", "S649", "destroy"])
def test_what_is_destroyed_has_to_be_typed(tmp_path: Path, typed: str) -> None:
    desk = desk_with_answers(tmp_path)

    def talk(*words: str, auto: bool = False) -> Talk:
        someone = Someone({"build": list(words)}, person=not auto)
        return Talk(desk, someone, Silent(), given={}, auto=auto)

    found, left = plan(change("disk", DISK)), Standing((), (), (), (), ())
    with pytest.raises(CancelledError):
        Approval(talk(typed))(found, left)
    assert Approval(talk("", "S649NX0R123456"))(found, left), "Enter alone is no answer"
    with pytest.raises(UsageError, match="Nobody can be asked"):
        Approval(talk(auto=True))(found, left)


# --- the command -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--plain"], ["setup", "--plain"], ["setup"]])
def test_without_a_terminal_setup_names_what_nobody_answers(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code = cli.main(words)
    assert_explained(
        CliRun(code, *capsys.readouterr()),
        exit_code=ExitCode.BAD_SPEC,
        says=["name has no answer"],
        do="--auto",
    )


def test_practice_in_plain_lines_at_a_terminal_asks_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wizard.front.terminal.at_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("attic\n" + "\n" * 60 + "yes\n"))
    folder = tmp_path / "practice"
    code = cli.main(["practice", "--dir", str(folder), "--speed", "1000000", "--plain"])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "Step 3 of 7: Storage" in err
    assert "All is well." in out
    assert load_spec(folder / "cluster.yaml").name == "attic"
