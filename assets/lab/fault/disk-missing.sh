#!/bin/sh
# The disk $2 is not there any more, as far as lsblk goes; what is mounted from it stays. usage: add|clear NAME
set -eu
blocks=/run/lab/sysroot/sys/block
kept=/run/lab/missing.$2
case $1 in
add)
    [ -L "$blocks/$2" ] || {
        echo "there is no disk $2" >&2
        exit 1
    }
    readlink "$blocks/$2" >"$kept"
    rm "$blocks/$2"
    ;;
clear)
    [ -f "$kept" ] || exit 0
    ln -s "$(cat "$kept")" "$blocks/$2"
    rm "$kept"
    ;;
esac
