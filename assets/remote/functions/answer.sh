# How a reading script answers: in sections, and in time.
# Stands before a script that says `# uses functions/answer`.
# shellcheck shell=sh

# section NAME: what follows belongs to it, each line behind a bar.
section() { printf '== %s\n' "$1"; }
bars() { sed 's/^/|/'; }

have() { command -v "$1" >/dev/null 2>&1; }

# bounded SECONDS COMMAND...: a program that hangs, or a disk that does, must not hang us.
bounded() { timeout -s KILL "$@" </dev/null; }

# listed FILE...: digest, mode and owner of each that is there.
listed() {
    for file in "$@"; do
        if [ -f "$file" ]; then
            printf '|%s %s %s\n' "$(sha256sum <"$file" | cut -d ' ' -f 1)" "$(stat -c '%a %U:%G' "$file")" "$file"
        fi
    done
}
