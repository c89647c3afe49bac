"""The spec: what the user wants. Importing this loads the types only; yaml and the schema load when a file is read."""

from __future__ import annotations

from wizard.core.spec.loading import example_text, load_spec, parse_spec
from wizard.core.spec.model import (
    AddressRange,
    AppSpec,
    ArtifactsSpec,
    BackupSpec,
    ClusterSpec,
    DnsSpec,
    EtcdMember,
    EtcdSpec,
    HostSpec,
    K3sSpec,
    MachineSpec,
    NetworkSpec,
    Problem,
    SshSpec,
    StorageSpec,
    WaiverSpec,
    WitnessSpec,
)

__all__ = [
    "AddressRange",
    "AppSpec",
    "ArtifactsSpec",
    "BackupSpec",
    "ClusterSpec",
    "DnsSpec",
    "EtcdMember",
    "EtcdSpec",
    "HostSpec",
    "K3sSpec",
    "MachineSpec",
    "NetworkSpec",
    "Problem",
    "SshSpec",
    "StorageSpec",
    "WaiverSpec",
    "WitnessSpec",
    "example_text",
    "load_spec",
    "parse_spec",
]
