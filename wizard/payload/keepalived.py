"""What keepalived on a server is told: whose address it shares with whom, and when it has to let go of it."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text
from wizard.core.secret import Secret
from wizard.payload.etcd_files import MemberFile

CONFIG = "/etc/keepalived/keepalived.conf"
READY = "/etc/homelab/api-ready"
"""The script that asks the API server whether it is ready."""
DROP_IN = "/etc/systemd/system/keepalived.service.d/10-homelab.conf"
UNIT = "keepalived.service"

INSTANCE = "api"
"""Of VRRP, for the log: `(api) Entering MASTER STATE`."""

INTERVAL_SECONDS, FALL, RISE = 2, 3, 2
"""An API server that is busy for a moment keeps the address; one that fails for six seconds does not."""

ADVERT_SECONDS = 1
"""The address moves when nothing was heard for three of them and a little (RFC 9568, section 6.1)."""

HIGHEST, APART = 150, 10
"""Priorities: only who is first when several could have the address at once follows from them."""

MARK = "# Written by the homelab wizard; changes by hand are undone by its next apply."


@dataclass(frozen=True, slots=True)
class Sharing:
    """One server's part in the address."""

    name: str
    own: str
    """Address of this server."""
    others: tuple[str, ...]
    """Addresses of the servers it shares with."""
    nic: str
    """The interface that has its own address."""
    address: str
    """That is shared."""
    group: int
    """VRRP's virtual router id, 1 to 255."""
    place: int
    """Among the servers of the spec, counted from 0."""


def config_text(sharing: Sharing) -> str:
    """keepalived.conf of a server.

    Every server begins as a backup and none takes the address from one that has it (`nopreempt`): it moves when it must,
    and only then. The script has no weight: a server whose API is not ready does not take part at all, since with
    `nopreempt` nobody would take the address from one that merely has a lower priority.

    Args:
        sharing: its part in the address.
    """
    return f"""\
{MARK}
global_defs {{
    router_id {sharing.name}
    enable_script_security
    script_user root
    vrrp_garp_master_refresh 60
}}

vrrp_script api_ready {{
    script "{READY}"
    interval {INTERVAL_SECONDS}
    timeout 5
    fall {FALL}
    rise {RISE}
    init_fail
}}

vrrp_instance {INSTANCE} {{
    state BACKUP
    nopreempt
    interface {sharing.nic}
    virtual_router_id {sharing.group}
    priority {HIGHEST - APART * sharing.place}
    advert_int {ADVERT_SECONDS}
{_unicast(sharing)}    virtual_ipaddress {{
        {sharing.address}/32 dev {sharing.nic}
    }}
    track_script {{
        api_ready
    }}
}}
"""


def _unicast(sharing: Sharing) -> str:
    """To whom it speaks: not to the whole LAN, where another group may have the same id."""
    if not sharing.others:
        return ""
    peers = "".join(f"        {one}\n" for one in sharing.others)
    return f"    unicast_src_ip {sharing.own}\n    unicast_peer {{\n{peers}    }}\n"


def drop_in_text() -> str:
    """What Debian's unit lacks: it is started again whatever it ended with, and however often."""
    return f"""\
{MARK}
[Unit]
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Restart=always
RestartSec=2
"""


def keepalived_files(sharing: Sharing) -> tuple[MemberFile, ...]:
    """Everything keepalived needs on a server; the configuration comes last, since it names the others.

    Args:
        sharing: the server's part in the address.
    """
    return (
        MemberFile(READY, Secret(asset_text("keepalived/api-ready.sh")), "755"),
        MemberFile(DROP_IN, Secret(drop_in_text())),
        MemberFile(CONFIG, Secret(config_text(sharing))),
    )


def group_of(config: str) -> int | None:
    """The virtual router id that a configuration of ours has; None where it is none of ours.

    Args:
        config: text of a keepalived.conf.
    """
    if not config.startswith(MARK):
        return None
    words: Sequence[str] = config.split()
    after = (words[i + 1] for i, word in enumerate(words[:-1]) if word == "virtual_router_id")
    return next((int(word) for word in after if word.isdecimal()), None)
