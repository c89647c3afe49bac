# Links the programs of the distribution's etcd, which do/packages installed, to where ours would be. It was kept from
# starting a cluster of its own; the account and the unit it brought stay, and our unit takes the place of the latter.
# Args: version (the least that will do; the minor must be the same).
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu

found=$(dpkg-query -W -f '${db:Status-Status} ${Version}' etcd-server 2>/dev/null | sed -n 's/^installed //p' | sed 's/[-+~].*//')
if [ -z "$found" ]; then
    echo "the package etcd-server is not installed"
    exit 3
fi
if [ "${found%.*}" != "${arg_version%.*}" ] || [ "${found##*.}" -lt "${arg_version##*.}" ]; then
    echo "the distribution has etcd $found; at least $arg_version of the same minor is wanted"
    exit 3
fi
for name in etcd etcdctl etcdutl; do
    if [ -x "/usr/bin/$name" ]; then ln -sfn "/usr/bin/$name" "/usr/local/bin/$name"; fi
done
echo "etcd $found"
