# Fetches Debian packages into /debs, inside a container of the lab's guest image. On stdin after this script: nothing.
# Args: NAME=VERSION ... The digests are checked by whoever takes the files.
set -eu
mkdir -p /debs
cd /debs
printf 'deb http://deb.debian.org/debian trixie main\n' >/etc/apt/sources.list
quiet="-qq -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root"
# A mirror that did not answer is only a warning to apt, and then no package can be found.
# shellcheck disable=SC2086 # options, split on purpose
for _ in 1 2 3; do
    apt-get $quiet update --error-on=any && break
done
# shellcheck disable=SC2086 # options, split on purpose
apt-get $quiet download "$@"
