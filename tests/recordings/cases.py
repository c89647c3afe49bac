"""What is asked of every host, on the lab and on the simulated homelab alike: success, and each failure worth having."""

from __future__ import annotations

import hashlib

from tests.recordings.backup_cases import BACKUP_CASES
from tests.recordings.case import HOSTS, Case, Play, do
from tests.recordings.etcd_cases import ETCD_CASES
from tests.recordings.guest_cases import GUEST_CASES, TOWERS
from tests.recordings.k3s_before_cases import BEFORE_CASES
from tests.recordings.k3s_cases import K3S_CASES
from tests.recordings.keepalived_cases import KEEPALIVED_CASES
from tests.recordings.kube_cases import KUBE_CASES
from tests.recordings.package_cases import PACKAGE_CASES
from tests.recordings.recording import Said
from tests.recordings.stage import LINEAGE, MARKER, OP, OTHER_LINEAGE, WORK, Stage
from tests.recordings.wire_cases import WIRE_CASES
from tests.recordings.witness_cases import WITNESS_CASES

__all__ = ["CASES", "HOSTS", "PLAYS", "Case"]

CONTENT = b"".join(b"line %d of a file that is put\n" % number for number in range(40))
PATH = f"{WORK}/file"
HALF = len(CONTENT) // 2

RUN = "8d5e957f297893487bd98fa830fa6413"
"""What a run calls itself."""


def put_args(path: str = PATH, content: bytes = CONTENT, **more: str) -> dict[str, str]:
    """Arguments of lib/put."""
    args = {"path": path, "size": str(len(content)), "digest": hashlib.sha256(content).hexdigest()}
    return args | {"mode": "640", "owner": "root:root"} | more


def put(
    stage: Stage, payload: bytes = CONTENT, *, path: str = PATH, offset: int = 0, owner: str = "root:root"
) -> Said:
    """Send a file, or a part of it."""
    args = put_args(path, owner=owner) | {"send": "yes", "offset": str(offset)}
    return stage.run("lib/put", args, payload)


def ask(stage: Stage) -> Said:
    """Ask what is there of the file."""
    return stage.run("lib/put", put_args() | {"send": "no"})


def status(stage: Stage, op: str = OP, *, offset: int = 0, most: int = 65536) -> Said:
    """Ask where an operation stands."""
    return stage.run("read/operation", {"op": op, "offset": str(offset), "max": str(most), "wait": "0"})


def lock(stage: Stage, serial: int = 5, lineage: str = LINEAGE, *, again: bool = False) -> Said:
    """Take the run lock, perhaps as one who comes back, and let go."""
    args = {"holder": "anna@laptop pid 4711", "serial": str(serial), "lineage": lineage, "silence": "20"}
    return stage.run("lib/runlock", args | {"run": RUN, "again": "yes" if again else "no"})


# --- do/marker ------------------------------------------------------------------------------------------------


def marker_fresh(stage: Stage) -> Said:
    said = do(stage, MARKER)
    left = stage.content(f"{stage.marker_folder}/marker")
    assert left is not None and left.decode() == said.stdout
    return said


def marker_again(stage: Stage) -> Said:
    do(stage, MARKER)
    return do(stage, MARKER | {"serial": "5"}, f"{OP}-2")


def marker_foreign(stage: Stage) -> Said:
    do(stage, MARKER)
    said = do(stage, {"name": "beach", "lineage": OTHER_LINEAGE, "serial": "9"}, f"{OP}-2")
    left = stage.content(f"{stage.marker_folder}/marker")
    assert left is not None and b"name=home\n" in left
    return said


def marker_no_space(stage: Stage) -> Said:
    with stage.fill(stage.marker_folder):
        said = do(stage, MARKER)
        assert stage.content(f"{stage.marker_folder}/marker") is None
        return said


# --- detached operations ----------------------------------------------------------------------------------------


def operation_absent(stage: Stage) -> Said:
    return status(stage)


def operation_running(stage: Stage) -> Said:
    with stage.queue():
        stage.start("do/marker", MARKER, OP, wait=0)
        return status(stage)


def operation_done(stage: Stage) -> Said:
    do(stage, MARKER)
    return status(stage)


def operation_failed(stage: Stage) -> Said:
    marker_foreign(stage)
    return status(stage, f"{OP}-2")


