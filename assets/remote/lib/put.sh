# Makes arg_path hold arg_size bytes with sha256 arg_digest, mode arg_mode and owner arg_owner.
# arg_send=no: only say what is there: "same", or "have N" with the bytes a broken transfer left.
# arg_send=yes: what follows on stdin is appended from byte arg_offset on; then verified, dressed and renamed: "put".
# The partial file lies beside the target, so the rename is atomic and no /tmp is needed.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
wizard_folder=$(dirname "$arg_path")
wizard_part=$wizard_folder/.$(basename "$arg_path").$arg_digest.part


wizard_fail() {
    echo "$1" >&2
    df -Pk "$wizard_folder" 2>/dev/null | awk 'NR == 2 { print "free " $4 }' >&2
    df -Pi "$wizard_folder" 2>/dev/null | awk 'NR == 2 { print "inodes " $4 }' >&2
    exit 90
}

wizard_count() {
    if [ -f "$1" ]; then echo $(($(wc -c <"$1"))); else echo 0; fi
}

wizard_sum() {
    sha256sum <"$1" | cut -d ' ' -f 1
}

# FAT (Unraid's /boot) keeps neither modes nor owners: there is nothing to set and nothing to compare.
wizard_fat() {
    case $(stat -f -c %T "$wizard_folder" 2>/dev/null) in
    msdos | vfat | exfat | fuseblk) return 0 ;;
    *) return 1 ;;
    esac
}

wizard_dressed() {
    wizard_fat && return 0
    [ "$(stat -c '%a' "$arg_path")" = "$arg_mode" ] || return 1
    case $arg_owner in
    *[!0-9:]*) [ "$(stat -c '%U:%G' "$arg_path")" = "$arg_owner" ] ;;
    *) [ "$(stat -c '%u:%g' "$arg_path")" = "$arg_owner" ] ;;
    esac
}

wizard_same() {
    [ -f "$arg_path" ] && [ ! -L "$arg_path" ] && [ "$(wizard_count "$arg_path")" -eq "$arg_size" ] &&
        [ "$(wizard_sum "$arg_path")" = "$arg_digest" ] && wizard_dressed
}

command -v sha256sum >/dev/null 2>&1 || wizard_fail "missing tool: sha256sum"
[ -d "$wizard_folder" ] || wizard_fail "no such directory: $wizard_folder"
[ ! -d "$arg_path" ] || wizard_fail "is a directory: $arg_path"
if wizard_same; then
    echo same
    exit 0
fi
if [ "$arg_send" = no ]; then
    echo "have $(wizard_count "$wizard_part")"
    exit 0
fi
if [ "$arg_offset" -eq 0 ]; then
    rm -f "$wizard_part"
fi
[ "$(wizard_count "$wizard_part")" -eq "$arg_offset" ] || wizard_fail "another transfer is under way: $wizard_part"
cat >>"$wizard_part" || wizard_fail "cannot write"
wizard_have=$(wizard_count "$wizard_part")
if [ "$wizard_have" -lt "$arg_size" ]; then
    echo "have $wizard_have"
    exit 75
fi
if [ "$(wizard_sum "$wizard_part")" != "$arg_digest" ]; then
    rm -f "$wizard_part"
    echo "wrong digest"
    exit 76
fi
if ! wizard_fat; then
    chown "$arg_owner" "$wizard_part" || wizard_fail "cannot give it to $arg_owner"
    chmod "$arg_mode" "$wizard_part" || wizard_fail "cannot set mode $arg_mode"
fi
sync "$wizard_part" 2>/dev/null || true
mv -f "$wizard_part" "$arg_path" || wizard_fail "cannot rename into place"
echo put
