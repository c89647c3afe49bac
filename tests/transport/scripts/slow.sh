# Counts its runs in arg_file, says a line, and waits until arg_gate exists (a minute at most).
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
secret=$(cat)
echo run >>"$arg_file"
echo "waiting"
wizard_turns=0
while [ ! -e "$arg_gate" ] && [ "$wizard_turns" -lt 1200 ]; do
    sleep 0.05
    wizard_turns=$((wizard_turns + 1))
done
echo "length ${#secret}"
