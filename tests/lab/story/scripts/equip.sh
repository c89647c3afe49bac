#!/bin/sh
# Lays in what the tests watch a host by. usage: equip.sh SECONDS
# /usr/local/sbin/sync stands before the real one: the marker script calls it right before its effect, so it counts
# how often that effect was brought about, and makes it last SECONDS, as a slow flash drive would.
# /etc/ssh/sshrc is run by sshd once for every command it is asked to run: it counts how often the host was asked.
set -eu
mkdir -p /var/tmp/story
chmod 1777 /var/tmp/story
: >/var/tmp/story/effects
: >/var/tmp/story/asked
chmod 666 /var/tmp/story/asked
printf '#!/bin/sh\necho "$*" >>/var/tmp/story/effects\nsleep %s\nexec /usr/bin/sync "$@"\n' "$1" >/usr/local/sbin/sync
chmod 755 /usr/local/sbin/sync
printf 'echo asked >>/var/tmp/story/asked\n' >/etc/ssh/sshrc
