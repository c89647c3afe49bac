"""A cluster in a person's kubeconfig: what others have in it stays, and nothing is lost on the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rows import assert_explained, folder_digest
from tests.state.faulty import FailAt, Recorder
from tests.state.samples import needs_root
from wizard.core.errors import ExitCode, RefusedError, StateError, WizardError
from wizard.core.kubeconfig import Admin, encoded
from wizard.core.kubeconfig_files import Written, kubeconfig_paths, put_kubeconfig
from wizard.front.kubeconfig import kubeconfig_text
from wizard.payload.certificates import make_authority, make_client

NAME, SERVER = "home", "https://192.168.10.40:6443"
OTHERS = """\
apiVersion: v1
kind: Config
preferences: {}
current-context: work
clusters:
- cluster: {server: "https://10.1.1.1:6443", insecure-skip-tls-verify: true}
  name: work
contexts:
- context: {cluster: work, user: anna, namespace: team}
  name: work
users:
- name: anna
  user: {auth-provider: {name: oidc, config: {expiry: 2026-11-28T06:00:00Z}}}
"""


def administrator() -> Admin:
    """Of a cluster of its own."""
    authority = make_authority("k3s-server-ca", datetime.now(UTC))
    pair = make_client(authority, "system:admin", datetime.now(UTC))
    return Admin(authority.certificate, pair.certificate, pair.key)


@pytest.fixture(scope="module")
def admin() -> Admin:
    return administrator()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A kubeconfig with somebody else's cluster in it."""
    place = tmp_path / "kube" / "config"
    place.parent.mkdir()
    place.write_text(OTHERS)
    place.chmod(0o600)
    return place


def put(place: Path, admin: Admin, name: str = NAME, server: str = SERVER) -> Written:
    return put_kubeconfig((place,), admin, server, name)


def read(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(place.read_text(), yaml.BaseLoader)
    return found


def entry(place: Path, kind: str, name: str = NAME) -> dict[str, Any]:
    (found,) = [one for one in read(place)[f"{kind}s"] if one["name"] == name]
    inner: dict[str, Any] = found[kind]
    return inner


def refused(place: Path, admin: Admin, *says: str, do: str = "--context home-homelab") -> None:
    """The file is left as it is, and the person told why."""
    before = folder_digest(place.parent)
    with pytest.raises(RefusedError) as told:
        put(place, admin)
    assert_explained(
        told.value,
        exit_code=ExitCode.FAILED,
        says=(str(place), *says),
        do=do,
        unchanged=lambda: folder_digest(place.parent),
        before=before,
    )


def test_where_there_is_none_it_is_made_for_the_person_alone(tmp_path: Path, admin: Admin) -> None:
    place = tmp_path / "home" / ".kube" / "config"
    written = put(place, admin)
    assert (written.changed, written.current, written.backup) == (True, True, None)
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert read(place)["current-context"] == NAME
    assert entry(place, "cluster") == {
        "certificate-authority-data": encoded(admin.authority),
        "server": SERVER,
    }
    assert entry(place, "context") == {"cluster": NAME, "user": NAME}
    assert entry(place, "user")["client-key-data"] == encoded(admin.key.reveal())
    assert [one.name for one in place.parent.iterdir()] == ["config"]


def test_what_others_have_in_it_stays_and_a_backup_is_kept(config: Path, admin: Admin) -> None:
    written = put(config, admin)
    assert written.backup is not None
    assert written.backup.read_text() == OTHERS
    assert written.backup.stat().st_mode & 0o777 == 0o600
    assert not written.current
    kept = read(config)
    before = yaml.load(OTHERS, yaml.BaseLoader)
    assert kept["current-context"] == "work"
    for key in ("clusters", "contexts", "users"):
        assert kept[key][:1] == before[key]
        assert [one["name"] for one in kept[key]] == [before[key][0]["name"], NAME]
    assert "kubectl --context home get nodes" in kubeconfig_text(NAME, SERVER, written)
    assert yaml.safe_load(config.read_text())["clusters"][0]["cluster"]["insecure-skip-tls-verify"] is True


def test_a_second_time_nothing_is_written(config: Path, admin: Admin) -> None:
    put(config, admin)
    before = folder_digest(config.parent)
    written = put(config, admin)
    assert (written.changed, written.backup) == (False, None)
    assert folder_digest(config.parent) == before


def test_what_a_person_added_to_the_context_stays(config: Path, admin: Admin) -> None:
    put(config, admin)
    found = yaml.safe_load(config.read_text())
    found["contexts"][1]["context"]["namespace"] = "nextcloud"
    config.write_text(yaml.safe_dump(found))
    assert not put(config, admin).changed
    assert entry(config, "context")["namespace"] == "nextcloud"


def test_another_authority_at_the_same_address_is_noticed_and_said(config: Path, admin: Admin) -> None:
    """Row 78: the kubeconfig of a person is of the cluster's authority before."""
    put(config, admin)
    anew = administrator()
    written = put(config, anew)
    (said,) = written.noticed
    assert admin.fingerprint in said
    assert anew.fingerprint in said
    assert entry(config, "cluster")["certificate-authority-data"] == encoded(anew.authority)
    assert written.backup is not None
    assert encoded(admin.authority) in written.backup.read_text()


def test_another_address_of_the_same_authority_is_ours(config: Path, admin: Admin) -> None:
    put(config, admin)
    assert put(config, admin, server="https://192.168.10.50:6443").noticed == ()
    assert entry(config, "cluster")["server"] == "https://192.168.10.50:6443"
    assert len(read(config)["clusters"]) == 2


def test_another_clusters_entry_of_the_name_is_never_touched(config: Path, admin: Admin) -> None:
    put(config, administrator(), server="https://10.9.9.9:6443")
    refused(config, admin, "home is at https://10.9.9.9:6443, with another authority")


def test_a_user_of_the_name_is_not_touched(config: Path, admin: Admin) -> None:
    config.write_text(OTHERS.replace("anna", NAME))
    refused(config, admin, "a user home")


def test_a_context_of_the_name_that_is_of_another_cluster_is_not_touched(config: Path, admin: Admin) -> None:
    config.write_text(OTHERS.replace("  name: work\nusers", f"  name: {NAME}\nusers"))
    refused(config, admin, "is of the cluster 'work'")


def test_under_another_name_it_goes_in(config: Path, admin: Admin) -> None:
    put(config, administrator(), server="https://10.9.9.9:6443")
    assert put(config, admin, "home-homelab").changed
    assert entry(config, "cluster")["server"] == "https://10.9.9.9:6443"
    assert entry(config, "cluster", "home-homelab")["server"] == SERVER


def test_of_several_files_the_one_with_the_entry_is_written_else_the_first_there_is(
    config: Path, tmp_path: Path, admin: Admin
) -> None:
    missing, second = tmp_path / "missing", tmp_path / "second"
    assert put_kubeconfig((missing, config), admin, SERVER, NAME).path == config
    put(second, admin, server="https://192.168.10.41:6443")
    written = put_kubeconfig((missing, second, config), admin, SERVER, NAME)
    assert written.path == second
    assert not missing.exists()
    assert put_kubeconfig((missing, tmp_path / "last"), admin, SERVER, NAME).path == tmp_path / "last"


def test_which_files_there_are(tmp_path: Path) -> None:
    assert kubeconfig_paths({"HOME": "/home/anna"}) == (Path("/home/anna/.kube/config"),)
    assert kubeconfig_paths({"HOME": "/h", "KUBECONFIG": f"/a{os.pathsep}{os.pathsep}/b"}) == (
        Path("/a"),
        Path("/b"),
    )


def test_a_link_stays_and_what_it_leads_to_is_written(config: Path, tmp_path: Path, admin: Admin) -> None:
    link = tmp_path / "link"
    link.symlink_to(config)
    assert put(link, admin).path == config
    assert link.is_symlink()
    assert entry(config, "cluster")["server"] == SERVER


def test_one_that_others_could_read_is_closed_and_that_is_said(config: Path, admin: Admin) -> None:
    put(config, admin)
    config.chmod(0o644)
    written = put(config, admin)
    assert config.stat().st_mode & 0o777 == 0o600
    assert "Others could read it (mode 0644)" in " ".join(written.noticed)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clusters: [", "it is not YAML"),
        ("- a\n", "no list of keys"),
        ("clusters: {a: b}\n", "its clusters are no list"),
        ("users: [{user: {}}]\n", "one of its users has no name"),
        ("#" * 1024 * 1024 + "##", "more than 1,048,576 bytes"),
    ],
)
def test_what_is_no_kubeconfig_is_left_alone(config: Path, admin: Admin, text: str, why: str) -> None:
    config.write_text(text)
    refused(config, admin, why, do="mv ")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path, admin: Admin) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(RefusedError, match="cannot be added to"):
        put(pipe, admin)


