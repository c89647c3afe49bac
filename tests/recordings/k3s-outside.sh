#!/bin/sh
# practice artifact k3s @VERSION@ amd64
# Stands for K3s where only our scripts are recorded, not K3s itself: its version, a process that says it is up, its API's
# word, and the end of one that lacks its token.
case $1 in
--version) echo "k3s version @VERSION@ (recordings)" ;;
kubectl) printf ok ;;
server | agent)
    if [ ! -f /etc/homelab/k3s-token ]; then
        echo 'time="2026-11-28T06:00:00Z" level=fatal msg="Error: open /etc/homelab/k3s-token: no such file or directory"'
        exit 1
    fi
    for file in server/tls/server-ca.crt agent/server-ca.crt; do
        mkdir -p "$(dirname /var/lib/rancher/k3s/$file)" /etc/rancher/node
        cp /etc/homelab/pki/etcd-ca.crt "/var/lib/rancher/k3s/$file"
    done
    for file in server/tls/serving-kube-apiserver.crt agent/serving-kubelet.crt; do
        cp /etc/homelab/pki/k3s.crt "/var/lib/rancher/k3s/$file"
    done
    echo 0123456789abcdef0123456789abcdef >/etc/rancher/node/password
    echo 'time="2026-11-28T06:00:00Z" level=info msg="k3s is up and running"'
    systemd-notify --ready
    exec sleep infinity
    ;;
esac
