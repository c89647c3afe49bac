# Makes the folder base images are kept in. Args: dir.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 022
mkdir -p "$arg_dir/wizard-base"
echo "folder $arg_dir/wizard-base"
