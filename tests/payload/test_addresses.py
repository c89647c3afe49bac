"""What a guest is known by is the same at every look, and nobody else's."""

from __future__ import annotations

from uuid import UUID

from tests.payload.guest import LINEAGE
from wizard.payload.addresses import (
    SERIAL_LENGTH,
    data_serial,
    data_uuid,
    domain_uuid,
    instance_id,
    mac_address,
)

OTHER = LINEAGE.replace("a", "b")


def test_everything_is_the_same_at_every_look_and_another_for_another_machine_or_cluster() -> None:
    for make in (mac_address, domain_uuid, data_uuid, data_serial, instance_id):
        assert make(LINEAGE, "etcd-a") == make(LINEAGE, "etcd-a")
        assert len({make(LINEAGE, "etcd-a"), make(LINEAGE, "etcd-b"), make(OTHER, "etcd-a")}) == 3


def test_a_mac_is_lower_case_local_and_of_one_machine() -> None:
    mac = mac_address(LINEAGE, "etcd-a")
    assert mac.startswith("52:54:00:")
    assert mac == mac.lower()
    first = int(mac[:2], 16)
    assert first & 2, "locally administered"
    assert not first & 1, "not a group"


def test_serials_fit_into_virtio_and_ids_are_uuids() -> None:
    assert len(data_serial(LINEAGE, "a-machine-with-a-rather-long-name")) <= SERIAL_LENGTH
    assert UUID(domain_uuid(LINEAGE, "etcd-a")) != UUID(data_uuid(LINEAGE, "etcd-a"))
