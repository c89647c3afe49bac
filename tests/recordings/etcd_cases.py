"""What a member of etcd is asked: on the witness, which stands alone with a cluster of one here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from tests.recordings.case import Case, Play, do
from tests.recordings.recording import Said
from tests.recordings.stage import LINEAGE, OP, OTHER_LINEAGE, Stage
from wizard.core.resources import asset_text
from wizard.core.secret import Secret
from wizard.payload.certificates import make_authority, make_client, make_member
from wizard.payload.etcd_config import CONFIG, PKI, EtcdConfig, config_text
from wizard.payload.etcd_files import MemberFile, bundle
from wizard.payload.etcd_guard import GUARD_SCRIPT, GUARD_SERVICE, GUARD_TIMER, service_text, timer_text
from wizard.payload.etcd_guard import NAME as GUARD
from wizard.payload.etcd_unit import UNIT, unit_text

VERSION = "3.6.14"
BASE = "/mnt/usb/wizard-recordings"
ARCHIVE = f"/opt/etcd-v{VERSION}-linux-amd64.tar.gz"
LOCAL = "https://127.0.0.1:2379"
PEER = "https://127.0.0.1:2380"
NOBODY = "https://127.0.0.1:23799"
"""Nothing listens there."""

SECONDS = 90.0


@cache
def files(joining: bool = False) -> bytes:
    """The payload of do/etcd-configure for a cluster of one that only this host itself can reach."""
    now = datetime.now(UTC) - timedelta(minutes=5)
    authority = make_authority("recordings", now)
    own = make_member(authority, "pi", ("127.0.0.1",), ("pi", "localhost"), now)
    doctor, root = (make_client(authority, name, now) for name in ("doctor", "root"))
    told = EtcdConfig("pi", "127.0.0.1", BASE, {"pi": "127.0.0.1"}, "recordings", joining=joining)
    config = config_text(told).replace(f"{LOCAL},{LOCAL}", LOCAL)
    return (
        bundle(
            [
                MemberFile(CONFIG, Secret(config)),
                MemberFile(UNIT, Secret(unit_text("recordings", BASE))),
                MemberFile(f"{PKI}/ca.crt", Secret(authority.certificate)),
                MemberFile(f"{PKI}/member.crt", Secret(own.certificate)),
                MemberFile(f"{PKI}/member.key", own.key, "600", "etcd:etcd"),
                MemberFile(f"{PKI}/doctor.crt", Secret(doctor.certificate), "600"),
                MemberFile(f"{PKI}/doctor.key", doctor.key, "600"),
                MemberFile(f"{PKI}/root.crt", Secret(root.certificate), "600"),
                MemberFile(f"{PKI}/root.key", root.key, "600"),
            ]
        )
        .reveal()
        .encode()
    )


def guard_bundle() -> bytes:
    """The payload of do/timer for the guard of etcd's lead, against a witness that is not there."""
    files = (
        MemberFile(GUARD_SCRIPT, Secret(asset_text("etcd/leader-guard.sh")), "755"),
        MemberFile(GUARD_SERVICE, Secret(service_text([NOBODY]))),
        MemberFile(GUARD_TIMER, Secret(timer_text())),
    )
    return bundle(list(files)).reveal().encode()


@dataclass(slots=True)
class Member:
    """What is done to the one member, step by step; each is an operation of its own."""

    stage: Stage
    count: int = field(default=0)

    def run(self, script: str, args: dict[str, str], payload: bytes = b"") -> Said:
        """The next operation."""
        self.count += 1
        return do(self.stage, args, f"{OP}-{self.count}", script, payload=payload, seconds=SECONDS)

    def install(self, version: str = VERSION) -> Said:
        """do/etcd-install."""
        return self.run("do/etcd-install", {"version": version, "archive": ARCHIVE})

    def configure(self, payload: bytes = b"", *, base: str = BASE) -> Said:
        """do/etcd-configure."""
        args = {"base": base, "root": "no", "lineage": LINEAGE, "member": "pi"}
        return self.run("do/etcd-configure", args, payload or files())

    def start(self, action: str = "start", others: str = "") -> Said:
        """do/etcd-start."""
        return self.run("do/etcd-start", {"action": action, "others": others})

    def guard(self, action: str, payload: bytes = b"") -> Said:
        """do/timer, of the timer that takes the lead back."""
        return self.run("do/timer", {"action": action, "name": GUARD, "settings": ""}, payload)

    def guarded(self) -> Member:
        """With the timer that takes the lead back, on."""
        assert self.guard("install", guard_bundle()).exit_code == 0
        self.stage.settle_guard()
        return self

    def aside(self) -> Said:
        """do/etcd-aside."""
        return self.run("do/etcd-aside", {"base": BASE, "lineage": LINEAGE, "attempt": "rec-attempt"})

    def change(self, action: str, name: str, peer: str, others: str = LOCAL) -> Said:
        """do/etcd-member."""
        args = {"action": action, "name": name, "peer": peer, "client": NOBODY, "others": others}
        return self.run("do/etcd-member", args)

    def leave(self, contacts: str) -> Said:
        """do/etcd-leave of one that is not there."""
        return self.run("do/etcd-leave", {"name": "nobody", "contacts": contacts})

    def prove(self, endpoints: str) -> Said:
        """do/etcd-prove."""
        return self.run("do/etcd-prove", {"endpoints": endpoints, "key": "/wizard/prove/rec"})

    def auth(self) -> Said:
        """do/etcd-auth."""
        return self.run("do/etcd-auth", {})

    def read(self, wait: int = 0) -> Said:
        """read/etcd."""
        return self.stage.run("read/etcd", {"base": BASE, "wait": str(wait), "package": "no"})

    def installed(self) -> Member:
        """With its programs."""
        if not self.stage.exists("/usr/local/bin/etcd"):
            self.stage.archive(ARCHIVE, VERSION)
            assert self.install().exit_code == 0
        return self

    def configured(self) -> Member:
        """With everything it needs to start."""
        self.installed()
        assert self.configure().exit_code == 0
        return self

    def up(self) -> Member:
        """Running, and the leader of itself."""
        self.configured()
        assert self.start().exit_code == 0
        self.stage.settle_etcd()
        return self


