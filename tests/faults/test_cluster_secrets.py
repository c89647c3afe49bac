"""Private keys of guests and etcd stand in secrets.yaml and in 0600 files of whoever needs them, and nowhere else."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.faults.cluster_site import APPLY, ClusterSite
from tests.lab.story.leaks import forms
from wizard.core.host import Args
from wizard.practice import scripts
from wizard.practice.answer import Answer, Handler
from wizard.practice.machine import Machine

BODY = re.compile(r"[A-Za-z0-9+/=]{40,}")
"""A line of a key in PEM or OpenSSH's form: it stays whole wherever the key is copied to."""


def keys(site: ClusterSite) -> dict[str, list[str]]:
    """Lines of every private key, by the name of the secret."""
    kept = yaml.safe_load(site.folder.secrets.read_text())["secrets"]
    private = {name: text for name, text in kept.items() if name == "ssh/key" or name.endswith(".key")}
    shown = "".join(text for name, text in kept.items() if name not in private)
    # What a public half repeats of it (OpenSSH's key file begins with it) tells nobody anything.
    return {
        name: [line for line in BODY.findall(text) if line not in shown][1:] for name, text in private.items()
    }


def found_in(content: bytes, secrets: Mapping[str, list[str]]) -> list[str]:
    """Which keys stand in the bytes, as they are or coded."""
    return [
        name
        for name, lines in secrets.items()
        if any(form in content for line in lines for form in forms(line))
    ]


def leaks(site: ClusterSite, said: str) -> Iterator[str]:
    """Every place where a private key is and should not be."""
    secrets = keys(site)
    for name in found_in(said.encode(), secrets):
        yield f"{name}: said to the person, or by a host"
    for kept in site.home.rglob("*"):
        if kept.is_file() and kept not in (site.folder.secrets, site.folder.ssh_key):
            yield from (
                f"{name}: {kept.relative_to(site.home)}" for name in found_in(kept.read_bytes(), secrets)
            )
    for host, machine in site.cluster.machines.items():
        for path, file in machine.files.items():
            for name in found_in(file.content, secrets):
                if file.mode & 0o077 or not belongs(name, host, path):
                    yield f"{name}: {path} on {host}, mode {file.mode:o}"
        for run in machine.ran:
            yield from (
                f"{name}: arguments of {run.script} on {host}"
                for name in found_in(repr(run.args).encode(), secrets)
            )
        for op in machine.operations.values():
            yield from (
                f"{name}: output of {op.op} on {host}" for name in found_in(op.output.encode(), secrets)
            )


def belongs(name: str, host: str, path: str) -> bool:
    """Whether a key may lie there at all."""
    if path.startswith("/etc/etcd/pki/"):
        return name == f"etcd/{host}.key" or (
            name in ("etcd/doctor.key", "etcd/root.key") and path.endswith(name.removeprefix("etcd"))
        )
    if path == "/etc/homelab/pki/k3s.key":
        return name == "etcd/k3s.key" and host.startswith("server-")
    return path == "/etc/ssh/ssh_host_ed25519_key" and name == f"host/{host}.key"


def everything(site: ClusterSite, monkeypatch: pytest.MonkeyPatch, **instead: Handler) -> str:
    """Every command, and all that they and the hosts said; `instead` replaces scripts."""
    said: list[str] = []
    wrapped = {name: heard(handler, said) for name, handler in scripts.HANDLERS.items()}
    wrapped |= {
        name.replace("_", "-").replace("do-", "do/", 1): heard(one, said) for name, one in instead.items()
    }
    for host in site.cluster.machines:
        monkeypatch.setattr(site.cluster.hosts[host], "_handlers", wrapped)
    for command in (
        ("plan",),
        APPLY,
        ("plan", "--json"),
        ("doctor",),
        ("doctor", "--json"),
        ("state", "show", "--json"),
        ("facts",),
    ):
        run = site.run(*command)
        said += [run.stdout, run.stderr]
    return "\n".join(said)


def heard(handler: Handler, said: list[str]) -> Handler:
    def listen(machine: Machine, args: Args, payload: bytes) -> Answer:
        answer = handler(machine, args, payload)
        said.append(answer.output + answer.stderr)
        return answer

    return listen


@pytest.mark.parametrize("guests", ["qemu", "lxc"])
def test_private_keys_are_where_they_belong_and_nowhere_else(
    grown: ClusterSite, monkeypatch: pytest.MonkeyPatch, guests: str
) -> None:
    grown.write(guests=guests)
    said = everything(grown, monkeypatch)
    secrets = keys(grown)
    wanted = {"ssh/key", "etcd/ca.key", "etcd/k3s.key", "etcd/doctor.key", "etcd/root.key"}
    wanted |= {f"etcd/{name}.key" for name in ("etcd-a", "etcd-b", "pi")}
    wanted |= {f"host/{machine.name}.key" for machine in grown.cluster.spec.machines}
    assert set(secrets) == wanted
    assert all(secrets.values()), "the control: each of them has lines to look for"
    assert stat.S_IMODE(grown.folder.secrets.stat().st_mode) == 0o600
    assert "BEGIN" not in said.replace("BEGIN CERTIFICATE", "")
    found = [
        one for one in leaks(grown, said) if not (guests == "lxc" and "/root/etc/practice-first-boot" in one)
    ]
    assert found == []


def test_the_authoritys_key_leaves_this_machine_for_nobody(
    grown: ClusterSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(grown, monkeypatch)
    own = {name: lines for name, lines in keys(grown).items() if name in ("etcd/ca.key", "ssh/key")}
    for host, machine in grown.cluster.machines.items():
        for path, file in machine.files.items():
            assert found_in(file.content, own) == [], f"{path} on {host}"


def test_the_seed_that_stays_holds_no_private_key(
    grown: ClusterSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(grown, monkeypatch)
    secrets = keys(grown)
    seeds = [
        file
        for host in ("tower-a", "tower-b")
        for path, file in grown.cluster.machines[host].files.items()
        if path.endswith("seed.iso")
    ]
    assert len(seeds) == len(grown.cluster.spec.machines)
    assert all(b"ssh_authorized_keys" in seed.content for seed in seeds)
    assert [found_in(seed.content, secrets) for seed in seeds] == [[]] * len(seeds)


# --- controls: each way to leak is caught


def test_control_a_script_that_prints_its_payload_is_caught(
    grown: ClusterSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chatty(machine: Machine, args: Args, payload: bytes) -> Answer:
        done = scripts.HANDLERS["do/etcd-configure"](machine, args, payload)
        return replace(done, output=done.output + payload.decode())

    said = everything(grown, monkeypatch, do_etcd_configure=chatty)
    found = list(leaks(grown, said))
    assert any("output of etcd.configure" in one for one in found)
    assert any("events.jsonl" in one for one in found)


def test_control_a_key_that_others_can_read_is_caught(
    grown: ClusterSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = everything(grown, monkeypatch)
    files = grown.cluster.machines["pi"].files
    path = "/etc/etcd/pki/member.key"
    files[path] = replace(files[path], mode=0o640)
    assert list(leaks(grown, said)) == [f"etcd/pi.key: {path} on pi, mode 640"]


def test_control_a_key_in_a_file_of_ours_is_caught(
    grown: ClusterSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = everything(grown, monkeypatch)
    (Path(grown.home) / "report.txt").write_text(keys(grown)["etcd/ca.key"][0])
    assert list(leaks(grown, said)) == ["etcd/ca.key: report.txt"]