def operation_rest(stage: Stage) -> Said:
    do(stage, MARKER)
    return status(stage, offset=5, most=4)


def operation_lost(stage: Stage) -> Said:
    with stage.queue():
        stage.start("do/marker", MARKER, OP, wait=0)
        stage.kill(OP)
    return status(stage)


def start_fresh(stage: Stage) -> Said:
    return stage.start("do/marker", MARKER, OP, wait=5)


def start_again(stage: Stage) -> Said:
    stage.start("do/marker", MARKER, OP, wait=5)
    stage.remove(stage.marker_folder)
    said = stage.start("do/marker", MARKER, OP, wait=5)
    assert stage.content(f"{stage.marker_folder}/marker") is None, "an operation was run twice"
    return said


def start_failing(stage: Stage) -> Said:
    stage.start("do/marker", MARKER, OP, wait=5)
    return stage.start("do/marker", MARKER | {"lineage": OTHER_LINEAGE}, f"{OP}-2", wait=5)


def start_running(stage: Stage) -> Said:
    with stage.queue():
        return stage.start("do/marker", MARKER, OP, wait=0)


# --- files ------------------------------------------------------------------------------------------------------


def put_new(stage: Stage) -> Said:
    stage.write(f"{WORK}/neighbour", b"")
    said = put(stage)
    assert stage.content(PATH) == CONTENT
    return said


def put_same(stage: Stage) -> Said:
    put_new(stage)
    return put(stage)


def put_other_mode(stage: Stage) -> Said:
    stage.write(PATH, CONTENT, 0o600)
    return put(stage)


def put_over_another(stage: Stage) -> Said:
    stage.write(PATH, b"another")
    return put_new(stage)


def ask_new(stage: Stage) -> Said:
    stage.write(f"{WORK}/neighbour", b"")
    return ask(stage)


def ask_same(stage: Stage) -> Said:
    put_new(stage)
    return ask(stage)


def put_cut(stage: Stage) -> Said:
    stage.write(f"{WORK}/neighbour", b"")
    said = put(stage, CONTENT[:HALF])
    assert stage.content(PATH) is None, "a half file became visible"
    return said


def ask_half(stage: Stage) -> Said:
    put_cut(stage)
    return ask(stage)


def put_resumed(stage: Stage) -> Said:
    put_cut(stage)
    said = put(stage, CONTENT[HALF:], offset=HALF)
    assert stage.content(PATH) == CONTENT
    return said


def put_wrong_offset(stage: Stage) -> Said:
    stage.write(f"{WORK}/neighbour", b"")
    return put(stage, CONTENT[HALF:], offset=HALF)


def put_wrong_bytes(stage: Stage) -> Said:
    stage.write(PATH, b"as before")
    said = put(stage, CONTENT[:-1] + b"!")
    assert stage.content(PATH) == b"as before"
    return said


def put_no_folder(stage: Stage) -> Said:
    return put(stage)


def put_onto_folder(stage: Stage) -> Said:
    stage.write(f"{PATH}/neighbour", b"")
    return put(stage)


def put_unknown_owner(stage: Stage) -> Said:
    stage.write(f"{WORK}/neighbour", b"")
    said = put(stage, owner="nobody-of-that-name:root")
    assert stage.content(PATH) is None
    return said


def put_no_space(stage: Stage) -> Said:
    path = f"{stage.marker_folder}/file"
    with stage.fill(stage.marker_folder):
        said = put(stage, path=path)
        assert stage.content(path) is None
        return said


# --- the run lock -------------------------------------------------------------------------------------------------


def lock_free(stage: Stage) -> Said:
    return lock(stage)


def lock_marked(stage: Stage) -> Said:
    do(stage, MARKER)
    said = lock(stage, serial=6)
    left = stage.content(f"{stage.marker_folder}/marker")
    assert left is not None and b"serial=6\n" in left
    return said


def lock_busy(stage: Stage) -> Said:
    with stage.other.run_lock("bert@desk pid 12", 5, LINEAGE):
        return lock(stage)


def lock_again(stage: Stage) -> Said:
    lock(stage)
    return lock(stage, again=True)


def lock_taken(stage: Stage) -> Said:
    with stage.other.run_lock("bert@desk pid 12", 5, LINEAGE):
        pass
    return lock(stage, again=True)


def lock_foreign(stage: Stage) -> Said:
    do(stage, MARKER)
    return lock(stage, lineage=OTHER_LINEAGE)


def lock_newer(stage: Stage) -> Said:
    do(stage, MARKER)
    return lock(stage, serial=3)


# --- facts ----------------------------------------------------------------------------------------------------------


def facts_untouched(stage: Stage) -> Said:
    return stage.run("read/facts", {})


def facts_marked(stage: Stage) -> Said:
    do(stage, MARKER)
    return stage.run("read/facts", {})


def facts_occupied(stage: Stage) -> Said:
    with stage.occupied("microk8s-present"):
        return stage.run("read/facts", {})


# --- what is already there ----------------------------------------------------------------------------------------


def present_nothing(stage: Stage) -> Said:
    return stage.run("read/present", {"count": "yes"})


def present_of(name: str, *, count: str = "yes") -> Play:
    """What a host tells with one thing on it."""

    def play(stage: Stage) -> Said:
        with stage.occupied(name):
            return stage.run("read/present", {"count": count})

    return play


CASES = (
    Case("read/facts", "untouched", facts_untouched),
    Case("read/facts", "marked", facts_marked),
    Case("read/facts", "occupied", facts_occupied),
    Case("read/present", "nothing", present_nothing),
    Case("read/present", "microk8s", present_of("microk8s-present")),
    Case("read/present", "k3s-quickly", present_of("k3s-present", count="no"), hosts=("pi",)),
    Case("read/present", "microk8s-quickly", present_of("microk8s-present", count="no"), hosts=("tower-a",)),
    Case("read/present", "k3s", present_of("k3s-present"), hosts=("pi",)),
    Case("read/present", "kubeadm", present_of("kubeadm-present")),
    Case("read/present", "swarm", present_of("swarm-present"), hosts=TOWERS),
    Case("read/present", "etcd", present_of("foreign-etcd"), hosts=("pi",)),
    Case("read/present", "dns", present_of("port-53-taken"), hosts=TOWERS),
    Case("do/marker", "fresh", marker_fresh),
    Case("do/marker", "again", marker_again),
    Case("do/marker", "foreign", marker_foreign),
    Case("do/marker", "no-space", marker_no_space),
    Case("read/operation", "absent", operation_absent),
    Case("read/operation", "running", operation_running),
    Case("read/operation", "done", operation_done),
    Case("read/operation", "failed", operation_failed),
    Case("read/operation", "rest", operation_rest),
    Case("read/operation", "lost", operation_lost),
    Case("lib/start", "fresh", start_fresh),
    Case("lib/start", "again", start_again),
    Case("lib/start", "failing", start_failing),
    Case("lib/start", "running", start_running),
    Case("lib/put", "new", put_new),
    Case("lib/put", "same", put_same),
    Case("lib/put", "other-mode", put_other_mode),
    Case("lib/put", "over-another", put_over_another),
    Case("lib/put", "ask-new", ask_new),
    Case("lib/put", "ask-same", ask_same),
    Case("lib/put", "cut", put_cut),
    Case("lib/put", "ask-half", ask_half),
    Case("lib/put", "resumed", put_resumed),
    Case("lib/put", "wrong-offset", put_wrong_offset),
    Case("lib/put", "wrong-bytes", put_wrong_bytes),
    Case("lib/put", "no-folder", put_no_folder),
    Case("lib/put", "onto-folder", put_onto_folder),
    Case("lib/put", "unknown-owner", put_unknown_owner),
    Case("lib/put", "no-space", put_no_space),
    Case("lib/runlock", "free", lock_free),
    Case("lib/runlock", "marked", lock_marked),
    Case("lib/runlock", "busy", lock_busy),
    Case("lib/runlock", "again", lock_again),
    Case("lib/runlock", "taken", lock_taken),
    Case("lib/runlock", "foreign", lock_foreign),
    Case("lib/runlock", "newer", lock_newer),
    *WIRE_CASES,
    *GUEST_CASES,
    *ETCD_CASES,
    *BACKUP_CASES,
    *K3S_CASES,
    *PACKAGE_CASES,
    *KEEPALIVED_CASES,
    *BEFORE_CASES,
    *KUBE_CASES,
    *WITNESS_CASES,
)
"""In the order in which they are recorded: what comes first has the least left over from others."""

PLAYS = tuple((case, host) for case in CASES for host in case.hosts)
"""Every case on every host it is played on."""
