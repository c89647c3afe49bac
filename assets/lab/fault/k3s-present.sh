#!/bin/sh
# A K3s server with an etcd of its own as far as a look from outside goes: its folders, its command, and a process of the
# real name on the real ports. Nothing of it is Kubernetes. usage: add|clear
set -eu
state=/run/lab/k3s
# shellcheck disable=SC1091 # written by the lab when the host was made
. /usr/lib/homelab-lab/host.env # HOST

tree() {
    mkdir -p /etc/rancher/k3s /var/lib/rancher/k3s/server/db/etcd/member /var/lib/rancher/k3s/agent
    printf 'cluster-init: true\n' >/etc/rancher/k3s/config.yaml
    cat >/usr/local/bin/k3s <<TEXT
#!/bin/sh
case \$* in
--version) echo 'k3s version v1.31.4+k3s1 (a562d090)' ;;
'kubectl get --raw /api/v1/nodes?limit=50') printf '{"kind":"NodeList","items":[{"metadata":{"name":"%s"}}]}' '$HOST' ;;
*) exit 1 ;;
esac
TEXT
    chmod 755 /usr/local/bin/k3s
}

clear() {
    silence
    rm -rf /etc/rancher /var/lib/rancher /usr/local/bin/k3s
}

case $1 in
add)
    clear
    mkdir -p "$state"
    tree
    listen k3s-server 6443 10250 2379 2380
    ;;
clear) clear ;;
esac
