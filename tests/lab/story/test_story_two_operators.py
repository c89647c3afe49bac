"""Two people, one cluster: the second is refused by the machine or by the hosts, and told who is at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.story.ending import assert_as_if_nothing_happened, result_of
from tests.lab.story.operators import APPLY, Operator, hosts_only
from tests.lab.story.world import World, tell, until
from tests.rows import assert_explained
from wizard.core.errors import ExitCode

pytestmark = pytest.mark.lab

EFFECT_SECONDS = 8
"""Long enough for the second operator to come while the first is at work."""

LET_GO_SECONDS = 5.0
"""A host lets go of a killed operator within this: its kernel ends the connection at once."""


def test_two_operators_on_one_machine_and_on_two(world: World, operator: Operator, tmp_path: Path) -> None:
    world.equip(EFFECT_SECONDS)
    first = operator.start(*APPLY)
    until(lambda: all(seen.operations for seen in world.look().values()), "the first is at work everywhere")
    second = operator.twin(tmp_path / "laptop")
    beside = Operator(tmp_path / "beside")
    beside.home.mkdir()
    (beside.home / "cluster.yaml").write_text(hosts_only(world.lab.spec_text()))
    beside.folder.symlink_to(operator.folder)

    same_folder = beside.run(*APPLY)
    assert_explained(same_folder, exit_code=ExitCode.STATE, says=[f"process {first.pid}"])
    other_machine = second.run(*APPLY)
    assert_explained(
        other_machine,
        exit_code=ExitCode.STATE,
        says=[f"pid {first.pid}", "being worked on by somebody else"],
        do="wait for that run to end",
    )
    assert first.alive, "the first had ended before the second came"
    assert beside.run("plan", "--json").exit_code == 10, "looking is refused to nobody"

    assert first.kill()
    done, waited = second.apply_when_free()
    assert done.exit_code == 0, done.stdout + done.stderr
    assert waited < LET_GO_SECONDS
    assert_as_if_nothing_happened(world, second, result_of(second.state()))

    late = operator.run(*APPLY)
    assert_explained(late, exit_code=ExitCode.STATE, says=["older than what"], do="work from where")
    tell(
        f"\nafter kill -9 the second got in after {waited:.1f} s and took {done.seconds:.1f} s to the same end"
    )
