"""Passwords and passphrases stand in their own 0600 file and go over stdin; nowhere else, ever."""

from __future__ import annotations

import base64
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.lab.story.leaks import Canaries, Watch, watched
from tests.lab.story.operators import Operator, settle_in
from tests.lab.story.world import World, tell, until
from wizard.core.errors import ExitCode

pytestmark = pytest.mark.lab

EFFECT_SECONDS = 1.5
"""How long the change runs on each host while all processes are looked at."""

MAIN_KEYS = "/root/.ssh/authorized_keys"


@pytest.fixture
def canaries() -> Canaries:
    return Canaries(
        {name: f"{name}-{secrets.token_hex(12)}" for name in ("password", "sudo", "passphrase", "wrong")}
    )


@pytest.fixture
def guarded(world: World, canaries: Canaries, tmp_path: Path) -> Iterator[Operator]:
    """Reaches the Pi by password with another one for sudo, and tower-a by an encrypted key."""
    secret = canaries.secrets
    operator = settle_in(world.lab, tmp_path / "guarded")
    credentials = operator.home / "credentials.yaml"
    credentials.touch(mode=0o600)
    credentials.write_text(
        f"pi: {{password: {secret['password']}, sudo: {secret['sudo']}}}\n"
        f"tower-a: {{passphrase: {secret['passphrase']}}}\n"
    )
    public = encrypted_key(operator.home / "encrypted", secret["passphrase"])
    spec = operator.home / "cluster.yaml"
    text = spec.read_text().replace("    user: pi\n", "    user: canary\n")
    text = text.replace("  - name: tower-a\n", f"  - name: tower-a\n    key: {operator.home / 'encrypted'}\n")
    spec.write_text(text)
    passwords = f"canary:{secret['password']}\nroot:{secret['sudo']}\n".encode()
    script = (Path(__file__).parent / "scripts" / "person.sh").read_text()
    lab = world.lab
    lab.inside("pi", "tee", "/run/story-person", given=script.encode())
    lab.inside("pi", "/bin/sh", "/run/story-person", "add", given=passwords)
    allowed = lab.inside("tower-a", "cat", MAIN_KEYS)
    lab.inside("tower-a", "tee", MAIN_KEYS, given=f"{public}\n".encode())
    yield Operator(operator.home, ("--credentials", str(credentials)))
    lab.inside("tower-a", "tee", MAIN_KEYS, given=allowed.encode())
    lab.inside("pi", "/bin/sh", "/run/story-person", "remove")
    lab.inside("pi", "rm", "/run/story-person")


def encrypted_key(path: Path, passphrase: str) -> str:
    """Make an encrypted key (0600) and return its public half."""
    key = Ed25519PrivateKey.generate()
    locked = form.BestAvailableEncryption(passphrase.encode())
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, locked))
    return key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH).decode()


def everywhere(canaries: Canaries, world: World, operator: Operator, watch: Watch) -> list[str]:
    """Every place a canary was seen in, but the file that is there to hold it."""
    found = sorted(watch.found)
    found += canaries.in_folder(operator.home, but=(operator.home / "credentials.yaml",))
    for host in world.lab.names:
        found += canaries.in_host(world.lab, host)
    return found


def test_secrets_are_used_and_left_nowhere(world: World, guarded: Operator, canaries: Canaries) -> None:
    world.equip(EFFECT_SECONDS)
    said = b""
    with watched(canaries) as watch:
        for words, code in ((("facts",), 0), (("apply", "--plain", "--yes"), 0), (("doctor", "--json"), 0)):
            done = guarded.run(*words, code=code)
            said += (done.stdout + done.stderr).encode()
    assert canaries.names_in(said) == []
    assert everywhere(canaries, world, guarded, watch) == []
    by_password = world.lab.inside(
        "pi", "sh", "-c", "journalctl -q -o cat | grep -c 'Accepted password for canary'"
    )
    assert int(by_password) >= 3, "the password was not what let us in"
    assert world.seen("pi").marker["name"] == "lab", "sudo was not what let us write"
    tell(f"looked {watch.rounds} times at {len(watch.processes)} processes: no canary but in its own file")


def test_a_wrong_password_is_not_repeated_to_anybody(
    world: World, guarded: Operator, canaries: Canaries
) -> None:
    credentials = guarded.home / "credentials.yaml"
    good = credentials.read_text()
    said = ""
    with watched(canaries) as watch:
        for kind in ("password", "sudo", "passphrase"):
            credentials.write_text(good.replace(canaries.secrets[kind], canaries.secrets["wrong"]))
            done = guarded.run("facts", code=int(ExitCode.UNREACHABLE))
            said += done.stdout + done.stderr
    assert canaries.names_in(said.encode()) == []
    assert everywhere(canaries, world, guarded, watch) == []


def test_a_leak_on_purpose_is_caught(world: World, guarded: Operator, canaries: Canaries) -> None:
    """The control: each place a secret could leak into is given one, and the same functions must find it."""
    secret = canaries.secrets
    lab = world.lab
    idle = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    in_arguments = subprocess.Popen([*idle, secret["password"]], stdin=subprocess.PIPE)
    in_environment = subprocess.Popen(idle, stdin=subprocess.PIPE, env={"TOKEN": f"x{secret['sudo']}y"})
    in_host = f"TOKEN={secret['passphrase']} sleep 30 & exec sleep 0".encode()
    with watched(canaries) as watch:
        lab.inside(
            "pi", "/bin/sh", "-c", "cat >/run/story-leak; sh /run/story-leak >/dev/null 2>&1", given=in_host
        )
        until(lambda: len(watch.found) >= 3, f"three leaks in processes: {watch.found}")
    for process in (in_arguments, in_environment):
        process.communicate()
    lab.inside("pi", "rm", "/run/story-leak")
    assert watch.found >= {"password: cmdline", "sudo: environ", "passphrase: environ"}

    (guarded.folder / "events.jsonl").write_text(f'{{"detail": "{in_base64(secret["sudo"])}"}}\n')
    lab.inside("tower-b", "tee", "/boot/config/story-leak", given=secret["wrong"].encode())
    lab.inside("tower-a", "logger", "--", secret["passphrase"])
    found = everywhere(canaries, world, guarded, Watch(canaries))
    lab.inside("tower-b", "rm", "/boot/config/story-leak")
    assert f"sudo: {guarded.folder / 'events.jsonl'}" in found
    assert {"wrong: in tower-b", "passphrase: in tower-a"} <= set(found)


def in_base64(secret: str) -> str:
    """The secret as a careless log would have it: in base64, in the middle of something."""

    return base64.b64encode(f"password={secret};".encode()).decode()
