"""plan, facts, doctor and whatever else only looks leave every host byte for byte as it was; apply does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.story.operators import Operator
from tests.lab.story.world import World, tell

pytestmark = pytest.mark.lab

LOOKING = (
    ("facts", "--json"),
    ("plan", "--json"),
    ("doctor", "--json"),
    ("state", "show"),
    ("artifacts", "list"),
)

TOWERS = ("tower-a", "tower-b")


@pytest.fixture
def tenants(world: World) -> Iterator[None]:
    """Each hypervisor has a guest and a container that are not ours."""
    for tower in TOWERS:
        world.run(tower, "tenants", "add")
    yield
    for tower in TOWERS:
        world.run(tower, "tenants", "remove")


def look_around(operator: Operator) -> list[int]:
    return [operator.run(*words).exit_code for words in LOOKING]


@pytest.mark.usefixtures("tenants")
def test_looking_changes_nothing_and_apply_only_what_it_says(world: World, operator: Operator) -> None:
    untouched = world.everything()
    for tower in TOWERS:
        assert any("story-guest" in line for line in untouched[tower])
        assert any("story-container" in line for line in untouched[tower])
    codes = look_around(operator)
    assert world.everything() == untouched
    assert "absent /run/wizard" in untouched["pi"], "a plan leaves not even an empty folder"
    assert codes == [0, 10, 1, 0, 0], "before an apply doctor misses the markers"

    operator.apply()
    built = world.everything()
    places = {host: changed_places(untouched[host], built[host]) for host in built}
    assert places == {
        "tower-a": {"/var/lib/wizard", "/run/wizard"},
        "tower-b": {"/boot/config", "/boot/config/wizard", "/run/wizard"},
        "pi": {"/var/lib/wizard", "/run/wizard"},
    }
    assert look_around(operator) == [0, 0, 0, 0, 0]
    assert world.everything() == built
    tell(
        f"watched {sum(map(len, built.values()))} lines; {len(LOOKING)} commands before and after changed none"
    )


def changed_places(before: list[str], after: list[str]) -> set[str]:
    """The folders in which an apply changed something; what is ours counts as one."""
    words = [line.split() for line in set(before) ^ set(after)]
    places = {row[1] if row[0] in {"entry", "absent"} else row[2] for row in words}
    ours = ("/var/lib/wizard", "/boot/config/wizard", "/run/wizard")
    return {next((own for own in ours if place.startswith(own)), place) for place in places}