# --- cases


def install_new(stage: Stage) -> Said:
    stage.archive(ARCHIVE, VERSION)
    said = Member(stage).install()
    assert stage.content(ARCHIVE) is None
    return said


def install_again(stage: Stage) -> Said:
    return Member(stage).installed().install()


def install_no_archive(stage: Stage) -> Said:
    return Member(stage).install()


def install_no_tar(stage: Stage) -> Said:
    stage.write(ARCHIVE, b"this is no archive\n")
    return Member(stage).install()


def install_other_version(stage: Stage) -> Said:
    stage.archive(ARCHIVE, VERSION)
    return Member(stage).install("3.6.13")


def package_there(stage: Stage) -> Said:
    stage.package("3.5.16-4")
    return Member(stage).run("do/etcd-package", {"version": "3.5.16"})


def package_none(stage: Stage) -> Said:
    return Member(stage).run("do/etcd-package", {"version": "3.5.16"})


def package_other_minor(stage: Stage) -> Said:
    stage.package("3.5.16-4")
    return Member(stage).run("do/etcd-package", {"version": "3.6.0"})


def configure_new(stage: Stage) -> Said:
    return Member(stage).installed().configure()


def configure_again(stage: Stage) -> Said:
    return Member(stage).configured().configure()


def configure_root(stage: Stage) -> Said:
    said = Member(stage).installed().configure(base="/var/lib/wizard-recordings")
    assert stage.content("/var/lib/wizard-recordings/wizard") is None
    return said


def configure_foreign(stage: Stage) -> Said:
    stage.write(f"{BASE}/data/member/snap/db", b"theirs")
    said = Member(stage).installed().configure()
    assert stage.content(f"{BASE}/data/member/snap/db") == b"theirs"
    assert stage.content(CONFIG) is None
    return said


def configure_cut(stage: Stage) -> Said:
    said = Member(stage).installed().configure(files()[:-40])
    assert stage.content(CONFIG) is None
    return said


def start_new(stage: Stage) -> Said:
    return Member(stage).configured().start()


def start_running(stage: Stage) -> Said:
    return Member(stage).up().start()


def start_restart(stage: Stage) -> Said:
    return Member(stage).up().start("restart")


def start_others_sick(stage: Stage) -> Said:
    return Member(stage).up().start("restart", NOBODY)


def start_hand_over(stage: Stage) -> Said:
    """The one member leads; it is its own other."""
    return Member(stage).up().start("restart", LOCAL)


def guard_installed(stage: Stage) -> Said:
    return Member(stage).guard("install", guard_bundle())


def guard_cut(stage: Stage) -> Said:
    said = Member(stage).guard("install", guard_bundle()[:-40])
    assert not stage.exists(GUARD_TIMER)
    return said


def guard_removed(stage: Stage) -> Said:
    said = Member(stage).guarded().guard("remove")
    assert not any(stage.exists(path) for path in (GUARD_SCRIPT, GUARD_SERVICE, GUARD_TIMER))
    return said


def guard_removed_again(stage: Stage) -> Said:
    return Member(stage).guard("remove")


def aside_moved(stage: Stage) -> Said:
    return Member(stage).up().aside()


def aside_again(stage: Stage) -> Said:
    member = Member(stage).up()
    member.aside()
    return member.aside()


def aside_nothing(stage: Stage) -> Said:
    return Member(stage).configured().aside()


def aside_foreign(stage: Stage) -> Said:
    member = Member(stage).up()
    stage.write(f"{BASE}/wizard", f"lineage={OTHER_LINEAGE}\nmember=pi\n".encode())
    return member.aside()


def member_added(stage: Stage) -> Said:
    return Member(stage).up().change("replace", "newcomer", "https://127.0.0.1:23800")


def member_kept(stage: Stage) -> Said:
    member = Member(stage).up()
    member.change("replace", "newcomer", "https://127.0.0.1:23800")
    return member.change("replace", "newcomer", "https://127.0.0.1:23800")


