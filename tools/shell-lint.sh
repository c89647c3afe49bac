#!/bin/sh
# Runs shellcheck over every shell script we ship or use: remote scripts, lab equipment, tools.
set -eu
command -v shellcheck >/dev/null 2>&1 || {
	printf 'shellcheck is not installed: the shell scripts are NOT checked (Debian: apt-get install shellcheck)\n' >&2
	exit 0
}
find assets tools .ci -type f \( -name '*.sh' -o -path '.ci/run' \) -print0 | xargs -0 shellcheck
