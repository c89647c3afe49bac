#!/bin/sh
# Makes the virtual environment and installs exactly what requirements.lock names. Usage: install.sh PYTHON VENV
set -eu
python=$1
venv=$2
say() { printf '%s\n' "$*" >&2; }
command -v "$python" >/dev/null 2>&1 || {
	say "There is no $python here. Install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3 ..."
	exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
	say "$("$python" --version) is too old: the wizard needs 3.11 or newer. Name another: make PYTHON=python3.12 ..."
	exit 1
}
"$python" -c 'import venv, ensurepip' 2>/dev/null || {
	say "$python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
	exit 1
}
"$python" -m venv "$venv"
say "Installing into $venv ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock || {
	say "The packages could not be installed: is the network there, and PyPI or your mirror of it reachable?"
	exit 1
}
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable .
