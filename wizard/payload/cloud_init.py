"""What cloud-init is told at a guest's first boot (domain.md 12): NoCloud's three files."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import yaml

from wizard.core.resources import asset_text
from wizard.core.secret import Secret
from wizard.payload.guests import GuestPlan

SSHD_DROP_IN = "/etc/ssh/sshd_config.d/10-homelab-wizard.conf"


def user_data(plan: GuestPlan, authorised: str, host_public: str, host_key: Secret | None) -> str:
    """The cloud-config of a guest.

    Args:
        plan: the guest.
        authorised: the public line root lets in.
        host_public: the guest's own public line.
        host_key: its private key; None for the seed that stays behind after the first boot.
    """
    # Without a key to give there is nothing to throw away: what is there is the right one.
    keys: dict[str, Any] = {"ssh_deletekeys": host_key is not None}
    if host_key is not None:
        keys["ssh_keys"] = {"ed25519_private": host_key.reveal(), "ed25519_public": host_public}
    return f"#cloud-config\n{_settings(plan, authorised)}{_first_boot()}{_yaml(keys)}"


@lru_cache(maxsize=64)
def _settings(plan: GuestPlan, authorised: str) -> str:
    """What both seeds of a guest say."""
    config: dict[str, Any] = {
        "hostname": plan.name,
        "fqdn": f"{plan.name}.{plan.domain}",
        "manage_etc_hosts": True,
        "users": [],
        "disable_root": False,
        "ssh_pwauth": False,
        "ssh_authorized_keys": [authorised],
        "ssh_genkeytypes": ["ed25519"],
        "growpart": {"mode": "auto", "devices": ["/"]},
        "resize_rootfs": True,
    }
    if plan.data:
        script = asset_text("cloud-init/data-disk.sh")
        config["bootcmd"] = [["sh", "-c", script, "data-disk", plan.serial, plan.data_uuid]]
        config["mounts"] = [[f"UUID={plan.data_uuid}", plan.mount, "ext4", mount_options(), "0", "2"]]
    return _yaml(config)


@cache
def _first_boot() -> str:
    """What is the same on every guest: written out once, since a script is long to quote."""
    return _yaml(
        {
            "write_files": [{"path": SSHD_DROP_IN, "permissions": "0644", "content": _SSHD}],
            "runcmd": [["sh", "-c", asset_text("cloud-init/first-boot.sh")]],
        }
    )


_SSHD = """HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
"""
"""Only the key we gave it is shown, whatever other keys the distribution makes at boot."""


def mount_options() -> str:
    """How the data disk is mounted.

    It grows with its disk. A guest whose disk is missing still boots and can say so: nothing writes to the empty folder,
    since what lives there looks for the mount first.
    """
    return "defaults,noatime,nofail,x-systemd.growfs"


@lru_cache(maxsize=64)
def meta_data(plan: GuestPlan) -> str:
    """The instance's id and name: another id would make cloud-init begin anew."""
    return _yaml({"instance-id": plan.instance_id, "local-hostname": plan.name})


@lru_cache(maxsize=64)
def network_config(plan: GuestPlan) -> str:
    """A static address on the card with our MAC; version 2, only the documented keys."""
    card: dict[str, Any] = {
        "match": {"macaddress": _Quoted(plan.mac.lower())},
        "dhcp4": False,
        "dhcp6": False,
        "addresses": [f"{plan.address}/{plan.prefix}"],
        "routes": [{"to": "0.0.0.0/0", "via": plan.gateway}],
        "nameservers": {"addresses": list(plan.resolvers), "search": [plan.domain]},
    }
    if plan.mtu:
        card["mtu"] = plan.mtu
    return _yaml({"version": 2, "ethernets": {"lan": card}})


def hosts_file(plan: GuestPlan) -> str:
    """/etc/hosts of a guest that has no cloud-init to write it."""
    return (
        f"127.0.0.1 localhost\n127.0.1.1 {plan.name}.{plan.domain} {plan.name}\n::1 localhost ip6-localhost\n"
    )


class _Quoted(str):
    """Text that YAML readers must not take for a number in base 60."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Block style for scripts and keys, quotes where asked for."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(
    _Quoted, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style='"')
)


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
