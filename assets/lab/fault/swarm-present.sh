#!/bin/sh
# The host's own dockerd becomes the one manager of a Swarm. usage: add|clear
set -eu
# shellcheck disable=SC1091 # written by the lab when the host was made
. /usr/lib/homelab-lab/host.env # HOST ADDRESS
command -v docker >/dev/null || {
    echo "$HOST has no docker: this fault is one of the hypervisors" >&2
    exit 1
}
case $1 in
add) docker swarm init --advertise-addr "$ADDRESS" >/dev/null ;;
clear) docker swarm leave --force >/dev/null 2>&1 || true ;; # it was no member, if the run was killed before
esac
