#!/bin/sh
# What the wizard did to this host, one "word value" a line.
for marker in /var/lib/wizard/marker /boot/config/wizard/marker; do
    [ ! -f "$marker" ] || sed "s|^\([a-z]*\)=|marker.\1 |" "$marker"
done
for operation in /run/wizard/op.*; do
    [ ! -d "$operation" ] || echo "operation ${operation#/run/wizard/op.}"
done
[ ! -f /var/tmp/story/effects ] || sed 's/^/effect /' /var/tmp/story/effects
[ ! -f /var/tmp/story/asked ] || sed 's/^/asked /' /var/tmp/story/asked
