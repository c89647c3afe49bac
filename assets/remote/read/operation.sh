# Where a detached operation stands, and what it has printed from byte arg_offset on (arg_max bytes at most).
# Waits up to arg_wait seconds for its end or for more output. Answer: "status code size", then the output.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
wizard_dir=/run/wizard/op.$arg_op


wizard_size() {
    if [ -f "$wizard_dir/output" ]; then wc -c <"$wizard_dir/output"; else echo 0; fi
}

# Held by the runner and by the program it runs.
wizard_running() {
    ! flock -n -s "$wizard_dir/alive" true 2>/dev/null
}

wizard_waited=0
while [ "$wizard_waited" -lt "$arg_wait" ]; do
    if [ -f "$wizard_dir/result" ] || [ ! -d "$wizard_dir" ]; then break; fi
    wizard_running || break
    [ "$(wizard_size)" -le "$arg_offset" ] || break
    flock -s -w 1 "$wizard_dir/alive" true
    wizard_waited=$((wizard_waited + 1))
done

# The end is looked for before the lock: the result is written while the lock is still held.
if [ ! -d "$wizard_dir" ]; then
    echo "absent - 0"
    exit 0
elif [ -f "$wizard_dir/result" ]; then
    wizard_status="done $(cat "$wizard_dir/result")"
elif wizard_running; then
    wizard_status="running -"
elif [ -f "$wizard_dir/result" ]; then
    wizard_status="done $(cat "$wizard_dir/result")"
else
    wizard_status="lost -"
fi
wizard_total=$(wizard_size)
echo "$wizard_status $((wizard_total))"
tail -c +"$((arg_offset + 1))" "$wizard_dir/output" | head -c "$arg_max"
