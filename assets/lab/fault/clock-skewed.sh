#!/bin/sh
# Every program started from now on sees another time (libfaketime). What runs already, and static programs, do not.
# usage: add|clear OFFSET
set -eu
case $1 in
add)
    mkdir -p /run/lab
    for library in /usr/lib/*/faketime/libfaketime.so.1; do
        printf '%s\n' "$2" >/etc/faketimerc
        : >/run/lab/clock-skewed
        printf '%s\n' "$library" >/etc/ld.so.preload
    done
    ;;
clear) rm -f /etc/ld.so.preload /etc/faketimerc /run/lab/clock-skewed ;;
esac
