# Claims a detached operation and starts it; read/operation.sh follows in the same program and reports on it.
# On stdin: the runner (arg_runner bytes), the program (arg_program bytes), then what the program finds on its own
# stdin (arg_input bytes). Whoever makes the directory has the claim; an operation that was claimed is never begun again.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
wizard_run=/run/wizard
wizard_dir=$wizard_run/op.$arg_op


for wizard_tool in setsid flock dd wc; do
    command -v "$wizard_tool" >/dev/null 2>&1 || {
        echo "missing tool: $wizard_tool" >&2
        exit 96
    }
done

# Exactly $1 bytes of stdin into file $2: no read asks for more than is missing.
wizard_take() {
    wizard_left=$1
    : >"$2" || return 1
    while [ "$wizard_left" -gt 0 ]; do
        dd bs="$wizard_left" count=1 2>/dev/null >"$2.part" || return 1
        wizard_got=$(wc -c <"$2.part")
        [ "$wizard_got" -gt 0 ] || return 1
        cat "$2.part" >>"$2" || return 1
        wizard_left=$((wizard_left - wizard_got))
    done
    rm -f "$2.part"
}

wizard_receive() {
    wizard_in=$wizard_run/in.$arg_op.$$
    rm -rf "$wizard_in"
    if mkdir -m 700 "$wizard_in" &&
        wizard_take "$arg_runner" "$wizard_in/runner" &&
        wizard_take "$arg_program" "$wizard_in/program" &&
        wizard_take "$arg_input" "$wizard_in/input"; then
        : >"$wizard_in/output"
    else
        rm -rf "$wizard_in"
        echo "the operation did not arrive whole, or /run is full" >&2
        exit 95
    fi
}

[ -d "$wizard_run" ] || mkdir -m 700 "$wizard_run" || [ -d "$wizard_run" ] || exit 95
if [ ! -d "$wizard_dir" ]; then
    wizard_receive
    # The lock is taken before the claim can be seen, and is handed down to the runner: as long as any of them lives,
    # the kernel says so.
    exec 9>"$wizard_in/alive"
    flock 9
    if [ -d "$wizard_dir" ] || ! mv -T "$wizard_in" "$wizard_dir" 2>/dev/null; then
        rm -rf "$wizard_in"
    else
        setsid sh "$wizard_dir/runner" "$wizard_dir" </dev/null >/dev/null 2>&1 &
    fi
    exec 9>&-
fi
