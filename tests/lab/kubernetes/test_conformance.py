"""What the lab's K3s must do as K3s does: one test for each thing that the wizard or its users meet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.kubernetes.conformance_machines import (
    AGENT_TOKEN,
    CONFIG,
    DATA,
    TOKEN,
    Cluster,
    Machine,
    eventually,
)

pytestmark = pytest.mark.lab

PODS = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: probe}
spec:
  selector: {matchLabels: {app: probe}}
  template:
    metadata: {labels: {app: probe}}
    spec:
      tolerations: [{operator: Exists}]
      containers: [{name: probe, image: "homelab.arpa/lab/probe:1", imagePullPolicy: Never}]
---
apiVersion: v1
kind: Service
metadata: {name: probe}
spec: {selector: {app: probe}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: probe}
spec: {podSelector: {matchLabels: {app: probe}}, ingress: [{}]}
"""

REGISTRY = Path(__file__).parent / "scripts" / "registry.py"

READY = "k3s kubectl get node {} -o 'jsonpath={{.status.conditions[?(@.type==\"Ready\")].status}}' | grep -qx True"


def fails(node: Machine, command: str, said: str) -> None:
    """A command that must end by itself, with K3s's words."""
    done = node.try_run(f"timeout 60 {command} 2>&1")
    assert done.code not in {0, 124}, done.out
    assert said in done.out, done.out


# Before anything runs


def test_an_unknown_flag_stops_it(blank: Cluster) -> None:
    for command in ("server", "agent"):
        fails(blank["one"], f"k3s {command} --no-such-flag", "flag provided but not defined: -no-such-flag")


def test_an_unknown_key_stops_an_agent_and_a_server_leaves_it_out(blank: Cluster) -> None:
    one = blank["one"]
    one.put("/root/bad.yaml", "no-such-key: 1\n")
    fails(one, "k3s agent --config /root/bad.yaml", "flag provided but not defined: -no-such-key")
    fails(
        one, "k3s server --config /root/bad.yaml", "Unknown flag --no-such-key found in config.yaml, skipping"
    )


def test_what_is_not_here_is_refused_plainly(blank: Cluster) -> None:
    one = blank["one"]
    fails(one, "k3s server", "neither SQLite, kine nor embedded etcd")
    fails(one, "k3s server --cluster-init", "--cluster-init is not part of the lab's K3s")
    fails(one, "k3s agent --token x", "--server is required")
    told = one.run("k3s --help")
    assert "embedded etcd" in told and "network policies (accepted, not enforced)" in told
    assert one.run("k3s --version").startswith("k3s version v1.36.4+k3s1 ")


# The cluster


def test_servers_and_agent_are_there_with_their_roles(cluster: Cluster) -> None:
    nodes = json.loads(cluster.kubectl("get nodes -o json"))["items"]
    roles = {
        node["metadata"]["name"]: "node-role.kubernetes.io/control-plane" in node["metadata"]["labels"]
        for node in nodes
    }
    assert roles == {"one": True, "two": True, "three": False}
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes} == {"v1.36.4+k3s1"}
    assert cluster["one"].run("systemctl is-active k3s").strip() == "active"  # Type=notify: it said so itself


def test_the_second_server_has_the_first_ones_authorities_from_the_datastore(cluster: Cluster) -> None:
    sums = [
        cluster[name].run(f"cd {DATA}/server/tls; sha256sum server-ca.key client-ca.key service.key")
        for name in ("one", "two")
    ]
    assert sums[0] == sums[1]
    found = _etcdctl(cluster, "get --prefix /bootstrap/ --print-value-only")
    assert found.strip()
    assert "PRIVATE KEY" not in found


def test_files_lie_where_k3s_has_them(cluster: Cluster) -> None:
    one = cluster["one"]
    assert one.run("stat -c %a /etc/rancher/k3s/k3s.yaml").strip() == "600"
    full = one.run(f"cat {DATA}/server/token").strip()
    digest = one.run(f"sha256sum {DATA}/server/tls/server-ca.crt").split()[0]
    assert full == f"K10{digest}::server:{TOKEN}"
    assert one.run(f"cat {DATA}/server/agent-token").strip() == f"K10{digest}::node:{AGENT_TOKEN}"
    one.run(f"test -x {DATA}/data/current/bin/containerd && test -x {DATA}/data/current/bin/runc")