@needs_root
def test_somebody_elses_is_not_written(config: Path, admin: Admin) -> None:
    os.chown(config, 65534, -1)
    refused(config, admin, "belongs to nobody", do="without sudo")


def test_while_kubectl_writes_nothing_is_written(config: Path, admin: Admin) -> None:
    lock = config.with_name("config.lock")
    lock.touch()
    refused_lock(config, admin, lock)
    lock.unlink()
    assert put(config, admin).changed
    assert not lock.exists()


def refused_lock(config: Path, admin: Admin, lock: Path) -> None:
    before = folder_digest(config.parent)
    with pytest.raises(RefusedError) as told:
        put(config, admin)
    assert_explained(
        told.value,
        exit_code=ExitCode.FAILED,
        says=(str(lock),),
        do=f"rm -f {lock}",
        unchanged=lambda: folder_digest(config.parent),
        before=before,
    )


def calls_of(run: Callable[[Recorder], object]) -> list[str]:
    recorder = Recorder(armed=True)
    run(recorder)
    return recorder.names


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES])
def test_row_a10_whatever_fails_the_file_is_the_old_one_or_the_new_one(
    tmp_path: Path, admin: Admin, number: int
) -> None:
    """Rows 10 and 11, for the person's kubeconfig: at every call in turn, and from it on."""
    place = tmp_path / "count" / "config"
    place.parent.mkdir()
    place.write_text(OTHERS)
    count = len(calls_of(lambda system: put_kubeconfig((place,), admin, SERVER, NAME, system)))
    whole = read(place)
    assert count > 10
    failures = 0
    for index in range(count):
        for for_ever in (False, True):
            config = tmp_path / f"{index}{for_ever}" / "config"
            config.parent.mkdir()
            config.write_text(OTHERS)
            system = FailAt(armed=True, index=index, number=number, for_ever=for_ever)
            try:
                put_kubeconfig((config,), admin, SERVER, NAME, system)
            except WizardError as error:
                failures += 1
                told = assert_explained(error, exit_code=error.exit_code, says=(), do="")
                assert str(config.parent) in told["where"]
                assert isinstance(error, StateError | RefusedError)
            assert read(config) in (yaml.load(OTHERS, yaml.BaseLoader), whole), index
            left = {one.name for one in config.parent.iterdir() if one.name.endswith(".tmp")}
            assert not left or for_ever
    assert failures > count // 2
