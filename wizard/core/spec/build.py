"""Accepted values to the spec's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any, TypeVar

from wizard.core.spec import model as m

T = TypeVar("T")

NEUTRAL: dict[str, Any] = {"int": 0, "AddressRange": m.AddressRange("", ""), "tuple[str, ...]": ()}
"""What stands in for a refused value while the rest of a spec is compared with itself; text is empty."""


def build(data: Mapping[str, Any], foreign: Mapping[str, Mapping[str, str]]) -> m.ClusterSpec:
    """The spec of what the schema accepted.

    Args:
        data: values by key; missing required ones are replaced by neutral ones.
        foreign: options of the apps out of `apps_dir`, by name.
    """
    plain = {key: data[key] for key in ("schema", "name", "apps_dir") if key in data}
    optional = {
        "ssh": _section(m.SshSpec, data, "ssh"),
        "storage": _storage(data.get("storage", {})),
        "witness": _section(m.WitnessSpec, data, "witness"),
        "artifacts": _section(m.ArtifactsSpec, data, "artifacts"),
        "backup": _section(m.BackupSpec, data, "backup") if "backup" in data else None,
    }
    return m.ClusterSpec(
        **{"name": "", **plain, **optional},
        network=_section(m.NetworkSpec, data, "network"),
        hosts=_items(m.HostSpec, data, "hosts"),
        machines=_items(m.MachineSpec, data, "machines"),
        propose="machines" not in data,
        k3s=_section(m.K3sSpec, data, "k3s"),
        etcd=_section(m.EtcdSpec, data, "etcd"),
        dns=_dns(data.get("dns", {})),
        apps=_apps(data.get("apps", {}), foreign),
        waivers=_items(m.WaiverSpec, data, "waivers"),
    )


def _make(kind: type[T], values: Mapping[str, Any]) -> T:
    missing = {
        field.name: NEUTRAL.get(str(field.type), "")
        for field in fields(kind)  # type: ignore[arg-type] # every kind here is a dataclass
        if field.name not in values and field.default is MISSING and field.default_factory is MISSING
    }
    return kind(**{**missing, **values})


def _section(kind: type[T], data: Mapping[str, Any], key: str) -> T:
    return _make(kind, data.get(key, {}))


def _items(kind: type[T], data: Mapping[str, Any], key: str) -> tuple[T, ...]:
    return tuple(_make(kind, item) for item in data.get(key, ()))


def _storage(values: Mapping[str, Any]) -> m.StorageSpec:
    renamed = {"storage_class" if key == "class" else key: value for key, value in values.items()}
    return m.StorageSpec(**renamed)


def _dns(values: Mapping[str, Any]) -> m.DnsSpec:
    records = MappingProxyType(dict(values.get("records", {})))
    return _make(m.DnsSpec, {**values, "records": records})


def _apps(ours: Mapping[str, Any], foreign: Mapping[str, Mapping[str, str]]) -> tuple[m.AppSpec, ...]:
    known = [m.AppSpec(name, **_app_values(name, values)) for name, values in ours.items()]
    further = [m.AppSpec(name, options=MappingProxyType(dict(options))) for name, options in foreign.items()]
    return (*known, *further)


def _app_values(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"tls": "own-ca", **values} if name == "nextcloud" else dict(values)
