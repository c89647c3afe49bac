#!/bin/sh
# A MicroK8s as far as a look from outside goes: its snap's tree, a volume, a snap command, and processes of the real
# names on the real ports. Nothing of it is Kubernetes. usage: add|clear
set -eu
state=/run/lab/microk8s
snap=/var/snap/microk8s
# shellcheck disable=SC1091 # written by the lab when the host was made
. /usr/lib/homelab-lab/host.env # ADDRESS

tree() {
    mkdir -p /snap/microk8s/8148/meta /snap/bin $snap/8148/var/lock $snap/8148/var/kubernetes/backend \
        $snap/common/default-storage/default-notes-pvc-2c1f0a6e
    ln -sfn 8148 /snap/microk8s/current
    ln -sfn 8148 $snap/current
    printf 'name: microk8s\nversion: v1.32.3\n' >/snap/microk8s/8148/meta/snap.yaml
    : >$snap/8148/var/lock/ha-cluster
    printf -- '- Address: %s:19001\n  ID: 3297041220608546238\n  Role: 0\n' "$ADDRESS" >$snap/8148/var/kubernetes/backend/cluster.yaml
    head -c 3000000 /dev/urandom >$snap/common/default-storage/default-notes-pvc-2c1f0a6e/notes.db
    cat >/snap/bin/snap <<'TEXT'
#!/bin/sh
[ "$1 $2" = 'list microk8s' ] || exit 1
printf 'Name      Version  Rev   Tracking     Publisher   Notes\n'
printf 'microk8s  v1.32.3  8148  1.32/stable  canonical**  classic\n'
TEXT
    chmod 755 /snap/bin/snap
}

clear() {
    silence
    rm -rf /snap /var/snap
}

case $1 in
add)
    clear
    mkdir -p "$state"
    tree
    listen kubelite 16443 10250
    listen k8s-dqlite 19001
    listen cluster-agent 25000
    ;;
clear) clear ;;
esac
