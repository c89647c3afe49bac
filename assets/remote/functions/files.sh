# Files that come on stdin: for each `== PATH MODE OWNER` and its lines behind bars; `== end` comes last.
# Stands before a script that says `# uses functions/files`.
# shellcheck shell=sh disable=SC2034 # $placed is read by whoever uses this

# receive STAGE: nothing is put in place before everything is here, in that folder.
receive() {
    stage=$1
    rm -rf "$stage"
    mkdir -p "$stage"
    count=0
    while IFS= read -r line; do
        case $line in
        '== end') return 0 ;;
        '== '*)
            count=$((count + 1))
            printf '%s\n' "${line#== }" >>"$stage/list"
            : >"$stage/$count"
            ;;
        '|'*) printf '%s\n' "${line#|}" >>"$stage/$count" ;;
        *) break ;;
        esac
    done
    rm -rf "$stage"
    echo "the files did not arrive whole"
    exit 5
}

# place NUMBER PATH MODE OWNER: puts one of them in its place; $placed says whether it is the `same` as before.
place() {
    placed=same
    if [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$stage/$1" "$2" && [ "$(stat -c '%a %U:%G' "$2")" = "$3 $4" ]; then
        return 0
    fi
    placed=wrote
    cat "$stage/$1" >"$2.new"
    chown "$4" "$2.new"
    chmod "$3" "$2.new"
    sync "$2.new" 2>/dev/null || sync
    mv -f "$2.new" "$2"
}

# each_file COMMAND: calls it with NUMBER PATH MODE OWNER of every file, in their order; the folder goes afterwards.
each_file() {
    number=0
    while read -r path mode owner; do
        number=$((number + 1))
        "$1" "$number" "$path" "$mode" "$owner"
    done <"$stage/list"
    rm -rf "$stage"
}
