"""Waiting for a guest to come up, told by name: who has not answered, what the guest does, what its console said last."""

from __future__ import annotations

import time
from collections.abc import Callable

from steps.machine_plan import READ_GUESTS, answered, guests_args
from steps.parse.guest_details import Boot, Domain, parse_boot
from wizard.core.context import Work
from wizard.core.dataclass import dataclass
from wizard.core.errors import (
    RESUMES,
    CancelledError,
    HostError,
    LinkLostError,
    RemoteError,
    UnreachableError,
    WizardError,
)
from wizard.core.host import Reader
from wizard.core.text import printable
from wizard.payload.guests import GuestPlan

BOOT_SECONDS = 600.0
"""How long a guest may take to come up: under emulation on a slow machine a first boot takes minutes (lab.md)."""

FAST_PAUSE, SLOW_PAUSE = 0.5, 2.0
"""Seconds between two tries, in the first moments and later."""

FAST_SECONDS = 8.0
"""A container is up by then."""

LOOK_PAUSE = 5.0
"""Seconds between two looks at the guest from its hypervisor, each of which is told."""

LONG_SECONDS = 60.0
"""From here on a silent guest is more than one that boots: the reason the network gives is worth telling."""

TRY_SECONDS = 10.0
"""Deadline of one question to a guest that may be in the middle of its boot."""

STOPPED = ("shut off", "crashed", "pmsuspended")
"""States a guest does not leave by itself."""


@dataclass(slots=True)
class Watch:
    """Waits for one guest. `wait` and `clock` are those of the machine it runs on, unless a test has others."""

    plan: GuestPlan
    base: str
    guest: Reader
    hypervisor: Reader
    progress: Callable[[str, float | None], None]
    wait: Callable[[float], bool]
    """Waits some seconds; true when the person let go."""
    clock: Callable[[], float] = time.monotonic
    stopping: Callable[[], bool] = lambda: False
    """Whether the person asked to stop: where the hypervisor does not answer either, nothing is waited for any longer."""
    seconds: float = BOOT_SECONDS
    _domain: Domain | None = None
    _looked: float | None = None
    _silence: str = ""
    _unseen: str = ""
    """Why its hypervisor could not be asked when it was asked last; empty = it could."""

    def until_up(self) -> Boot:
        """Wait until the guest lets us in with the keys it was given and its boot has ended.

        Returns:
            How its boot ended.

        Raises:
            CancelledError: the person let go, or asked to stop while the hypervisor did not answer.
            RemoteError: it stopped, or was not up in time.
            HostError: it lets us in with another key than it was given, or not at all.
        """
        began = self.clock()
        while True:
            boot = self._ask()
            if boot is not None and boot.ended:
                return boot
            waited = self.clock() - began
            fresh = self._look()
            text = waiting_text(self.plan.name, waited, self._domain, boot, self._silence, self._unseen)
            if waited >= self.seconds:
                raise self._late(text)
            self._stopped(text)
            if fresh:
                self.progress(text, None)
            if self._unseen and self.stopping():
                raise self._let_go(text)
            if self.wait(FAST_PAUSE if waited < FAST_SECONDS else SLOW_PAUSE):
                raise self._let_go(text)

    def _ask(self) -> Boot | None:
        try:
            answer = self.guest.read("read/guest-boot", timeout=TRY_SECONDS)
        except (UnreachableError, LinkLostError, RemoteError) as error:
            self._silence = error.why
            return None
        return parse_boot(answer.stdout)

    def _look(self) -> bool:
        """Look at the guest from outside, and say whether it is time to tell of it."""
        now = self.clock()
        if self._looked is not None and now - self._looked < LOOK_PAUSE:
            return False
        self._looked = now
        plan = self.plan
        args = guests_args(plan.driver, plan.vm_dir, [plan.name], self.base)
        try:
            result = self.hypervisor.read(READ_GUESTS, args, timeout=TRY_SECONDS)
            seen = answered(result, plan.host, self.hypervisor.address)
        except (HostError, RemoteError) as error:
            # The guest may come up all the same; its own answer is what counts. What it did before is not news.
            self._domain, self._unseen = None, error.what
            return True
        self._domain = seen.owned(plan.name, plan.lineage) if seen.answers else None
        self._unseen = "" if seen.answers else f"libvirt on {plan.host} does not answer"
        return True

    def _stopped(self, text: str) -> None:
        domain, plan = self._domain, self.plan
        if domain is None or domain.state not in (*STOPPED, "paused"):
            return
        full = domain.reason == "I/O error"
        raise RemoteError(
            f"{plan.name} stopped while it was starting: {state_text(domain)}.",
            where=f"the guest {plan.name} on {plan.host}",
            why=f"The disk below {plan.vm_dir} is full or broken." if full else printable(text),
            do=_look_at(plan, full=full),
            again=RESUMES,
        )

    def _late(self, text: str) -> WizardError:
        plan = self.plan
        return RemoteError(
            f"{plan.name} did not come up within {self.seconds / 60:.0f} minutes.",
            where=f"the guest {plan.name} ({plan.address}) on {plan.host}",
            why=printable(text),
            do=_look_at(plan, full=False),
            again=RESUMES,
        )

    def _let_go(self, text: str) -> CancelledError:
        return CancelledError(
            f"Let go of waiting for {self.plan.name} as you asked.",
            where=f"the guest {self.plan.name} ({self.plan.address}) on {self.plan.host}",
            why=printable(text if self._unseen else f"It goes on starting by itself. {text}"),
            do="wizard apply",
            again=RESUMES,
        )


