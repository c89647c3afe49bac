# Fetches Debian packages into /debs, inside a container of the lab's guest image. On stdin after this script: nothing.
# Args: NAME=VERSION ... The digests are checked by whoever takes the files.
set -eu
mkdir -p /debs
cd /debs
printf 'deb http://deb.debian.org/debian trixie main\n' >/etc/apt/sources.list
quiet="-qq -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root"
# shellcheck disable=SC2086 # options, split on purpose
apt-get $quiet update
# shellcheck disable=SC2086 # options, split on purpose
apt-get $quiet download "$@"
