"""One guest for tests, to be changed in the one place a test is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wizard.payload.guests import Attachment, DataDisk, GuestPlan

LINEAGE = "6f1d2c1e-0000-4000-8000-00000000aaaa"

GIB = 1024**3

_PLAN = GuestPlan(
    name="etcd-a",
    role="etcd",
    host="tower-a",
    driver="kvm",
    arch="amd64",
    cluster="home",
    lineage=LINEAGE,
    vm_dir="/srv/vm",
    cpus=2,
    memory=2 * GIB,
    disk=20 * GIB,
    data=DataDisk(8 * GIB, folder="/srv/vm/etcd-a"),
    attachment=Attachment("bridge", "br0"),
    address="10.0.0.31",
    prefix=24,
    gateway="10.0.0.1",
    resolvers=("9.9.9.9", "1.1.1.1"),
    domain="home.arpa",
)


def guest(**changes: Any) -> GuestPlan:  # noqa: ANN401 - fields of many types
    """An etcd guest on tower-a; every field can be given another value."""
    return replace(_PLAN, **changes)
