"""The LAN: which addresses are ours, which the router's, and whether they are free."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from screens.base import StageScreen
from screens.network_words import address_map
from screens.widgets import Choice, Field
from wizard.core.suggest import suggest_network

NAME_SERVERS = (("adguard", "AdGuard Home"), ("pihole", "Pi-hole"), ("coredns", "CoreDNS"))


class NetworkScreen(StageScreen):
    """The answers about the LAN, and the map of every address the cluster uses."""

    STAGE = "network"
    QUESTION = "Which addresses are free for the cluster?"
    PATHS = ("network", "dns")
    AUTO_FOCUS = "Field Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+r", "ask", "Ask the wire", tooltip="Look who has these addresses now", id="network.ask"
        ),
    ]

    def main(self) -> ComposeResult:
        """One field for each answer."""
        yield Field("network.cidr", "LAN", example="192.168.10.0/24")
        yield Field("network.gateway", "Router", example="192.168.10.1")
        yield Field("network.dhcp", "DHCP range", example="192.168.10.100-192.168.10.199", long=True)
        yield Field("network.api_vip", "API address", example="192.168.10.20")
        yield Field("network.load_balancer", "Services", example="192.168.10.230-192.168.10.250", long=True)
        yield Field("network.domain", "Domain", example="home.arpa")
        yield Field("network.pod_cidr", "Pods", example="10.42.0.0/16")
        yield Field("network.service_cidr", "In-cluster", example="10.43.0.0/16")
        yield Choice("dns.kind", "Name server", NAME_SERVERS)
        yield Field("network.upstream_dns", "Asks", example="9.9.9.9, 149.112.112.112", long=True)

    def arrive(self) -> None:
        """What is empty is suggested from what was seen."""
        app = self.wizard
        app.look_at_all()
        app.replace(suggest_network(app.draft, app.checked.spec, app.looker.facts))

    def answer_given(self, path: str, value: str) -> bool:
        """Take an answer; words with commas between them are a list."""
        if path != "network.upstream_dns":
            return self.wizard.answer(path, value)
        if value == self.wizard.draft.get(path):
            return False
        words = [word.strip() for word in value.split(",") if word.strip()]
        return self.wizard.answer(path, words)

    def meaning(self) -> Content:
        """Every address, who has it, and what is known of it on the wire."""
        return address_map(self.wizard)

    def action_ask(self) -> None:
        """Ask the LAN who has the addresses of the plan."""
        self.take_answers()
        errors = self.wizard.checked.errors()
        if errors:
            self.refuse(f"The wire is asked about a sound plan. {errors[0].path}: {errors[0].text}")
            return
        self.wizard.ask_wire()
        self.redraw()
