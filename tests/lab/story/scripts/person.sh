#!/bin/sh
# A throw-away login on the Pi: it gets in by password and becomes root by another one (root's own, "targetpw").
# usage: add|remove; for add the passwords come on stdin, "canary:..." and "root:...", as chpasswd wants them.
set -eu
case $1 in
add)
    cp -p /etc/shadow /etc/shadow.story
    useradd --create-home --shell /bin/bash canary
    chpasswd
    printf 'Defaults:canary targetpw\ncanary ALL=(ALL) ALL\n' >/etc/sudoers.d/story
    chmod 440 /etc/sudoers.d/story
    ;;
remove)
    rm -f /etc/sudoers.d/story
    userdel --remove canary >/dev/null 2>&1 || true
    [ ! -e /etc/shadow.story ] || mv /etc/shadow.story /etc/shadow
    ;;
esac