def _look_at(plan: GuestPlan, *, full: bool) -> tuple[str, ...]:
    uri = "lxc:///" if plan.driver == "lxc" else "qemu:///system"
    if full:
        return (f"on {plan.host}: df -h {plan.vm_dir}", f"then: virsh -c {uri} resume {plan.name}")
    log = f"/var/log/libvirt/lxc/{plan.name}.log" if plan.driver == "lxc" else f"{plan.folder}/console.log"
    return (f"on {plan.host}: tail -n 40 {log}", f"virsh -c {uri} console {plan.name}", "wizard apply")


def state_text(domain: Domain) -> str:
    """The state of a guest with its reason, as libvirt says it."""
    return f"{domain.state} ({domain.reason})" if domain.reason else domain.state


def waiting_text(
    name: str,
    waited: float,
    domain: Domain | None,
    boot: Boot | None = None,
    silence: str = "",
    unseen: str = "",
) -> str:
    """What is being waited for, in one line that is safe to print.

    Args:
        name: of the guest.
        waited: seconds so far.
        domain: the guest as its hypervisor sees it; None where that is not known.
        boot: what the guest itself said, once it answers.
        silence: why it did not answer, where it did not; told once a boot takes longer than it should.
        unseen: why its hypervisor could not be asked; empty = it could.
    """
    seconds = f"{waited:.0f} s"
    if boot is not None:
        what = "cloud-init" if boot.cloud_init == "running" else ", ".join(boot.units) or "systemd"
        return printable(f"{name} answers; its boot has not ended for {seconds}: {what} is still at work")
    parts = [f"sshd on {name} has not answered for {seconds}", unseen.rstrip(".") or _doing(domain)]
    if domain is not None and domain.last_line:
        parts.append(f"last console line: {domain.last_line}")
    elif silence and waited >= LONG_SECONDS:
        parts.append(silence.rstrip("."))
    return printable("; ".join(parts))


def _doing(domain: Domain | None) -> str:
    if domain is not None and domain.state == "running":
        return "the VM runs"
    return f"the VM is {state_text(domain) if domain and domain.state else 'in an unknown state'}"


def watch_of(work: Work, plan: GuestPlan, base: str) -> Watch:
    """A watch on the guest of a change.

    Args:
        work: of the change; its host is the guest.
        plan: the guest.
        base: file name of its base image.
    """
    guest, hypervisor = work.hosts[plan.name], work.hosts[plan.host]
    stopping = work.stopping.is_set
    return Watch(plan, base, guest, hypervisor, work.progress, work.cancelled.wait, work.clock, stopping)
