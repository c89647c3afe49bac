#!/bin/sh
# Written by the homelab wizard. Takes a snapshot of etcd, lays the token beside it that its secrets are encrypted with,
# encrypts both for the one who set this homelab up, and sends them to where backups are kept.
# usage: wizard-etcd-backup CLUSTER MEMBER ssh://USER@ADDRESS:PORT
# In /etc/homelab/backup: recipient.pem (a certificate; only its key, which is not here, can read the backups),
# token (root's alone), id_ed25519 (root's alone; all it may do there is to hand a backup in), known_hosts.
set -eu
umask 077
cluster=$1 member=$2 place=$3
settings=/etc/homelab/backup
pki=/etc/etcd/pki
kept=/var/lib/wizard/etcd-backup

mkdir -p "$kept"
rm -rf "$kept"/new.*
work=$(mktemp -d "$kept/new.XXXXXX")
trap 'rm -rf "$work"' EXIT

# note FILE LINE: what doctor reads; whole or not at all.
note() {
    printf '%s\n' "$2" >"$kept/$1.new"
    mv -f "$kept/$1.new" "$kept/$1"
}

fail() {
    note failed "$(date -u +%s) $1"
    echo "$1" >&2
    exit 1
}

timeout -s KILL 600 /usr/local/bin/etcdctl --endpoints=https://127.0.0.1:2379 --cacert=$pki/ca.crt --cert=$pki/root.crt \
    --key=$pki/root.key --dial-timeout=3s snapshot save "$work/etcd.db" >"$work/said" 2>&1 ||
    fail "no snapshot: $(tail -n 1 "$work/said")"
/usr/local/bin/etcdutl snapshot status "$work/etcd.db" --write-out=json >"$work/status.json" 2>"$work/said" ||
    fail "the snapshot is damaged: $(tail -n 1 "$work/said")"
cp "$settings/token" "$work/token"

name=etcd-$cluster-$member-$(date -u +%Y%m%dT%H%M%SZ).tar.cms
tar -C "$work" -cf "$work/all.tar" etcd.db status.json token
rm -f "$work/etcd.db"
openssl cms -encrypt -binary -stream -aes-256-gcm -outform DER -in "$work/all.tar" -out "$work/$name" \
    "$settings/recipient.pem" 2>"$work/said" || fail "it could not be encrypted: $(tail -n 1 "$work/said")"
rm -f "$work/all.tar"
digest=$(sha256sum <"$work/$name" | cut -d ' ' -f 1)

ssh -F none -i "$settings/id_ed25519" -o UserKnownHostsFile="$settings/known_hosts" -o StrictHostKeyChecking=yes \
    -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 "$place" \
    "$name $digest" <"$work/$name" >"$work/answer" 2>"$work/said" || fail "$place did not take it: $(tail -n 1 "$work/said")"
[ "$(cat "$work/answer")" = "kept $name" ] || fail "$place said: $(head -n 1 "$work/answer")"
note last "$(date -u +%s) $name $(wc -c <"$work/$name")"
rm -f "$kept/failed"
echo "$name is on $place"
