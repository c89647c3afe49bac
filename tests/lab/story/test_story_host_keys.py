"""A host key that nobody confirmed, or that has changed: nothing is sent, both fingerprints are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.story.operators import Operator, settle_in
from tests.lab.story.world import World, tell
from tests.rows import assert_explained
from wizard.core.errors import ExitCode
from wizard.lab import keys

pytestmark = pytest.mark.lab


def offered(world: World, host: str) -> str:
    """The fingerprint the host has now, from the host itself."""
    folder = "/boot/config/ssh" if host == "tower-b" else "/etc/ssh"
    return keys.fingerprint(world.lab.inside(host, "cat", f"{folder}/ssh_host_ed25519_key.pub"))


@pytest.mark.parametrize("host", ["tower-b", "pi"])
def test_a_changed_key_stops_before_anything_is_sent(world: World, operator: Operator, host: str) -> None:
    lab = world.lab
    confirmed = lab.fingerprint(host)
    lab.fault("host-key-changed", host)
    now = offered(world, host)
    assert now != confirmed
    world.equip()
    trusted = (operator.folder / "known_hosts").read_bytes()

    plan = operator.run("plan")
    assert_explained(
        plan,
        exit_code=ExitCode.UNREACHABLE,
        says=[host, confirmed, now, "Nothing was sent"],
        do="ssh-keygen -R",
    )
    facts = operator.run("facts", "--json")
    assert facts.exit_code == ExitCode.UNREACHABLE
    assert world.seen(host).asked == 0, "a command ran on a host that is not trusted"
    assert (operator.folder / "known_hosts").read_bytes() == trusted
    others = [name for name in lab.names if name != host]
    assert all(world.seen(name).asked for name in others)
    told = {name: facts.document["hosts"][name] for name in lab.names}
    assert all("error" not in told[name] for name in others), told
    assert "error" in told[host]

    pinned = Operator(operator.home, ("--host-key", f"{host}={now}"))
    assert pinned.run("plan", code=10).stderr == ""
    assert operator.run("plan", code=10).stderr == "", "the pin was not remembered"
    tell(f"{host}: {confirmed} -> {now}: exit 3, nothing sent, {len(others)} others told; pinned: exit 10")


def test_unknown_keys_are_asked_about_and_never_taken(world: World, tmp_path: Path) -> None:
    world.equip()
    stranger = settle_in(world.lab, tmp_path / "stranger", trusting=False)
    plan = stranger.run("plan")
    prints = [world.lab.fingerprint(name) for name in world.lab.names]
    assert_explained(
        plan, exit_code=ExitCode.UNREACHABLE, says=[*prints, "Nothing was sent"], do="--host-key pi="
    )
    assert [seen.asked for seen in world.look().values()] == [0, 0, 0]
    assert list(stranger.folder.iterdir()) == []
    trusting = Operator(stranger.home, tuple(world.lab.host_key_options))
    trusting.run("plan", code=10)
    stranger.run("plan", code=10)
