"""Seeds as cloud-init reads them: the image by pycdlib, the text by a YAML reader."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pycdlib
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

from tests.payload.guest import guest
from wizard.core.secret import Secret
from wizard.payload.cloud_init import meta_data, network_config, user_data
from wizard.payload.domain_xml_lxc import first_boot_tar
from wizard.payload.seed_iso import seed_iso
from wizard.payload.ssh_keys import key_pair

CANARY = "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----\n"
CLUSTER, HOST = "ssh-ed25519 AAAAcluster home", "ssh-ed25519 AAAAhost etcd-a"


def config(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of many types
    text = user_data(guest(**changes), CLUSTER, HOST, Secret(CANARY))
    assert text.startswith("#cloud-config\n")
    return dict(yaml.safe_load(text))


def test_root_gets_in_by_the_clusters_key_and_nobody_by_a_password() -> None:
    made = config()
    assert made["ssh_authorized_keys"] == [CLUSTER]
    assert made["disable_root"] is False
    assert made["ssh_pwauth"] is False
    assert made["users"] == []


def test_only_the_key_we_made_is_shown() -> None:
    made = config()
    assert made["ssh_keys"] == {"ed25519_private": CANARY, "ed25519_public": HOST}
    assert made["ssh_deletekeys"] is True
    assert made["ssh_genkeytypes"] == ["ed25519"], "an empty list is against cloud-init's schema"
    (file,) = made["write_files"]
    assert file["path"].startswith("/etc/ssh/sshd_config.d/")
    assert "HostKey /etc/ssh/ssh_host_ed25519_key\n" in file["content"]


def test_the_data_disk_is_found_by_serial_made_with_our_uuid_and_mounted_by_it() -> None:
    plan = guest()
    made = config()
    ((shell, option, script, *words),) = made["bootcmd"]
    assert (shell, option, words) == ("sh", "-c", ["data-disk", plan.serial, plan.data_uuid])
    assert "blkid -p" in script, "it looks before it makes"
    ((source, mount, kind, options, *_),) = made["mounts"]
    assert (source, mount, kind) == (f"UUID={plan.data_uuid}", "/var/lib/etcd", "ext4")
    assert {"nofail", "x-systemd.growfs"} <= set(options.split(","))
    assert "bootcmd" not in config(data=None)
    assert "mounts" not in config(data=None)


def test_the_seed_that_stays_holds_no_private_key() -> None:
    stays = user_data(guest(), CLUSTER, HOST, None)
    assert "PRIVATE" not in stays
    assert "ssh_keys" not in yaml.safe_load(stays)
    assert yaml.safe_load(stays)["ssh_deletekeys"] is False, "the key that is there is the right one"
    assert b"PRIVATE" not in seed_iso(guest(), CLUSTER, HOST, None)


def test_nothing_at_the_first_boot_needs_a_network() -> None:
    made = config()
    assert not {"packages", "package_update", "package_upgrade", "apt"} & made.keys()
    ((*_, script),) = made["runcmd"]
    assert "cloud" in script
    for fetches in ("apt", "curl", "wget", "http"):
        assert fetches not in script


def test_the_network_is_static_and_found_by_a_quoted_mac() -> None:
    text = network_config(guest(given_mac="52:54:00:11:22:33"))
    assert 'macaddress: "52:54:00:11:22:33"' in text
    card = yaml.safe_load(text)["ethernets"]["lan"]
    assert card["addresses"] == ["10.0.0.31/24"]
    assert card["routes"] == [{"to": "0.0.0.0/0", "via": "10.0.0.1"}]
    assert card["nameservers"] == {"addresses": ["9.9.9.9", "1.1.1.1"], "search": ["home.arpa"]}
    assert card["dhcp4"] is False
    assert "mtu" not in card
    assert yaml.safe_load(network_config(guest(mtu=9000)))["ethernets"]["lan"]["mtu"] == 9000


def test_a_mac_of_digits_alone_stays_text() -> None:
    """YAML 1.1 readers take 52:54:00:11:22:33 for a number in base 60."""
    card = yaml.safe_load(network_config(guest(given_mac="52:54:00:11:22:33")))["ethernets"]["lan"]
    assert card["match"]["macaddress"] == "52:54:00:11:22:33"


def test_the_image_has_the_label_and_the_three_files_under_both_kinds_of_names() -> None:
    plan = guest()
    iso = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(seed_iso(plan, CLUSTER, HOST, Secret(CANARY))))
    assert iso.pvd.volume_identifier.decode().strip() == "cidata"
    wanted = {
        "user-data": user_data(plan, CLUSTER, HOST, Secret(CANARY)),
        "meta-data": meta_data(plan),
        "network-config": network_config(plan),
    }
    for name, text in wanted.items():
        for how in ({"rr_path": f"/{name}"}, {"joliet_path": f"/{name}"}):
            got = io.BytesIO()
            iso.get_file_from_iso_fp(got, **how)
            assert got.getvalue().decode() == text
    iso.close()


def test_the_instance_is_the_machine_and_no_other() -> None:
    made = yaml.safe_load(meta_data(guest()))
    assert made == {"instance-id": guest().instance_id, "local-hostname": "etcd-a"}


def test_keys_are_ed25519_and_belong_together() -> None:
    private, public = key_pair("home")
    key = load_ssh_private_key(private.reveal().encode(), None)
    assert isinstance(key, Ed25519PrivateKey)
    line = public.reveal()
    assert line.startswith("ssh-ed25519 ")
    assert line.endswith(" home")
    assert load_ssh_public_key(line.encode()) == key.public_key()
    assert key_pair("home")[0] != private


def test_a_containers_first_boot_files_are_what_cloud_init_would_have_written() -> None:
    plan = guest(driver="lxc")
    with tarfile.open(fileobj=io.BytesIO(first_boot_tar(plan, CLUSTER, Secret(CANARY), HOST))) as tar:
        files = {
            one.name: (one.mode, tar.extractfile(one).read().decode())  # type: ignore[union-attr]
            for one in tar
            if one.isfile()
        }
        owners = {(one.uid, one.gid) for one in tar}
    assert owners == {(0, 0)}
    assert files["etc/hostname"] == (0o644, "etcd-a\n")
    assert files["root/.ssh/authorized_keys"] == (0o600, f"{CLUSTER}\n")
    assert files["etc/ssh/ssh_host_ed25519_key"] == (0o600, CANARY)
    assert f"MACAddress={plan.mac}" in files["etc/systemd/network/10-lan.network"][1]
    assert "Address=10.0.0.31/24" in files["etc/systemd/network/10-lan.network"][1]
    assert files["etc/fstab"][1].startswith(f"UUID={plan.data_uuid} /var/lib/etcd ext4 ")
    assert "etcd-a.home.arpa" in files["etc/hosts"][1]


def test_a_guest_without_a_data_disk_is_told_nothing_of_one() -> None:
    told = yaml.safe_load(user_data(guest(data=None), CLUSTER, HOST, None))
    assert not {"bootcmd", "mounts", "ssh_keys"} & told.keys()
    assert {"runcmd", "write_files", "ssh_deletekeys"} <= told.keys()