def member_voter(stage: Stage) -> Said:
    return Member(stage).up().change("promote", "pi", PEER)


def member_unknown(stage: Stage) -> Said:
    return Member(stage).up().change("promote", "nobody", "https://127.0.0.1:23801")


def member_updated(stage: Stage) -> Said:
    return Member(stage).up().change("update", "pi", PEER)


def member_no_list(stage: Stage) -> Said:
    return Member(stage).up().change("replace", "newcomer", "https://127.0.0.1:23800", NOBODY)


def leave_unlisted(stage: Stage) -> Said:
    return Member(stage).up().leave(LOCAL)


def prove_all(stage: Stage) -> Said:
    return Member(stage).up().prove(LOCAL)


def prove_one_silent(stage: Stage) -> Said:
    return Member(stage).up().prove(f"{LOCAL},{NOBODY}")


def read_absent(stage: Stage) -> Said:
    return Member(stage).read()


def read_configured(stage: Stage) -> Said:
    return Member(stage).configured().read()


def read_running(stage: Stage) -> Said:
    return Member(stage).up().read(wait=4)


def read_learner_listed(stage: Stage) -> Said:
    member = Member(stage).up()
    member.change("replace", "newcomer", "https://127.0.0.1:23800")
    return member.read()


def read_guarded(stage: Stage) -> Said:
    return Member(stage).up().guarded().read()


def read_rights(stage: Stage) -> Said:
    member = Member(stage).up()
    assert member.auth().exit_code == 0
    return member.read()


def auth_new(stage: Stage) -> Said:
    return Member(stage).up().auth()


def auth_again(stage: Stage) -> Said:
    member = Member(stage).up()
    member.auth()
    said = member.auth()
    assert member.prove(LOCAL).exit_code == 0, "whoever changes things is not locked out"
    return said


def auth_silent(stage: Stage) -> Said:
    return Member(stage).configured().auth()


def _on_pi(script: str, name: str, play: Play, *, tool: bool = False) -> Case:
    return Case(script, name, play, hosts=("pi",), tool=tool)


ETCD_CASES = (
    _on_pi("read/etcd", "absent", read_absent),
    _on_pi("do/etcd-install", "no-archive", install_no_archive),
    _on_pi("do/etcd-install", "new", install_new),
    _on_pi("do/etcd-install", "again", install_again),
    _on_pi("do/etcd-install", "no-tar", install_no_tar, tool=True),
    _on_pi("do/etcd-install", "other-version", install_other_version),
    _on_pi("do/etcd-package", "none", package_none),
    _on_pi("do/etcd-package", "there", package_there),
    _on_pi("do/etcd-package", "other-minor", package_other_minor),
    _on_pi("do/etcd-configure", "new", configure_new),
    _on_pi("do/etcd-configure", "again", configure_again),
    _on_pi("do/etcd-configure", "root", configure_root),
    _on_pi("do/etcd-configure", "foreign", configure_foreign),
    _on_pi("do/etcd-configure", "cut", configure_cut),
    _on_pi("read/etcd", "configured", read_configured),
    _on_pi("do/etcd-start", "new", start_new),
    _on_pi("do/etcd-start", "running", start_running),
    _on_pi("do/etcd-start", "restart", start_restart),
    _on_pi("do/etcd-start", "others-sick", start_others_sick, tool=True),
    _on_pi("do/etcd-start", "hand-over", start_hand_over),
    _on_pi("read/etcd", "running", read_running),
    _on_pi("read/etcd", "learner-listed", read_learner_listed),
    _on_pi("do/timer", "installed", guard_installed),
    _on_pi("do/timer", "cut", guard_cut),
    _on_pi("do/timer", "removed", guard_removed),
    _on_pi("do/timer", "removed-again", guard_removed_again),
    _on_pi("read/etcd", "guarded", read_guarded),
    _on_pi("do/etcd-aside", "moved", aside_moved),
    _on_pi("do/etcd-aside", "again", aside_again),
    _on_pi("do/etcd-aside", "nothing", aside_nothing),
    _on_pi("do/etcd-aside", "foreign", aside_foreign),
    _on_pi("do/etcd-member", "added", member_added),
    _on_pi("do/etcd-member", "kept", member_kept),
    _on_pi("do/etcd-member", "voter", member_voter),
    _on_pi("do/etcd-member", "unknown", member_unknown),
    _on_pi("do/etcd-member", "updated", member_updated),
    _on_pi("do/etcd-member", "no-list", member_no_list, tool=True),
    _on_pi("do/etcd-auth", "new", auth_new),
    _on_pi("do/etcd-auth", "again", auth_again),
    _on_pi("do/etcd-auth", "silent", auth_silent, tool=True),
    _on_pi("read/etcd", "rights", read_rights),
    _on_pi("do/etcd-leave", "unlisted", leave_unlisted),
    _on_pi("do/etcd-prove", "all", prove_all),
    _on_pi("do/etcd-prove", "one-silent", prove_one_silent, tool=True),
)
"""In the order in which they are recorded."""