def test_names_given_before_the_first_start_are_in_the_certificate(cluster: Cluster) -> None:
    one = cluster["one"]
    told = f"--cacert {DATA}/server/tls/server-ca.crt --resolve api.conformance.lab:6443:{one.address}"
    assert one.run(f"curl -s {told} https://api.conformance.lab:6443/ping") == "pong"


def test_a_wrong_token_is_refused_with_k3ss_words(cluster: Cluster) -> None:
    options = _elsewhere(cluster, "wrong")
    said = "starting kubernetes: preparing server: bootstrap data already found and encrypted with different token"
    fails(cluster["three"], f"k3s server --token wrong {options}", said)


def test_settings_that_must_be_the_same_are_compared_with_the_server_named(cluster: Cluster) -> None:
    options = f"--server https://{cluster['one'].address}:6443 --token {TOKEN} --cluster-cidr 10.50.0.0/16"
    options += f" {_elsewhere(cluster, 'other')}"
    said = "critical configuration value mismatch between servers"
    fails(cluster["three"], f"k3s server {options}", said)


def test_the_agents_token_does_not_open_what_is_the_servers(cluster: Cluster) -> None:
    one = cluster["one"]
    ask = f"curl -s -o /dev/null -w '%{{http_code}}' --cacert {DATA}/server/tls/server-ca.crt https://127.0.0.1:6443/v1-k3s"
    assert one.run(f"{ask}/config -u node:{AGENT_TOKEN}") == "200"
    assert one.run(f"{ask}/config -u node:wrong") == "401"
    assert one.run(f"{ask}/server-bootstrap -u node:{AGENT_TOKEN}") == "403"


def test_the_kubelets_drop_ins_are_merged_in_the_order_of_their_names(cluster: Cluster) -> None:
    three = cluster["three"]
    head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
    folder = f"{DATA}/agent/etc/kubelet.conf.d"
    three.put(f"{folder}/10-first.conf", f"{head}maxPods: 50\ncontainerLogMaxFiles: 7\n")
    three.put(f"{folder}/20-second.conf", f"{head}maxPods: 60\n")
    three.start("k3s-agent")
    cluster["one"].waits(READY.format("three"), 60, "the node is Ready again")
    told = "k3s kubectl get --raw /api/v1/nodes/three/proxy/configz"
    config = json.loads(cluster["one"].waits(told, 60, "the kubelet answers"))["kubeletconfig"]
    assert (config["maxPods"], config["containerLogMaxFiles"]) == (60, 7)


def test_labels_are_given_at_registration_only_and_drop_ins_add_to_lists(cluster: Cluster) -> None:
    three = cluster["three"]
    label = "get node three -o jsonpath={.metadata.labels}"
    assert json.loads(cluster.kubectl(label))["first"] == "yes"
    three.put(f"{CONFIG}.d/50-more.yaml", "node-label+: [second=yes]\n")
    three.start("k3s-agent")
    assert "second=yes" in three.log("k3s-agent", 400)  # the kubelet was told
    cluster["one"].waits(READY.format("three"), 60, "the node is Ready again")
    assert "second" not in json.loads(cluster.kubectl(label))
    taints = json.loads(cluster.kubectl("get node one -o jsonpath={.spec.taints}"))
    assert "node-role.kubernetes.io/control-plane" in {taint["key"] for taint in taints}


def test_images_are_imported_and_pinned_plain_or_compressed_also_later(cluster: Cluster) -> None:
    three = cluster["three"]
    listed = three.run("k3s ctr images ls")
    assert "docker.io/rancher/mirrored-pause:3.10.2" in listed
    assert "io.cri-containerd.pinned=pinned" in listed
    name = "homelab.arpa/lab/probe:1"
    three.run(f"k3s ctr images rm {name}; cd {DATA}/agent/images; zstd -q probe.tar -o later.tar.zst")
    three.waits(f"k3s ctr images ls -q | grep -qxF {name}", 60, "the archive that came later was imported")
    three.run(
        f"k3s ctr images rm {name}; cd {DATA}/agent/images; rm later.tar.zst; touch probe.tar; gzip -k probe.tar"
    )
    three.waits(f"k3s ctr images ls -q | grep -qxF {name}", 60, "a .tar.gz was imported")


