"""What is put on the six nodes: addresses of the LAN, the ingress as the wizard will have it, an app with two databases."""

from __future__ import annotations

from typing import Any

import yaml

Manifest = dict[str, Any]

PASSWORD = "only-in-the-lab"
HOST = "probe.lab.home.arpa"
PATIENCE = 5
"""Seconds a pod stays bound to a node that is not there any more."""

AWAY = [
    {
        "key": f"node.kubernetes.io/{what}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": PATIENCE,
    }
    for what in ("unreachable", "not-ready")
]


def pool(first: str, last: str) -> list[Manifest]:
    """The addresses MetalLB may give, announced by ARP."""
    where = {"name": "lan", "namespace": "metallb-system"}
    return [
        _thing("metallb.io/v1beta1", "IPAddressPool", where, spec={"addresses": [f"{first}-{last}"]}),
        _thing("metallb.io/v1beta1", "L2Advertisement", where, spec={"ipAddressPools": ["lan"]}),
    ]


def traefik(address: str) -> Manifest:
    """How the ingress is set up: two of it on two nodes, an address of the LAN, everything by HTTPS."""
    labels = {"matchLabels": {"app.kubernetes.io/name": "traefik"}}
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    values = {
        "deployment": {"replicas": 2},
        "topologySpreadConstraints": [{**spread, "labelSelector": labels}],
        "service": {"annotations": {"metallb.io/loadBalancerIPs": address}},
        "ports": {"web": {"http": {"redirections": {"entryPoint": {"to": "websecure", "scheme": "https"}}}}},
    }
    where = {"name": "traefik", "namespace": "kube-system"}
    spec = {"valuesContent": yaml.safe_dump(values), "failurePolicy": "abort"}
    return _thing("helm.cattle.io/v1", "HelmChartConfig", where, spec=spec)


def application() -> list[Manifest]:
    """MariaDB and the application each with a volume of the lab's class, Redis, and the way in from the LAN."""
    database = {"MARIADB_ROOT_PASSWORD": PASSWORD, "MARIADB_DATABASE": "probe", "MARIADB_USER": "probe"}
    settings = {
        "MYSQL_HOST": "mariadb",
        "MYSQL_USER": "probe",
        "MYSQL_DATABASE": "probe",
        "REDIS_HOST": "redis",
    }
    mariadb = _pod(
        "mariadb",
        "docker.io/library/mariadb:11.8",
        {**database, "MARIADB_PASSWORD": PASSWORD},
        port=3306,
        ready={"exec": {"command": ["healthcheck.sh", "--connect"]}},
        volume=("data", "/var/lib/mysql"),
        # A node that dies with a CoreDNS takes every second name away until it is known to be down.
        apart={"k8s-app": "kube-dns"},
    )
    redis = _pod(
        "redis",
        "docker.io/library/redis:8.0",
        {},
        port=6379,
        ready={"exec": {"command": ["redis-cli", "ping"]}},
        apart={"app": "mariadb"},
    )
    probe = _pod(
        "probe",
        "homelab.arpa/lab/probe:1",
        {**settings, "MYSQL_PASSWORD": PASSWORD, "NEXTCLOUD_DATA_DIR": "/data"},
        port=80,
        ready={"httpGet": {"path": "/status.php", "port": 80}},
        volume=("files", "/data"),
        apart={"app": "mariadb"},
    )
    probe["spec"]["volumes"] = [{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}]
    claim = _claim("data")
    return [
        _thing(
            "apps/v1",
            "StatefulSet",
            {"name": "mariadb"},
            spec={**_workload("mariadb", mariadb), "serviceName": "mariadb", "volumeClaimTemplates": [claim]},
        ),
        _thing("apps/v1", "Deployment", {"name": "redis"}, spec=_workload("redis", redis)),
        _thing("v1", "PersistentVolumeClaim", **_claim("files")),
        _thing("apps/v1", "Deployment", {"name": "probe"}, spec=_workload("probe", probe)),
        *(_service(name, port) for name, port in (("mariadb", 3306), ("redis", 6379), ("probe", 80))),
        _ingress(),
    ]


def _thing(version: str, kind: str, metadata: Manifest, **rest: Any) -> Manifest:  # noqa: ANN401 - of many types
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def _claim(name: str) -> Manifest:
    spec = {
        "storageClassName": "lab",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"metadata": {"name": name}, "spec": spec}


def _workload(name: str, template: Manifest) -> Manifest:
    return {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}


def _pod(
    name: str,
    image: str,
    environment: dict[str, str],
    *,
    port: int,
    ready: Manifest,
    volume: tuple[str, str] | None = None,
    apart: dict[str, str],
) -> Manifest:
    namespaces = ["kube-system", "default"]
    term = {
        "labelSelector": {"matchLabels": apart},
        "topologyKey": "kubernetes.io/hostname",
        "namespaces": namespaces,
    }
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never",
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "ports": [{"containerPort": port}],
        "readinessProbe": {**ready, "periodSeconds": 2, "timeoutSeconds": 5},
        "volumeMounts": [{"name": volume[0], "mountPath": volume[1]}] if volume else [],
    }
    spec = {
        "terminationGracePeriodSeconds": 5,
        "tolerations": AWAY,
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
        "containers": [container],
    }
    return {"metadata": {"labels": {"app": name}}, "spec": spec}


def _service(name: str, port: int) -> Manifest:
    return _thing(
        "v1", "Service", {"name": name}, spec={"selector": {"app": name}, "ports": [{"port": port}]}
    )


def _ingress() -> Manifest:
    backend = {"service": {"name": "probe", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    rule = {"host": HOST, "http": {"paths": [path]}}
    spec = {"ingressClassName": "traefik", "rules": [rule]}
    return _thing("networking.k8s.io/v1", "Ingress", {"name": "probe"}, spec=spec)
