#!/bin/sh
# Installs the system packages that something needs, where we are root on Debian or Ubuntu; elsewhere says which.
# Usage: packages.sh test|lab
set -eu
say() { printf '%s\n' "$*" >&2; }
case $1 in
test) wanted="shellcheck=shellcheck sshd=openssh-server ssh=openssh-client sudo=sudo fish=fish csh=csh tmux=tmux" ;;
lab) wanted="dockerd=docker.io mmdebstrap=mmdebstrap ssh=openssh-client" ;;
*) say "usage: packages.sh test|lab"; exit 2 ;;
esac
PATH=$PATH:/usr/sbin:/sbin
missing=
for pair in $wanted; do
	command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	say "Not installed:$missing. With Docker present the lab needs no more; tests that need the others are skipped."
	exit 0
fi
say "Installing$missing ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