def test_images_that_a_list_names_are_pulled(cluster: Cluster) -> None:
    """From a registry of this machine's own: there is no other here."""
    three, name = cluster["three"], "localhost:5005/lab/listed:1"
    three.put("/root/registry.py", REGISTRY.read_bytes())
    serve = f"systemd-run -q --unit lab-registry python3 /root/registry.py {DATA}/agent/images/probe.tar 5005"
    three.run(serve)
    three.waits("curl -sf http://localhost:5005/v2/", 30, "the registry answers")
    three.put(f"{DATA}/agent/images/listed.txt", f"{name}\n")
    three.waits(f"k3s ctr images ls -q | grep -qxF {name}", 60, "the image was pulled")
    three.run(f"systemctl stop lab-registry; rm {DATA}/agent/images/listed.txt")


def test_bootstrap_tokens_are_made_listed_and_deleted_and_let_agents_join(cluster: Cluster) -> None:
    one, three = cluster["one"], cluster["three"]
    full = one.run("k3s token create --ttl 1h --description for-three").strip()
    digest = one.run(f"sha256sum {DATA}/server/tls/server-ca.crt").split()[0]
    head, short = full.split("::")
    assert head == f"K10{digest}"
    heading, *rows = one.run("k3s token list").splitlines()
    assert heading.split()[:3] == ["TOKEN", "TTL", "EXPIRES"]
    (row,) = (row.split() for row in rows if row.startswith(short))
    assert row[1] in ("59m", "60m") and "for-three" in row
    three.put(f"{CONFIG}.d/70-token.yaml", f"token: {full}\n")
    three.start("k3s-agent")
    one.waits(READY.format("three"), 60, "the node joins by it")
    ask = f"curl -s -o /dev/null -w '%{{http_code}}' --cacert {DATA}/server/tls/server-ca.crt https://127.0.0.1:6443/v1-k3s"
    assert one.run(f"{ask}/config -u :{short}") == "200"
    assert one.run(f"{ask}/server-bootstrap -u :{short}") == "403"
    assert one.run(f"k3s token delete {short[:6]}") == f'bootstrap token "{short[:6]}" deleted\n'
    assert one.run(f"{ask}/config -u :{short}") == "401"
    assert short not in one.run("k3s token list")
    three.run(f"rm {CONFIG}.d/70-token.yaml")
    three.start("k3s-agent")


def test_a_machine_and_its_certificates_are_looked_at(cluster: Cluster) -> None:
    one = cluster["one"]
    assert one.run("k3s check-config").splitlines()[-1] == "STATUS: pass"
    told = one.run("k3s certificate check")
    assert "CN=kube-apiserver is ok, expires at 20" in told
    assert f"{DATA}/agent/client-kubelet.crt: certificate CN=system:node:one is ok" in told


def test_manifests_in_the_servers_folder_are_applied_and_skipped(cluster: Cluster) -> None:
    two = cluster["two"]
    for name in ("kept", "left"):
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\ndata: {{a: b}}\n"
        if name == "left":
            two.put(f"{DATA}/server/manifests/left.yaml.skip", "")
        two.put(f"{DATA}/server/manifests/{name}.yaml", text)
    two.waits("k3s kubectl get configmap kept", 60, "the manifest was applied")
    assert two.try_run("k3s kubectl get configmap left").code != 0
    assert "kept" in cluster.kubectl("get addons -n kube-system")
    assert cluster["one"].try_run("k3s kubectl -n kube-system get deployment coredns").code != 0  # disabled


