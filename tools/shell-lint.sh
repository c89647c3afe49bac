#!/bin/sh
# Runs shellcheck over every shell script we ship or use: remote scripts, lab equipment, tools.
set -eu
command -v shellcheck >/dev/null 2>&1 || {
	printf 'shellcheck is not installed: the shell scripts are NOT checked (Debian: apt-get install shellcheck)\n' >&2
	exit 0
}
find assets -type f -name '*.sh' -exec shellcheck --shell=sh {} +
shellcheck tools/*.sh .ci/run
