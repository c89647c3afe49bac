# Which Debian packages are installed, and whether dpkg is in order. Reads only.
# Args: names (of packages, each with =VERSION: the least that will do), separated by blanks.
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
unfinished=/var/lib/wizard/packages.unfinished

echo "== packages"
if command -v dpkg-query >/dev/null 2>&1; then
    echo "|apt=$(command -v apt-get >/dev/null 2>&1 && echo yes || echo no)"
    echo "|arch=$(dpkg --print-architecture 2>/dev/null)"
    # One question for all of them: dpkg reads its whole list each time.
    known=$(dpkg-query -W -f '${Package} ${db:Status-Want}-${db:Status-Status} ${Version}\n' 2>/dev/null)
    for wanted in $arg_names; do
        name=${wanted%%=*}
        row=$(printf '%s\n' "$known" | awk -v name="$name" '$1 == name && $2 !~ /not-installed$/ { print; exit }')
        [ -n "$row" ] || continue
        version=${row##* }
        state=${row#* }
        state=${state% *}
        enough=yes
        dpkg --compare-versions "$version" ge "${wanted#*=}" 2>/dev/null || enough=no
        echo "|package=$name ${state#*-} $version $enough"
    done
    printf '%s\n' "$known" | awk '$2 ~ /-(half|unpacked|triggers)/ { sub(/^[a-z]*-/, "", $2); print "|broken=" $1 " " $2 }' |
        head -n 20
else
    echo "|apt=no"
fi
[ ! -e "$unfinished" ] || echo "|unfinished=$(tr '\n' ' ' <"$unfinished")"
echo "== end"
