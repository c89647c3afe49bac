# Puts the program of K3s in its place, and its images where K3s looks for them when it starts.
# Args: version, program, program_sha256, images, images_sha256 (files that were put here, and their digests; a program
#       or images that are there already need no file), name (of the images in their folder).
# A K3s that runs is not disturbed: it goes on with the program it was started from.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
set -eu
umask 022
target=/usr/local/bin/k3s
folder=/var/lib/rancher/k3s/agent/images
note=/etc/homelab/k3s-programs

digest() { sha256sum "$1" 2>/dev/null | cut -d ' ' -f 1; }

# place FILE DIGEST TARGET MODE
place() {
    if [ "$(digest "$3")" = "$2" ]; then
        rm -f "$1"
        return 0
    fi
    if [ ! -f "$1" ]; then
        echo "there is no $1"
        exit 4
    fi
    if [ "$(digest "$1")" != "$2" ]; then
        echo "$1 is not what was sent: its digest is $(digest "$1")"
        exit 4
    fi
    chown root:root "$1"
    chmod "$4" "$1"
    # Within one file system a rename; across two a copy, which must not be seen before it is whole.
    if ! mv -f "$1" "$3.new"; then
        df -Pk "$(dirname "$3")" | awk 'NR == 2 { print "free " $4 " KiB on " $6 }'
        rm -f "$3.new"
        echo "cannot put $3 in its place"
        exit 4
    fi
    sync "$3.new" 2>/dev/null || sync
    mv -f "$3.new" "$3"
}

# Where another version of the images lies, K3s would import it too.
clear() {
    for file in "$folder"/k3s-airgap-images-*; do
        if [ -e "$file" ] && [ "$file" != "$folder/$arg_name" ]; then rm -f "$file"; fi
    done
}

mkdir -p "$folder" /usr/local/bin /etc/homelab
place "$arg_images" "$arg_images_sha256" "$folder/$arg_name" 644
place "$arg_program" "$arg_program_sha256" "$target" 755
clear
found=$("$target" --version 2>/dev/null | sed -n 's/^k3s version \([^ ]*\).*/\1/p' || true)
if [ "$found" != "$arg_version" ]; then
    echo "$target is K3s ${found:-that does not run here}, not $arg_version"
    exit 3
fi
{
    printf '%s %s %s\n' "$arg_program_sha256" "$(stat -c '%s %Y %i' "$target")" "$target"
    printf '%s %s %s\n' "$arg_images_sha256" "$(stat -c '%s %Y %i' "$folder/$arg_name")" "$folder/$arg_name"
} >"$note.new"
mv -f "$note.new" "$note"
echo "k3s $found"
