# The guests of one driver on this hypervisor and what lies in the folder of their disks, in one answer. Reads only.
# Args: driver (kvm, qemu or lxc), dir (folder of the guests), names (blank-separated), base (file name of the base image).
# Output: sections as read/facts prints them; see there.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
newline='
'
case $arg_driver in
lxc) uri=lxc:/// ;;
*) uri=qemu:///system ;;
esac

have() { command -v "$1" >/dev/null 2>&1; }
bars() { sed 's/^/|/'; }
size() { echo $(($(wc -c <"$1"))); }

# A libvirtd that accepts and never answers must not hang us.
ask() {
    if have timeout; then
        timeout -s KILL 8 virsh -r -q -c "$uri" "$@" </dev/null 2>&1
    else
        virsh -r -q -c "$uri" "$@" </dev/null 2>&1
    fi
}

place() {
    echo "== host"
    nearest=$arg_dir
    while [ ! -d "$nearest" ] && [ "$nearest" != / ]; do nearest=$(dirname "$nearest"); done
    if [ -d "$arg_dir" ]; then echo "|dir=1"; else echo "|dir=0"; fi
    df -Pk "$nearest" 2>/dev/null | awk 'NR == 2 { print "|size_kib=" $2; print "|free_kib=" $4; print "|mount=" $6 }'
    image=$arg_dir/wizard-base/$arg_base
    if [ -f "$image" ]; then echo "|base=$(size "$image")"; fi
    for part in "$arg_dir/wizard-base/.$arg_base".*.part; do
        if [ -f "$part" ]; then echo "|partial=$(size "$part")"; fi
    done
}

guests() {
    known=$(ask list --all --name)
    code=$?
    echo "== domains"
    printf '%s\n:exit %s\n' "$known" "$code" | sed '/^$/d; s/^/|/'
    [ "$code" -eq 0 ] || return 0
    echo "== autostart"
    ask list --all --autostart --name | sed '/^$/d; s/^/|/'
    for name in $arg_names; do
        case "$newline$known$newline" in
        *"$newline$name$newline"*) ;;
        *) continue ;;
        esac
        echo "== guest $name"
        ask "domstate $name --reason; dumpxml $name --inactive" | bars
    done
}

consoles() {
    for name in $arg_names; do
        file=$arg_dir/$name/console.log
        if [ -s "$file" ]; then
            echo "== console $name"
            tail -c 2000 "$file" | bars
            echo
        fi
    done
}

folders() {
    for folder in "$arg_dir"/*/; do
        folder=${folder%/}
        name=${folder##*/}
        case $name in wizard-base | '*' | *"$newline"*) continue ;; esac
        echo "== folder $name"
        if [ -f "$folder/owner" ]; then sed -n 's/^lineage=/|lineage=/p' "$folder/owner"; fi
        if [ -f "$folder/booted" ]; then echo "|booted=1"; fi
        for file in "$folder"/* "$folder"/disks/*; do
            if [ -f "$file" ]; then
                stat -c '%s %b %B' "$file" 2>/dev/null |
                    awk -v name="${file#"$folder"/}" '{ print "|file=" name " " $1 " " $2 * $3 }'
            fi
        done
    done
}

place
guests
consoles
folders
echo "== neighbours"
sed -e 1d -e 's/^/|/' /proc/net/arp 2>/dev/null
echo "== end"
