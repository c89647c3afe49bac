"""How what a MicroK8s carries is moved: exported, stopped, checked, and the way back. The guide tells it at length."""

from __future__ import annotations

from wizard.core.decide.present_data import Occupant, Site

VOLUMES = "/var/snap/microk8s/common/default-storage"
"""Where its hostpath-storage keeps volumes (canonical/microk8s, addon hostpath-storage)."""


def migration(site: Site, seen: Occupant) -> tuple[str, ...]:
    """The commands, in order: nothing is stopped before all is exported, nothing removed before the new one carries it.

    Args:
        site: where it runs.
        seen: what it told of itself.
    """
    kubectl = f"{site.ssh} microk8s kubectl"
    name = site.name
    return (
        f"{site.ssh} microk8s status --wait-ready --timeout 120   # 1 it must be well before it is exported",
        f"{kubectl} get all,ingress,configmap,pvc,pv,storageclass,crd -A -o yaml > {name}-objects.yaml   # 2 objects",
        f"( umask 077; {kubectl} get secret -A -o yaml > {name}-secrets.yaml )   # 3 secrets, for your eyes only",
        f"{site.ssh} microk8s helm3 list -A -o yaml > {name}-helm.yaml   # 4 what helm brought",
        *_datastore(site, seen),
        f"{kubectl} get deploy,statefulset -A > {name}-replicas.txt   # 6 so that you can scale up again",
        f"{kubectl} scale deploy,statefulset --all --replicas=0 -n NAMESPACE   # 7 each of yours: nothing writes now",
        *_volumes(site, seen),
        *_stop(site, seen),
        f"{site.ssh} ss -lntp   # 10 nobody on 16443, 19001, 25000 and 10250 any more",
        f"{site.ssh} snap start --enable microk8s   # the way back, until you remove it: then scale up again",
    )


def _datastore(site: Site, seen: Occupant) -> tuple[str, ...]:
    """Dbctl refuses where the datastore is not dqlite."""
    if seen.told and not (seen.first("lock") or seen.all("node")):
        return (
            f"{site.ssh} tar -C /var/snap/microk8s/current -cf - . > {site.name}-etcd.tar   # 5 its etcd",
        )
    backup = f"/var/snap/microk8s/common/{site.name}-datastore.tar.gz"
    return (f"{site.ssh} microk8s dbctl backup -o {backup}   # 5 the whole datastore",)


def _volumes(site: Site, seen: Occupant) -> tuple[str, ...]:
    if seen.told and not seen.all("volume"):
        return (
            "# 8 no volume lies in its default-storage: copy volumes from where their StorageClass keeps them",
        )
    return (f"{site.ssh} tar -C {VOLUMES} -cf - . > {site.name}-volumes.tar   # 8 the volumes' data",)


def _stop(site: Site, seen: Occupant) -> tuple[str, ...]:
    """Of several nodes the datastore's majority goes last."""
    others = len(seen.all("node")) > 1
    hint = "each worker first, this node when nothing runs there" if others else "it keeps all its data"
    return (f"{site.ssh} snap stop --disable microk8s   # 9 {hint}",)
