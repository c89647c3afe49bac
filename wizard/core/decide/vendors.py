"""Who made the network card behind a MAC address, as far as a small table knows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from wizard.core.resources import asset_text

_LOCAL_BIT = 0x02
"""Of a MAC's first byte: given out by whoever set the machine up, not by a maker (IEEE 802)."""
_VRRP = "00:00:5e:00:01:"
"""Virtual MACs of VRRP; the last byte is the id of the group (RFC 9568, section 7.3)."""


def vendor(mac: str) -> str:
    """The maker or the kind of a network card; empty where it is not known.

    Args:
        mac: six bytes in hex with colons, lower case.
    """
    digits = mac.replace(":", "")
    known = _table()
    # The longest prefix that is in the table: ids of groups have five bytes, makers three.
    found = next((known[digits[:length]] for length in (10, 6, 4) if digits[:length] in known), "")
    if found:
        return found
    return "locally administered" if int(digits[:2], 16) & _LOCAL_BIT else ""


def vrrp_group(mac: str) -> int | None:
    """The id of the VRRP group a virtual MAC belongs to; None for any other MAC.

    Args:
        mac: six bytes in hex with colons, lower case.
    """
    return int(mac.removeprefix(_VRRP), 16) if mac.startswith(_VRRP) else None


@cache
def _table() -> Mapping[str, str]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw: dict[str, Any] = yaml.load(asset_text("decisions/vendors.yaml"), Loader=loader)  # noqa: S506 - a safe one
    found: dict[str, str] = {prefix: name for name, prefixes in raw["vendors"].items() for prefix in prefixes}
    found.update(raw["local"])
    found.update(raw["virtual"])
    return found
