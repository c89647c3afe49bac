"""Row 25: proxy variables that swallow addresses of the LAN."""

from __future__ import annotations

import pytest

from wizard.core.proxy import no_proxy_with, proxy_for, swallowed

OURS = ("192.168.1.20", "10.42.0.0/16", "10.43.0.0/16")
PROXY = {"HTTPS_PROXY": "http://anna:canary@proxy:3128"}


@pytest.mark.parametrize(
    ("no_proxy", "left"),
    [
        ("", OURS),
        ("localhost,.local", OURS),
        ("192.168.1.20", OURS[1:]),
        ("192.168.1.0/24,10.0.0.0/8", ()),
        ("192.168.0.0/16 10.42.0.0/16", ("10.43.0.0/16",)),
        ("192.168.1.20,10.42.0.0/17,10.42.128.0/17,10.43.0.0/16", ()),
        ("192.168.1.20,10.42.0.0/17", OURS[1:]),
        ("10.42.0.0/24,10.43.0.1", OURS),
        ("192.168.1.20:6443,10.42.0.0/15", ()),
        ("*", ()),
        ("192.168.1.,10.42.*", OURS),
        ("::/0,fd00::/8", OURS),
    ],
)
def test_row_25_no_proxy_must_cover_hosts_pods_and_services(no_proxy: str, left: tuple[str, ...]) -> None:
    found = swallowed({**PROXY, "NO_PROXY": no_proxy}, OURS)
    assert tuple(each.target for each in found) == left
    assert all((each.variable, each.proxy) == ("HTTPS_PROXY", "http://proxy:3128") for each in found)


def test_row_25_the_remedy_leaves_nothing_swallowed() -> None:
    env = {**PROXY, "NO_PROXY": "localhost,10.42.0.0/24"}
    remedy = no_proxy_with(env, OURS)
    assert remedy == "localhost,10.42.0.0/24,192.168.1.20,10.42.0.0/16,10.43.0.0/16"
    assert swallowed({**PROXY, "NO_PROXY": remedy}, OURS) == ()


@pytest.mark.parametrize("env", [{}, {"NO_PROXY": "x"}, {"HTTPS_PROXY": " "}, {"FTP_PROXY": "http://p"}])
def test_without_a_proxy_nothing_is_swallowed(env: dict[str, str]) -> None:
    assert swallowed(env, OURS) == ()


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_every_variable_counts(name: str) -> None:
    assert [each.variable for each in swallowed({name: "p:1"}, ["192.168.1.20"])] == [name]


@pytest.mark.parametrize(
    ("target", "no_proxy", "through"),
    [
        ("nas.home.arpa", "home.arpa", False),
        ("nas.home.arpa", ".home.arpa", False),
        ("nas.home.arpa", "*.home.arpa", False),
        ("nothome.arpa", "home.arpa", True),
        ("NAS.home.arpa.", "home.arpa", False),
        ("fd00::1", "fd00::/8", False),
        ("fd00::1", "10.0.0.0/8", True),
        ("127.0.0.1", "", False),
        ("localhost", "", False),
    ],
)
def test_names_and_addresses_of_both_families(target: str, no_proxy: str, through: bool) -> None:
    assert bool(swallowed({**PROXY, "no_proxy": no_proxy}, [target])) is through


def test_the_proxy_of_a_request_is_named_without_its_password() -> None:
    assert proxy_for("https://github.com/x", PROXY) == "http://proxy:3128"
    assert proxy_for("http://github.com/x", PROXY) == ""
    assert proxy_for("https://github.com/x", {**PROXY, "NO_PROXY": "github.com"}) == ""
