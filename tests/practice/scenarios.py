"""What the engine may rely on, whoever answers: the same function for a simulated host and for one of the lab."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.recordings.stage import LINEAGE, MARKER, OP, OTHER_LINEAGE, WORK, Stage
from wizard.core.errors import ExitCode, RemoteError, StateError, UnreachableError
from wizard.core.host import Operation, OpStatus
from wizard.core.secret import Secret

Scenario = Callable[[Stage], None]

ME, BERT = "anna@laptop pid 4711", "bert@desk pid 12"
FILE = f"{WORK}/file"
LARGE = bytes(range(256)) * 1024


def leave_marker(stage: Stage, op: str = OP, *, timeout: float = 20, **more: str) -> Operation:
    return stage.host.do("do/marker", MARKER | more, op=op, timeout=timeout)


def marker(stage: Stage) -> str:
    return (stage.content(f"{stage.marker_folder}/marker") or b"").decode()


# --- the run lock -----------------------------------------------------------------------------------------------


def a_second_operator_is_refused_and_told_who_holds_it(stage: Stage) -> None:
    with stage.other.run_lock(BERT, 5, LINEAGE):
        with pytest.raises(StateError) as refused, stage.host.run_lock(ME, 5, LINEAGE):
            pytest.fail("two operators hold one host")
        assert BERT in refused.value.why
        assert "UTC" in refused.value.why
        assert refused.value.exit_code is ExitCode.STATE
    with stage.host.run_lock(ME, 5, LINEAGE):
        pass


def the_lock_is_let_go_when_the_run_fails(stage: Stage) -> None:
    with pytest.raises(ZeroDivisionError), stage.host.run_lock(ME, 5, LINEAGE):
        raise ZeroDivisionError
    with stage.other.run_lock(BERT, 5, LINEAGE):
        pass


def another_clusters_host_is_refused(stage: Stage) -> None:
    leave_marker(stage)
    with pytest.raises(StateError, match="belongs to another cluster") as refused:
        stage.host.run_lock(ME, 9, OTHER_LINEAGE).__enter__()
    assert MARKER["name"] in refused.value.why
    assert f"serial={MARKER['serial']}\n" in marker(stage)
    with stage.other.run_lock(BERT, 4, LINEAGE):
        pass  # the refused operator holds nothing


def a_state_older_than_the_host_knows_is_refused(stage: Stage) -> None:
    leave_marker(stage)
    with pytest.raises(StateError, match="older than") as refused:
        stage.host.run_lock(ME, 3, LINEAGE).__enter__()
    assert "serial 4" in refused.value.why
    assert f"serial={MARKER['serial']}\n" in marker(stage)


def a_newer_run_raises_the_markers_serial(stage: Stage) -> None:
    leave_marker(stage)
    with stage.host.run_lock(ME, 7, LINEAGE):
        assert marker(stage) == f"name={MARKER['name']}\nlineage={LINEAGE}\nserial=7\n"


def the_lock_leaves_no_marker_where_there_is_none(stage: Stage) -> None:
    with stage.host.run_lock(ME, 7, LINEAGE):
        assert marker(stage) == ""


def changes_go_on_under_our_own_lock(stage: Stage) -> None:
    with stage.host.run_lock(ME, 4, LINEAGE):
        assert leave_marker(stage).exit_code == 0
        stage.write(f"{WORK}/neighbour", b"")
        assert stage.host.put(b"x", FILE)


def a_lock_that_was_lost_with_its_link_is_taken_anew(stage: Stage) -> None:
    with stage.host.run_lock(ME, 4, LINEAGE):
        stage.break_link()
        assert stage.host.operation(OP).status is OpStatus.ABSENT
        assert leave_marker(stage).exit_code == 0
        with pytest.raises(StateError) as refused, stage.other.run_lock(BERT, 5, LINEAGE):
            pytest.fail("two operators hold one host")
        assert ME in refused.value.why
    with stage.other.run_lock(BERT, 5, LINEAGE):
        pass


def who_took_the_host_meanwhile_is_named_and_nothing_is_changed(stage: Stage) -> None:
    with stage.host.run_lock(ME, 4, LINEAGE):
        stage.break_link()
        take_when_free(stage)
        with pytest.raises(StateError, match="while its link was broken") as refused:
            leave_marker(stage)
        assert BERT in refused.value.why
    assert marker(stage) == ""
    assert stage.host.operation(OP).status is OpStatus.ABSENT


def take_when_free(stage: Stage) -> None:
    """Hold the host for a moment, as soon as it has noticed that the link of its holder is gone."""
    end = time.monotonic() + 10
    while True:
        try:
            with stage.other.run_lock(BERT, 4, LINEAGE):
                return
        except StateError:
            assert time.monotonic() < end
            time.sleep(0.1)


# --- operations -----------------------------------------------------------------------------------------------------


def an_operation_ends_with_its_output(stage: Stage) -> None:
    lines: list[str] = []
    done = stage.host.do("do/marker", MARKER, op=OP, timeout=20, on_line=lines.append)
    assert done == Operation(OP, OpStatus.DONE, 0, marker(stage))
    assert lines == marker(stage).splitlines()
    assert stage.host.operation(OP) == stage.other.operation(OP) == done


def an_operation_is_never_run_twice(stage: Stage) -> None:
    first = leave_marker(stage)
    assert leave_marker(stage, serial="9") == first
    assert f"serial={MARKER['serial']}\n" in marker(stage)
    assert leave_marker(stage, f"{OP}-2", serial="9").output != first.output


def an_operation_nobody_began_is_absent(stage: Stage) -> None:
    assert stage.host.operation(f"{OP}-nobody") == Operation(f"{OP}-nobody", OpStatus.ABSENT)


def a_failed_script_is_told_with_exit_code_and_last_words(stage: Stage) -> None:
    leave_marker(stage)
    for _ in range(2):
        with pytest.raises(RemoteError) as failed:
            leave_marker(stage, f"{OP}-2", lineage=OTHER_LINEAGE)
        assert "exit code 3" in failed.value.why
        assert f"{stage.marker_folder}/marker belongs to another cluster: home" in failed.value.why
        assert "do/marker" in failed.value.what
        assert failed.value.exit_code is ExitCode.FAILED
    seen = stage.host.operation(f"{OP}-2")
    assert (seen.status, seen.exit_code) == (OpStatus.DONE, 3)


def an_operation_outlives_our_patience(stage: Stage) -> None:
    with stage.queue():
        with pytest.raises(RemoteError, match="still busy with do/marker after 1 seconds"):
            leave_marker(stage, timeout=1)
        assert stage.host.operation(OP).status is OpStatus.RUNNING
        assert marker(stage) == ""
    assert leave_marker(stage, serial="9").status is OpStatus.DONE
    assert f"serial={MARKER['serial']}\n" in marker(stage), "it was begun again"


def a_killed_operation_is_lost_and_not_begun_again(stage: Stage) -> None:
    with stage.queue():
        with pytest.raises(RemoteError):
            leave_marker(stage, timeout=1)
        stage.kill(OP)
    assert stage.host.operation(OP).status is OpStatus.LOST
    with pytest.raises(RemoteError, match="lost do/marker on the way"):
        leave_marker(stage)
    assert marker(stage) == ""


def a_full_disk_fails_the_script_and_leaves_no_marker(stage: Stage) -> None:
    with stage.fill(stage.marker_folder), pytest.raises(RemoteError, match="failed at do/marker"):
        leave_marker(stage)
    assert marker(stage) == ""


def what_is_no_operation_id_is_our_own_mistake(stage: Stage) -> None:
    for op in ("", "-x", "a/b", "A", "a b", "x" * 129):
        with pytest.raises(ValueError, match="operation id"):
            leave_marker(stage, op)


# --- files --------------------------------------------------------------------------------------------------------


def a_file_is_put_once(stage: Stage) -> None:
    stage.write(f"{WORK}/neighbour", b"")
    assert stage.host.put(b"one\0\xff", FILE, mode=0o640)
    assert not stage.host.put(b"one\0\xff", FILE, mode=0o640)
    assert not stage.host.put(b"one\0\xff", FILE, mode=0o640, owner="0:0")
    assert stage.host.put(b"one\0\xff", FILE, mode=0o600)
    assert stage.host.put(b"two", FILE, mode=0o600)
    assert stage.host.put(Secret("three"), FILE, mode=0o600)
    assert stage.content(FILE) == b"three"


def a_large_file_is_told_as_it_goes(stage: Stage) -> None:
    stage.write(f"{WORK}/neighbour", b"")
    told: list[tuple[int, int]] = []
    assert stage.host.put(LARGE, FILE, on_bytes=lambda sent, total: told.append((sent, total)))
    assert told[-1] == (len(LARGE), len(LARGE))
    assert told == sorted(told)
    assert not stage.host.put(LARGE, FILE)


def a_file_without_a_folder_is_refused(stage: Stage) -> None:
    with pytest.raises(RemoteError, match=f"cannot store {FILE}") as refused:
        stage.host.put(b"x", FILE)
    assert "no directory" in refused.value.why or "no such directory" in refused.value.why


def a_file_in_place_of_a_folder_is_refused(stage: Stage) -> None:
    stage.write(f"{FILE}/neighbour", b"")
    with pytest.raises(RemoteError, match=f"cannot store {FILE}") as refused:
        stage.host.put(b"x", FILE)
    assert "is a directory" in refused.value.why


def an_unknown_owner_is_refused_and_the_old_file_stays(stage: Stage) -> None:
    stage.write(FILE, b"old")
    with pytest.raises(RemoteError, match=f"cannot store {FILE}") as refused:
        stage.host.put(b"new", FILE, owner="nobody-of-that-name:root")
    assert "nobody-of-that-name" in refused.value.why
    assert stage.content(FILE) == b"old"


def a_full_disk_takes_no_file(stage: Stage) -> None:
    path = f"{stage.marker_folder}/file"
    with stage.fill(stage.marker_folder):
        with pytest.raises(RemoteError, match=f"cannot store {path}") as refused:
            stage.host.put(b"x" * 4096, path)
        assert f"{stage.marker_folder} is full" in refused.value.why
        assert stage.content(path) is None


def a_path_or_owner_that_cannot_be_is_our_own_mistake(stage: Stage) -> None:
    for path, owner in (("relative", "root:root"), ("/a/../b", "root:root"), ("/a", "root"), ("/a", "a b:c")):
        with pytest.raises(ValueError, match="cannot put"):
            stage.host.put(b"x", path, owner=owner)


# --- the host itself --------------------------------------------------------------------------------------------------


def a_host_that_does_not_answer_is_unreachable(stage: Stage) -> None:
    with stage.deaf():
        for ask in (lambda: stage.host.read("read/facts"), lambda: stage.host.operation(OP)):
            with pytest.raises(UnreachableError) as refused:
                ask()
            assert refused.value.exit_code is ExitCode.UNREACHABLE
            assert stage.name in refused.value.what
        with pytest.raises(UnreachableError):
            leave_marker(stage)
    assert marker(stage) == ""
    assert stage.host.operation(OP).status is OpStatus.ABSENT


def a_restarted_host_has_forgotten_operations_and_holds_nothing(stage: Stage) -> None:
    leave_marker(stage)
    left = marker(stage)
    stage.restart()
    assert stage.host.operation(OP) == Operation(OP, OpStatus.ABSENT)
    assert marker(stage) == left
    with stage.other.run_lock(BERT, 4, LINEAGE):
        pass


SCENARIOS: tuple[Scenario, ...] = (
    a_second_operator_is_refused_and_told_who_holds_it,
    the_lock_is_let_go_when_the_run_fails,
    another_clusters_host_is_refused,
    a_state_older_than_the_host_knows_is_refused,
    a_newer_run_raises_the_markers_serial,
    the_lock_leaves_no_marker_where_there_is_none,
    changes_go_on_under_our_own_lock,
    a_lock_that_was_lost_with_its_link_is_taken_anew,
    who_took_the_host_meanwhile_is_named_and_nothing_is_changed,
    an_operation_ends_with_its_output,
    an_operation_is_never_run_twice,
    an_operation_nobody_began_is_absent,
    a_failed_script_is_told_with_exit_code_and_last_words,
    an_operation_outlives_our_patience,
    a_killed_operation_is_lost_and_not_begun_again,
    a_full_disk_fails_the_script_and_leaves_no_marker,
    what_is_no_operation_id_is_our_own_mistake,
    a_file_is_put_once,
    a_large_file_is_told_as_it_goes,
    a_file_without_a_folder_is_refused,
    a_file_in_place_of_a_folder_is_refused,
    an_unknown_owner_is_refused_and_the_old_file_stays,
    a_full_disk_takes_no_file,
    a_path_or_owner_that_cannot_be_is_our_own_mistake,
    a_host_that_does_not_answer_is_unreachable,
    a_restarted_host_has_forgotten_operations_and_holds_nothing,
)
"""Each begins on a host that was reset."""
