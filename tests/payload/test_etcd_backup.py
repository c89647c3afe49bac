"""The scheduled backup of etcd: how it is encrypted, and what a guest's key may do where backups lie."""

from __future__ import annotations

import hashlib
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from wizard.payload.etcd_backup import Store, authorized_line

RECEIVE = str(files("assets").joinpath("etcd/backup-receive.sh"))
NAME = "etcd-home-etcd-a-20261128T033000Z.tar.cms"


class Folder:
    """A folder of backups, and the script that a guest's key may run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def hand_in(
        self, content: bytes, name: str = NAME, digest: str = "", *, keep: int = 2, asked: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        digest = digest or hashlib.sha256(content).hexdigest()
        return subprocess.run(
            ["sh", RECEIVE, str(self.folder), "home", "etcd-a", str(keep)],
            env={
                "PATH": "/usr/bin:/bin",
                "SSH_ORIGINAL_COMMAND": f"{name} {digest}" if asked is None else asked,
            },
            input=content.decode(),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "backups")


def test_a_backup_is_kept_whole_and_root_s_alone(store: Folder) -> None:
    done = store.hand_in(b"a backup")
    assert (done.returncode, done.stdout) == (0, f"kept {NAME}\n")
    assert (store.folder / NAME).read_bytes() == b"a backup"
    assert (store.folder / NAME).stat().st_mode & 0o777 == 0o600


def test_the_newest_of_each_member_stay(store: Folder) -> None:
    other = "etcd-home-etcd-b-20261120T033000Z.tar.cms"
    (store.folder / other).write_bytes(b"of another member")
    (store.folder / "notes.txt").write_bytes(b"of a person")
    for day in range(1, 5):
        assert store.hand_in(b"x", f"etcd-home-etcd-a-2026110{day}T033000Z.tar.cms").returncode == 0
    kept = [f"etcd-home-etcd-a-2026110{day}T033000Z.tar.cms" for day in (3, 4)]
    assert store.names == sorted([*kept, other, "notes.txt"])


@pytest.mark.parametrize(
    "asked",
    [
        "",
        NAME,
        f"../{NAME} {'0' * 64}",
        f"{NAME}/../x {'0' * 64}",
        f"etcd-home-etcd-b-20261128T033000Z.tar.cms {'0' * 64}",
        f"{NAME} {'0' * 63}",
        f"{NAME} {'0' * 63};",
        "rm -rf /",
        "internal-sftp",
    ],
)
def test_a_key_may_do_nothing_else(store: Folder, asked: str) -> None:
    done = store.hand_in(b"x", asked=asked)
    assert done.returncode == 1 and done.stdout == ""
    assert store.names == []


def test_what_arrives_as_another_file_is_not_kept(store: Folder) -> None:
    done = store.hand_in(b"cut o", digest=hashlib.sha256(b"cut off").hexdigest())
    assert done.returncode == 1 and "arrived as another file" in done.stderr
    assert store.names == []


def test_a_share_that_is_not_there_is_told(store: Folder) -> None:
    store.folder.rmdir()
    done = store.hand_in(b"x")
    assert done.returncode == 1 and "there is no folder" in done.stderr


def test_a_guests_key_runs_the_one_command() -> None:
    store = Store("/mnt/user/my backups", "home", "root", "192.168.10.12", unraid=True)
    line = authorized_line(store, "etcd-a", 7, "ssh-ed25519 AAAA whoever made it")
    assert line == (
        "restrict,command=\"sh /boot/config/wizard/backup-receive '/mnt/user/my backups/etcd-home' home etcd-a 7\" "
        "ssh-ed25519 AAAA wizard-etcd-backup home etcd-a"
    )


def test_only_the_key_that_is_not_on_the_guests_reads_a_backup(tmp_path: Path) -> None:
    """The commands of assets/etcd/backup.sh, with a key of the kind the wizard makes; openssl 3 on both ends."""
    key, certificate = tmp_path / "key.pem", tmp_path / "recipient.pem"
    openssl(
        *(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ),
        *("-subj", "/CN=backup of home", "-keyout", str(key), "-out", str(certificate)),
    )
    plain, packed, back = tmp_path / "all.tar", tmp_path / "all.cms", tmp_path / "back.tar"
    plain.write_bytes(b"a snapshot and the token K10secret" * 3000)
    script = files("assets").joinpath("etcd/backup.sh").read_text(encoding="utf-8")
    words = "cms -encrypt -binary -stream -aes-256-gcm -outform DER"
    assert f"openssl {words} -in" in script
    openssl(*words.split(), "-in", str(plain), "-out", str(packed), str(certificate))
    assert b"K10secret" not in packed.read_bytes()
    decrypt = ("cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", str(key), "-in", str(packed))
    openssl(*decrypt, "-out", str(back))
    assert back.read_bytes() == plain.read_bytes()
    raw = bytearray(packed.read_bytes())
    raw[len(raw) // 2] ^= 1
    packed.write_bytes(raw)
    assert openssl(*decrypt, "-out", str(back), ok=False) != 0, (
        "a changed backup was read as if it were whole"
    )


def openssl(*words: str, ok: bool = True) -> int:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=30, check=False)
    assert not ok or done.returncode == 0, done.stderr
    return done.returncode
