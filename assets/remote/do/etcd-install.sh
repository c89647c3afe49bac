# Puts etcd's programs of one version into /usr/local/bin and makes the account they run as.
# Args: version, archive (a tarball that was put here and whose digest was verified). A running etcd is not disturbed.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 022
target=/usr/local/bin
fresh=$target/.etcd-new

version() { "$1" --version 2>/dev/null | sed -n 's/^etcd Version: //p'; }

unpack() {
    rm -rf "$fresh"
    mkdir "$fresh"
    if ! tar -xzf "$arg_archive" -C "$fresh" --strip-components=1 --no-same-owner; then
        df -Pk "$target" | awk 'NR == 2 { print "free " $4 " KiB on " $6 }'
        rm -rf "$fresh"
        echo "cannot unpack $arg_archive"
        exit 4
    fi
    for name in etcd etcdctl etcdutl; do
        [ -f "$fresh/$name" ] || {
            echo "$arg_archive holds no $name"
            exit 4
        }
        chown root:root "$fresh/$name"
        chmod 755 "$fresh/$name"
    done
    found=$(version "$fresh/etcd" || true)
    if [ "$found" != "$arg_version" ]; then
        echo "$arg_archive holds etcd ${found:-that does not run here}, not $arg_version"
        exit 3
    fi
    sync "$fresh"/* 2>/dev/null || sync
    for name in etcdutl etcdctl etcd; do
        mv -f "$fresh/$name" "$target/$name"
    done
    rm -rf "$fresh"
}

if ! grep -q '^etcd:' /etc/passwd; then
    useradd --system --user-group --home-dir /var/lib/etcd --no-create-home --shell /usr/sbin/nologin etcd
fi
if [ "$(version $target/etcd || true)" != "$arg_version" ] || [ ! -x $target/etcdctl ] || [ ! -x $target/etcdutl ]; then
    if [ ! -f "$arg_archive" ]; then
        echo "there is no $arg_archive"
        exit 4
    fi
    unpack
fi
rm -f "$arg_archive"
echo "etcd $(version $target/etcd)"
