"""Waiting for a guest: what is told, when it ends, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from steps.machine_wait import BOOT_SECONDS, Watch, waiting_text
from steps.parse.guest_details import Boot, Domain
from tests.steps.guests import Said, Teller
from tests.steps.test_machines import plan_of
from wizard.core.errors import AuthError, CancelledError, RemoteError, UnreachableError, WizardError
from wizard.core.host import Args, Operation, OpStatus, ScriptResult

RUNNING = Domain("etcd-a", "running", "booted")
UP = "== boot\n|cloud_init=done\n|system=running\n== end\n"
BUSY = "== boot\n|cloud_init=running\n|system=starting\n|unit=cloud-final.service\n== end\n"
SILENT = UnreachableError("etcd-a cannot be reached.", where="x", why="Connection refused.", do="y")


@dataclass(slots=True)
class World:
    """A guest that answers in turn what it is given, on a clock that only waiting moves."""

    answers: list[str | WizardError]
    said: Said
    now: float = 0.0
    cancelled_at: float | None = None
    told: list[str] = field(default_factory=list)
    name: str = "etcd-a"
    address: str = "10.0.0.31"

    def read(self, script: str, args: Args | None = None, *, timeout: float = 30.0) -> ScriptResult:
        assert script == "read/guest-boot"
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, WizardError):
            raise answer
        return ScriptResult(0, answer, "", 0.01)

    def operation(self, op: str) -> Operation:
        return Operation(op, OpStatus.ABSENT)

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.cancelled_at is not None and self.now >= self.cancelled_at

    def watch(self) -> Watch:
        def tell(text: str, _fraction: float | None) -> None:
            self.told.append(text)

        tower = Teller("tower-a", "10.0.0.11", self.said)
        return Watch(plan_of("etcd-a"), "base.qcow2", self, tower, tell, self.wait, lambda: self.now)


@dataclass(frozen=True, slots=True)
class Dying(Teller):
    """A hypervisor that answers once and never again."""

    left: list[str] = field(default_factory=lambda: ["once"])

    def read(self, script: str, args: Args | None = None, *, timeout: float = 30.0) -> ScriptResult:
        if not self.left:
            raise UnreachableError("tower-a does not answer.", where="x", why="No route to host", do="y")
        self.left.pop()
        return Teller.read(self, script, args, timeout=timeout)


def world(*answers: str | WizardError, state: str = "running (booted)", console: str = "") -> World:
    said = Said().has(plan_of("etcd-a"), state=state)
    if console:
        said.consoles["etcd-a"] = console
    return World(list(answers), said)


def test_a_guest_that_is_up_is_not_waited_for() -> None:
    made = world(UP)
    assert made.watch().until_up() == Boot("done", "running")
    assert (made.now, made.told) == (0.0, [])


def test_it_is_told_who_has_not_answered_what_the_guest_does_and_its_last_line() -> None:
    made = world(*[SILENT] * 30, UP, console="[    0.0] Linux version 6.12\n[    3.1] Freeing memory\n")
    made.watch().until_up()
    assert made.told[1] == (
        "sshd on etcd-a has not answered for 5 s; the VM runs; last console line: [    3.1] Freeing memory"
    )


def test_of_a_hypervisor_that_does_not_answer_it_is_not_said_that_its_guest_runs() -> None:
    made = world(*[SILENT] * 30, UP)
    watch = made.watch()
    watch.hypervisor = Dying("tower-a", "10.0.0.11", made.said)
    watch.until_up()
    assert made.told[0].endswith("the VM runs")
    assert made.told[1] == "sshd on etcd-a has not answered for 5 s; tower-a does not answer"


def test_an_answer_is_not_the_end_of_a_boot() -> None:
    made = world(SILENT, BUSY, BUSY, UP)
    assert made.watch().until_up().ended
    assert made.now > 0


def test_a_long_silence_is_told_with_its_reason() -> None:
    running = Domain("etcd-a", "running")
    assert waiting_text("etcd-a", 12.0, running, None, "refused.").endswith("the VM runs")
    assert waiting_text("etcd-a", 61.0, running, None, "refused.").endswith("the VM runs; refused")


TEXTS = [
    (
        Domain("etcd-a", "running"),
        None,
        "refused.",
        "sshd on etcd-a has not answered for 12 s; the VM runs",
    ),
    (None, None, "", "sshd on etcd-a has not answered for 12 s; the VM is in an unknown state"),
    (
        Domain("etcd-a", "in shutdown"),
        None,
        "",
        "sshd on etcd-a has not answered for 12 s; the VM is in shutdown",
    ),
    (RUNNING, Boot("running", "starting"), "", "boot has not ended for 12 s: cloud-init is still at work"),
    (RUNNING, Boot("done", "starting", units=("ssh.service",)), "", "12 s: ssh.service is still at work"),
]


@pytest.mark.parametrize(("domain", "boot", "silence", "text"), TEXTS)
def test_what_is_waited_for_is_named(
    domain: Domain | None, boot: Boot | None, silence: str, text: str
) -> None:
    assert text in waiting_text("etcd-a", 12.4, domain, boot, silence)


def test_a_hostile_console_cannot_move_the_cursor() -> None:
    made = world(SILENT, SILENT, UP, console="\x1b[2J\x1b]0;owned\x07ok\u202e\x9b31m")
    made.watch().until_up()
    assert made.told
    assert all(text.isprintable() for text in made.told)


STOPS = [
    ("shut off (crashed)", "shut off (crashed)", "console.log"),
    ("crashed (panicked)", "crashed (panicked)", "console.log"),
    ("paused (I/O error)", "full or broken", "df -h /srv/vm"),
]


@pytest.mark.parametrize(("state", "text", "do"), STOPS)
def test_a_guest_that_stopped_is_not_waited_for_ten_minutes(state: str, text: str, do: str) -> None:
    made = world(SILENT, state=state)
    with pytest.raises(RemoteError) as raised:
        made.watch().until_up()
    assert made.now < 10
    assert text in raised.value.what + raised.value.why
    assert do in " ".join(raised.value.do)


def test_patience_ends_after_ten_minutes_with_what_was_seen_last() -> None:
    made = world(SILENT, console="Cannot open root device")
    with pytest.raises(RemoteError) as raised:
        made.watch().until_up()
    assert BOOT_SECONDS <= made.now < BOOT_SECONDS + 10
    assert "10 minutes" in raised.value.what
    assert "Cannot open root device" in raised.value.why


def test_the_person_may_let_go_at_any_time() -> None:
    made = world(SILENT)
    made.cancelled_at = 7.0
    with pytest.raises(CancelledError) as raised:
        made.watch().until_up()
    assert made.now < 9
    assert "goes on starting by itself" in raised.value.why


def test_a_wish_to_stop_ends_a_wait_on_a_guest_whose_hypervisor_is_dead_and_no_other() -> None:
    made = world(*[SILENT] * 30, UP)
    watch = made.watch()
    watch.stopping = lambda: made.now > 3
    assert watch.until_up().ended, "the hypervisor answers: the boot is the change that is finished"
    dead = world(SILENT)
    watch = dead.watch()
    watch.hypervisor = Dying("tower-a", "10.0.0.11", dead.said)
    watch.stopping = lambda: dead.now > 3
    with pytest.raises(CancelledError) as raised:
        watch.until_up()
    assert dead.now < 9
    assert "tower-a does not answer" in raised.value.why
    assert "goes on starting" not in raised.value.why


def test_another_key_or_a_refusal_is_no_reason_to_wait() -> None:
    refused = AuthError("etcd-a refuses our key.", where="x", why="y", do="z")
    with pytest.raises(AuthError):
        world(SILENT, refused).watch().until_up()


def test_a_hypervisor_that_is_silent_for_a_moment_is_no_reason_to_give_up() -> None:
    made = world(SILENT, SILENT, UP)
    made.said.code = 1
    assert made.watch().until_up().ended
    assert "libvirt on tower-a does not answer" in made.told[0]
