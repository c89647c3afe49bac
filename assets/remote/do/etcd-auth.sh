# Lets each client of etcd do no more than it needs, told apart by the name in its certificate. Takes no arguments; what was
# done before is left as it is. root (the wizard's changes) may do everything, and so may k3s: etcd lets nobody else compact,
# which Kubernetes does every five minutes. doctor has no role: status, health and the lists of members and alarms take none.
# shellcheck shell=sh
set -eu
pki=/etc/etcd/pki

ask() {
    timeout -s KILL 25 /usr/local/bin/etcdctl --endpoints=https://127.0.0.1:2379 --cacert=$pki/ca.crt --cert=$pki/root.crt \
        --key=$pki/root.key --dial-timeout=3s --command-timeout=10s "$@" 2>&1
}

give() {
    said=$(ask "$@") || case $said in
    *'already exists'*) ;;
    *)
        printf '%s\n' "$said" | tail -n 1 | cut -c 1-300
        echo "$* failed"
        exit 3
        ;;
    esac
}

give role add root
for name in root k3s; do
    give user add "$name" --no-password
    give user grant-role "$name" root
done
give user add doctor --no-password
for role in $(ask user get doctor | sed -n 's/^Roles: *//p'); do
    give user revoke-role doctor "$role"
done
# etcd refuses unless root has its role: nobody is locked out by this.
give auth enable
echo "root and k3s may do everything, doctor may only look"
