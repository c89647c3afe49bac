"""Older formats: brought up step by step in memory, kept beside before the first save in the new one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.state.samples import WRITER, fresh, home_in, sample_state, saved, told
from wizard.core.errors import StateError
from wizard.core.home import ClusterHome
from wizard.core.state import STATE_SCHEMA
from wizard.core.store import StateStore
from wizard.core.store.document import checksum
from wizard.core.store.fields import Node
from wizard.core.store.migrate import MIGRATIONS, Document

NEW = sample_state(serial=4)


def from_zero(document: Document) -> Document:
    """A made-up format 0 called the lineage `id` and knew no decisions."""
    lineage = Node(document).text("id")
    kept = {key: value for key, value in document.items() if key != "id"}
    return {**kept, "lineage": lineage, "decisions": {}}


@pytest.fixture
def home(tmp_path: Path) -> ClusterHome:
    """A folder with a state of format 0."""
    home = home_in(tmp_path)
    saved(home, NEW)
    document = json.loads(home.state.read_text())
    document |= {"schema": 0, "id": document.pop("lineage"), "writer": "0.0.1"}
    document.pop("decisions")
    write(home, document)
    home.state_backup.unlink()
    return home


def write(home: ClusterHome, document: dict[str, object]) -> None:
    document["checksum"] = checksum(document)
    home.state.write_text(json.dumps(document))


def store(home: ClusterHome) -> StateStore:
    return StateStore(home, writer=WRITER, migrations={0: from_zero})


def test_every_older_schema_has_a_way_up() -> None:
    assert sorted(MIGRATIONS) == list(range(1, STATE_SCHEMA))


def test_row_a04_older_schema_is_brought_up_and_kept(home: ClusterHome) -> None:
    old = home.state.read_bytes()
    upgraded = store(home)
    state = upgraded.load()
    assert state is not None
    assert (state.lineage, dict(state.decisions), state.steps) == (NEW.lineage, {}, NEW.steps)
    assert home.state.read_bytes() == old, "loading writes nothing"
    assert not home.backups.exists()
    with upgraded.lock():
        upgraded.save(state)
        upgraded.save(state)
    assert json.loads(home.state.read_text())["schema"] == STATE_SCHEMA
    assert fresh(home).load() is not None
    assert {path.name: path.read_bytes() for path in home.backups.iterdir()} == {"state.schema-0.json": old}


def test_row_a04_an_edited_older_file_is_still_found_out(home: ClusterHome) -> None:
    home.state.write_text(home.state.read_text().replace("192.0.2.10", "192.0.2.11"))
    with pytest.raises(StateError) as caught:
        store(home).load()
    told(caught.value, "--accept-edited")


def test_row_a04_a_torn_older_file_names_the_value(home: ClusterHome) -> None:
    document = json.loads(home.state.read_text())
    document.pop("id")
    write(home, document)
    with pytest.raises(StateError) as caught:
        store(home).load()
    told(caught.value, "id is missing")
