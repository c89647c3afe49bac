#!/bin/sh
# Written by the homelab wizard. Asks an API server whether it is ready to serve: keepalived leaves the address of the API
# with a server only for as long as its own one says yes. Usage: api-ready [ADDRESS], this machine where none is given.
# K3s answers nobody without a certificate (it sets anonymous-auth to false): the administrator's lies here for root alone.
set -eu
tls=/var/lib/rancher/k3s/server/tls
at=${1:-127.0.0.1}
if [ ! -r "$tls/client-admin.key" ]; then
    echo "K3s has made no certificates here yet" >&2
    exit 1
fi
if command -v curl >/dev/null 2>&1; then
    # A tenth of the processor time that kubectl takes, every two seconds.
    exec curl -q --silent --show-error --fail --noproxy '*' --connect-timeout 2 --max-time 3 --output /dev/null \
        --cacert "$tls/server-ca.crt" --cert "$tls/client-admin.crt" --key "$tls/client-admin.key" "https://$at:6443/readyz"
fi
exec timeout -s KILL 4 /usr/local/bin/k3s kubectl get --raw=/readyz --server="https://$at:6443" >/dev/null
