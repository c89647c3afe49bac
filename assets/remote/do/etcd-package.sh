# Installs the distribution's etcd without letting it start, and links its programs to where ours would be.
# Args: version (the least that will do; the minor must be the same).
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 022
policy=/usr/sbin/policy-rc.d
ours=no

# The package starts a cluster of its own as soon as it is installed, unless policy-rc.d forbids it.
forbid() {
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        ours=yes
    fi
}

allow() {
    if [ "$ours" = yes ]; then rm -f "$policy"; fi
}

installed() { dpkg-query -W -f '${Version}' etcd-server 2>/dev/null | sed 's/[-+~].*//'; }

fits() {
    [ -n "$1" ] && [ "${1%.*}" = "${arg_version%.*}" ] && [ "${1##*.}" -ge "${arg_version##*.}" ]
}

if ! fits "$(installed || true)"; then
    trap allow EXIT
    forbid
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get -q update
    apt-get -q install --yes --no-install-recommends etcd-server etcd-client
fi
found=$(installed)
if ! fits "$found"; then
    echo "the distribution has etcd $found; at least $arg_version of the same minor is wanted"
    exit 3
fi
for name in etcd etcdctl etcdutl; do
    if [ -x "/usr/bin/$name" ]; then ln -sfn "/usr/bin/$name" "/usr/local/bin/$name"; fi
done
echo "etcd $found"
