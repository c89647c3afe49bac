"""What keepalived is told, and the script that decides whether a server takes part."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from wizard.core.resources import asset_text
from wizard.payload.keepalived import (
    CONFIG,
    DROP_IN,
    READY,
    Sharing,
    config_text,
    drop_in_text,
    group_of,
    keepalived_files,
)

SHARING = Sharing("server-b", "10.0.0.42", ("10.0.0.41",), "enp1s0", "10.0.0.20", 52, 1)


def block(text: str, head: str) -> list[str]:
    """The lines of a block of keepalived.conf, without blanks around them."""
    lines = text.split(f"{head} {{\n", 1)[1].splitlines()
    depth = 1
    found: list[str] = []
    for line in (one.strip() for one in lines):
        depth += line.endswith("{") - (line == "}")
        if not depth:
            return found
        found.append(line)
    raise AssertionError(f"{head} is not closed")


def test_the_address_is_shared_by_unicast_and_never_taken_from_one_that_has_it() -> None:
    instance = block(config_text(SHARING), "vrrp_instance api")
    assert {"state BACKUP", "nopreempt", "interface enp1s0", "virtual_router_id 52", "priority 140"} <= set(
        instance
    )
    assert "unicast_src_ip 10.0.0.42" in instance
    assert block(config_text(SHARING), "unicast_peer") == ["10.0.0.41"]
    assert block(config_text(SHARING), "virtual_ipaddress") == ["10.0.0.20/32 dev enp1s0"]
    assert not [line for line in instance if line.startswith(("smtp", "authentication", "weight"))]


def test_the_first_server_goes_first_and_one_alone_has_nobody_to_tell() -> None:
    alone = config_text(replace(SHARING, place=0, others=()))
    assert "    priority 150\n" in alone
    assert "unicast" not in alone


def test_one_slow_answer_moves_nothing() -> None:
    script = dict(
        line.split(maxsplit=1) for line in block(config_text(SHARING), "vrrp_script api_ready") if " " in line
    )
    assert script["script"] == f'"{READY}"'
    assert int(script["fall"]) > 1 and int(script["rise"]) > 1
    # It may take longer than the next one is due, but not for ever.
    assert 3 < int(script["timeout"]) < int(script["interval"]) * int(script["fall"])


def test_the_id_is_read_back_from_our_own_configuration_only() -> None:
    assert group_of(config_text(SHARING)) == 52
    assert group_of("vrrp_instance x {\n virtual_router_id 7\n}\n") is None
    assert group_of("") is None


def test_the_configuration_comes_after_what_it_names_and_only_root_may_change_it() -> None:
    files = keepalived_files(SHARING)
    assert [file.path for file in files] == [READY, DROP_IN, CONFIG]
    assert [(file.mode, file.owner) for file in files] == [
        ("755", "root:root"),
        ("644", "root:root"),
        ("644", "root:root"),
    ]
    assert "Restart=always" in drop_in_text()


# --- the script, with programs of the test in the place of curl and k3s


def ask(folder: Path, *words: str, path: str) -> subprocess.CompletedProcess[str]:
    text = asset_text("keepalived/api-ready.sh").replace(
        "/var/lib/rancher/k3s/server/tls", str(folder / "tls")
    )
    script = folder / "api-ready"
    script.write_text(text.replace("/usr/local/bin/k3s", str(folder / "k3s")))
    return subprocess.run(
        ["/bin/sh", str(script), *words],
        capture_output=True,
        text=True,
        env={"PATH": path},
        timeout=20,
        check=False,
    )


def program(path: Path, code: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "$0 $*" >>"{path}.asked"\nexit {code}\n')
    path.chmod(0o755)


def certificates(folder: Path) -> None:
    (folder / "tls").mkdir()
    for name in ("server-ca.crt", "client-admin.crt", "client-admin.key"):
        (folder / "tls" / name).write_text("a stand-in")


def test_without_certificates_of_k3s_nobody_is_asked(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "curl", 0)
    said = ask(tmp_path, path=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert (said.returncode, said.stderr) == (1, "K3s has made no certificates here yet\n")
    assert not (tmp_path / "bin" / "curl.asked").exists()


@pytest.mark.parametrize("code", [0, 22])
@pytest.mark.parametrize(("words", "host"), [((), "127.0.0.1"), (("10.0.0.20",), "10.0.0.20")])
def test_readyz_is_asked_with_the_administrators_certificate(
    tmp_path: Path, words: tuple[str, ...], host: str, code: int
) -> None:
    certificates(tmp_path)
    program(tmp_path / "bin" / "curl", code)
    said = ask(tmp_path, *words, path=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert said.returncode == code
    asked = (tmp_path / "bin" / "curl.asked").read_text()
    assert f"https://{host}:6443/readyz" in asked
    assert f"--cacert {tmp_path}/tls/server-ca.crt" in asked
    assert "a stand-in" not in asked


def test_where_there_is_no_curl_kubectl_asks(tmp_path: Path) -> None:
    certificates(tmp_path)
    program(tmp_path / "k3s", 0)
    (tmp_path / "bin").mkdir()
    for name in ("timeout", "sh"):
        (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")
    assert ask(tmp_path, path=f"{tmp_path}/bin").returncode == 0
    assert "kubectl get --raw=/readyz --server=https://127.0.0.1:6443" in (tmp_path / "k3s.asked").read_text()
