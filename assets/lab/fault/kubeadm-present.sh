#!/bin/sh
# A control plane as kubeadm leaves it, as far as a look from outside goes: its folders, and processes of the real names
# on the real ports. Nothing of it is Kubernetes. usage: add|clear
set -eu
state=/run/lab/kubeadm
# shellcheck disable=SC1091 # written by the lab when the host was made
. /usr/lib/homelab-lab/host.env # ADDRESS

tree() {
    mkdir -p /etc/kubernetes/manifests
    printf 'apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: https://%s:6443\n  name: old\n' "$ADDRESS" \
        >/etc/kubernetes/kubelet.conf
    for name in kube-apiserver etcd; do
        printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n' "$name" >"/etc/kubernetes/manifests/$name.yaml"
    done
    cat >/usr/local/bin/kubelet <<'TEXT'
#!/bin/sh
[ "$1" = --version ] && echo 'Kubernetes v1.31.4'
TEXT
    chmod 755 /usr/local/bin/kubelet
}

clear() {
    silence
    rm -rf /etc/kubernetes /usr/local/bin/kubelet
}

case $1 in
add)
    clear
    mkdir -p "$state"
    tree
    listen kubelet 10250
    listen kube-apiserver 6443
    ;;
clear) clear ;;
esac
