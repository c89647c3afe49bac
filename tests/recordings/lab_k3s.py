"""K3s' outside on a real host of the lab, made and cleared behind the wizard's back."""

from __future__ import annotations

from tests.lab.conftest import Lab

_SETTLE = """
left=300
until [ "$(systemctl show -p ActiveState --value k3s.service)" = active ] ||
    [ "$(systemctl show -p NRestarts --value k3s.service)" -gt 0 ]; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || exit 1
    sleep 0.1
done
"""

_CLEAR = """
systemctl disable --quiet --now k3s.service k3s-agent.service 2>/dev/null
rm -f /etc/systemd/system/k3s.service /etc/systemd/system/k3s-agent.service /usr/local/bin/k3s /opt/k3s-* \
    /run/wizard/k3s-started /etc/systemd/logind.conf.d/50-homelab-k3s.conf /etc/homelab/k3s*
rm -rf /var/lib/rancher /etc/rancher /etc/homelab/pki
rmdir /etc/homelab 2>/dev/null
if command -v systemctl >/dev/null; then
    systemctl daemon-reload
    systemctl reset-failed 2>/dev/null
fi
true
"""


class K3sWorkshop:
    """The part of a lab's host that is about K3s."""

    lab: Lab
    name: str

    def settle_k3s(self) -> None:
        """It tells systemd when it is up, and systemd counts its ends."""
        self.lab.inside(self.name, "sh", "-c", _SETTLE)

    def clear_k3s(self) -> None:
        """Whatever it left."""
        self.lab.inside(self.name, "sh", "-c", _CLEAR)
