"""The seed image: an ISO 9660 volume cloud-init finds by its label."""

from __future__ import annotations

import io

from wizard.core.secret import Secret
from wizard.payload.cloud_init import meta_data, network_config, user_data
from wizard.payload.guests import GuestPlan

LABEL = "cidata"
"""The label NoCloud looks for (domain.md 12)."""

ISO_NAMES = {
    "user-data": "/USERDATA.;1",
    "meta-data": "/METADATA.;1",
    "network-config": "/NETWORK.;1",
}
"""The names plain ISO 9660 has room for; the real ones are in Rock Ridge and Joliet."""


def seed_iso(plan: GuestPlan, authorised: str, host_public: str, host_key: Secret | None) -> bytes:
    """The seed of a guest.

    Args:
        plan: the guest.
        authorised: the public line root lets in.
        host_public: the guest's own public line.
        host_key: its private key; None for the seed that stays after the first boot.
    """
    return iso_image(
        {
            "user-data": user_data(plan, authorised, host_public, host_key),
            "meta-data": meta_data(plan),
            "network-config": network_config(plan),
        }
    )


def iso_image(files: dict[str, str]) -> bytes:
    """An image with these files in its root.

    Args:
        files: text by name, the names of `ISO_NAMES`.
    """
    import pycdlib

    iso = pycdlib.PyCdlib()
    iso.new(vol_ident=LABEL, joliet=3, rock_ridge="1.09")
    for name, text in files.items():
        content = text.encode()
        iso.add_fp(io.BytesIO(content), len(content), ISO_NAMES[name], rr_name=name, joliet_path=f"/{name}")
    made = io.BytesIO()
    iso.write_fp(made)
    iso.close()
    return made.getvalue()
