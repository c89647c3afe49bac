"""The spec as path and value: what the state keeps as the answers of the last run."""

from __future__ import annotations

from tests.spec.base import BASE, bend, sound


def test_values_are_found_by_names_not_by_places() -> None:
    flat = sound(BASE).flatten()
    assert flat["hosts.tower-a.address"] == "192.168.10.11"
    assert flat["machines.server-b.memory"] == "4G"
    assert flat["network.dhcp"] == "192.168.10.100-192.168.10.199"
    assert flat["network.upstream_dns"] == "9.9.9.9"
    assert flat["witness.accept_slow"] == "false"
    assert flat["k3s.enabled"] == "true"
    assert all(value != "" for value in flat.values())


def test_the_order_of_hosts_changes_nothing() -> None:
    a, b = (
        "  - {name: tower-a, role: hypervisor, address: 192.168.10.11}\n",
        "  - {name: tower-b, role: hypervisor, address: 192.168.10.12}\n",
    )
    assert sound(BASE.replace(a + b, b + a)).flatten() == sound(BASE).flatten()


def test_a_changed_answer_is_one_changed_value() -> None:
    before, after = (
        sound(BASE).flatten(),
        sound(bend("address: 192.168.10.13} => address: 192.168.10.14}")).flatten(),
    )
    assert {key for key in before if before[key] != after[key]} == {"hosts.pi.address"}


def test_records_classes_and_waivers_have_their_paths() -> None:
    flat = sound(
        bend(
            "kind: longhorn, replicas: 2 => kind: existing, class: fast",
            "kind: adguard} => kind: adguard, records: {nas.home.arpa: 192.168.10.5}}",
            " => waivers: [{check: witness.disk, reason: ordered, until: 2027-01-31}]",
        )
    ).flatten()
    assert flat["storage.class"] == "fast"
    assert flat["dns.records.nas.home.arpa"] == "192.168.10.5"
    assert flat["waivers.witness.disk.until"] == "2027-01-31"
