#!/bin/sh
# No sshd: the port refuses. Sessions that are open stay. usage: add|clear
set -eu
[ "$1" = add ] && verb=stop || verb=start
if [ -e /etc/unraid-version ]; then
    "/etc/rc.d/rc.sshd" "$verb"
else
    systemctl "$verb" ssh
fi
