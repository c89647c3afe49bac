#!/bin/sh
# Everything on this host a secret could have been left in, as one stream: files, names and the journal.
cd /
# shellcheck disable=SC2046 # words are wanted: the folders that exist
tar -c $(for place in run/wizard run/log var/lib/wizard boot/config var/log tmp var/tmp home root etc/sudoers.d; do
    [ ! -e "/$place" ] || echo "$place"
done) 2>/dev/null
if command -v journalctl >/dev/null 2>&1; then journalctl -q --no-pager -o export 2>/dev/null; fi
ps axeww 2>/dev/null || true
