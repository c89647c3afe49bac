#!/bin/sh
# Another host key, as after a reinstall or with somebody in between. The old one is kept and given back.
# usage: add|clear
set -eu
folder=/etc/ssh
[ -e /etc/unraid-version ] && folder=/boot/config/ssh
key="$folder/ssh_host_ed25519_key"
kept="$folder/.lab-kept"
case $1 in
add)
    [ -e "$kept" ] && exit 0
    cp -p "$key" "$kept"
    rm -f "$key" "$key.pub"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$key"
    ;;
clear)
    [ -e "$kept" ] || exit 0
    mv "$kept" "$key"
    ssh-keygen -y -f "$key" >"$key.pub"
    ;;
esac
if [ -e /etc/unraid-version ]; then
    cp -p "$key" "$key.pub" /etc/ssh/
    /etc/rc.d/rc.sshd restart
else
    systemctl restart ssh # sessions stay; it returns when the port listens again
fi