def test_pods_talk_across_machines_and_through_a_service(cluster: Cluster) -> None:
    one = cluster["one"]
    one.put("/root/pods.yaml", PODS)
    cluster.kubectl("apply -f /root/pods.yaml")
    cluster.kubectl("rollout status daemonset/probe --timeout=90s", timeout=120)
    pods = json.loads(cluster.kubectl("get pods -l app=probe -o json"))["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {"one", "two", "three"}
    service = cluster.kubectl("get service probe -o jsonpath={.spec.clusterIP}")
    for target in (*(pod["status"]["podIP"] for pod in pods), service):
        one.waits(f"curl -sf -m 3 http://{target}/healthz", 30, f"{target} answers")
    name = next(pod["metadata"]["name"] for pod in pods if pod["spec"]["nodeName"] == "three")
    assert "port 80" in cluster.kubectl(f"logs {name}")
    said = one.try_run(f"k3s kubectl exec {name} -- /probe")  # it cannot listen twice, and says so
    assert "address already in use" in said.err


def test_secrets_are_encrypted_in_the_datastore(cluster: Cluster) -> None:
    cluster.kubectl("create secret generic hidden --from-literal=word=opensesame")
    stored = _etcdctl(cluster, "get /registry/secrets/default/hidden --print-value-only")
    assert stored.startswith("k8s:enc:aescbc:v1:aescbckey:")
    assert "opensesame" not in stored


# What goes wrong


def test_a_node_with_another_password_is_refused(cluster: Cluster) -> None:
    three = cluster["three"]
    three.stop("k3s-agent")
    three.run("cp /etc/rancher/node/password /root/password; echo other >/etc/rancher/node/password")
    three.run("systemctl start --no-block k3s-agent")
    said = (
        "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match"
    )
    three.waits(f'journalctl -u k3s-agent -o cat | grep -qF "{said}"', 60, "the password is refused")
    three.run("cp /root/password /etc/rancher/node/password")
    three.waits("systemctl is-active k3s-agent", 60, "the agent comes up with the right one")


def test_an_agent_with_another_clusters_hash_says_so(cluster: Cluster) -> None:
    three = cluster["three"]
    token = f"K10{'0' * 64}::node:{AGENT_TOKEN}"
    command = (
        f"k3s agent --server https://{cluster['one'].address}:6443 --lb-server-port 7444 --data-dir /tmp/hash"
    )
    said = three.try_run(f"timeout 5 {command} --token {token} --config /dev/null 2>&1").out
    assert "token CA hash does not match the Cluster CA certificate hash" in said


def test_pods_outlive_a_restart_of_everything(cluster: Cluster) -> None:
    before = _containers(cluster)
    for node, unit in (("one", "k3s"), ("two", "k3s"), ("three", "k3s-agent")):
        cluster[node].start(unit)
    for name in cluster.machines:
        cluster["one"].waits(READY.format(name), 90, f"{name} is Ready again")
    assert _containers(cluster) == before


def test_an_agent_survives_the_loss_of_the_server_it_joined_through(cluster: Cluster) -> None:
    two, three = cluster["two"], cluster["three"]
    cluster["one"].stop("k3s")
    kubectl = f"k3s kubectl --kubeconfig {DATA}/agent/kubelet.kubeconfig get node three"
    three.waits(kubectl, 60, "the node finds the other server")
    three.start("k3s-agent")  # it remembers the servers, and joins through the one that is left
    two.waits(READY.format("three"), 60, "the node is Ready by the other server")
    alone = (
        "test \"$(k3s kubectl get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[*]}')\" = "
        + two.address
    )
    two.waits(alone, 60, "only the live server is told of")
    cluster["one"].start("k3s")


def test_a_server_starts_while_the_endpoint_named_first_is_dead(cluster: Cluster) -> None:
    one = cluster["one"]
    one.stop("etcd")
    one.start("k3s")
    cluster.kubectl("create configmap written --from-literal=a=b")
    one.run("systemctl start etcd")


def test_names_given_later_come_with_certificate_rotate(cluster: Cluster) -> None:
    two = cluster["two"]
    ask = f"curl -s -m 5 --cacert {DATA}/server/tls/server-ca.crt --resolve late.conformance.lab:6443:{two.address}"
    two.put(f"{CONFIG}.d/60-san.yaml", "tls-san+: [late.conformance.lab]\n")
    two.start("k3s")
    assert (
        two.try_run(f"{ask} https://late.conformance.lab:6443/ping").code == 60
    )  # the name is not in the certificate
    two.stop("k3s")
    two.run("k3s certificate rotate")
    two.start("k3s")
    assert two.run(f"{ask} https://late.conformance.lab:6443/ping") == "pong"


def _elsewhere(cluster: Cluster, name: str) -> str:
    """Options of a further server on a machine that has its own already."""
    files = {"cafile": "ca.crt", "certfile": "etcd.crt", "keyfile": "etcd.key"}
    tls = " ".join(f"--datastore-{flag} /etc/pki/{file}" for flag, file in files.items())
    return f"--config /dev/null --data-dir /tmp/{name} --datastore-endpoint {cluster.endpoints} {tls}"


def _etcdctl(cluster: Cluster, words: str) -> str:
    tls = "--cacert /etc/pki/ca.crt --cert /etc/pki/etcd.crt --key /etc/pki/etcd.key --endpoints https://127.0.0.1:2379"
    return cluster["two"].run(f"etcdctl {tls} {words}")


def _containers(cluster: Cluster) -> dict[str, tuple[str, int]]:
    pods = json.loads(
        eventually(lambda: cluster.kubectl("get pods -l app=probe -o json"), 30, "the list of pods")
    )["items"]
    return {
        pod["metadata"]["name"]: (status["containerID"], status["restartCount"])
        for pod in pods
        for status in pod["status"]["containerStatuses"]
    }
