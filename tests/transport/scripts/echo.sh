# Prints an argument, then what it finds on stdin, and ends with the wanted code.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
printf '%s\n' "$arg_text"
cat
exit "${arg_code:-0}"
