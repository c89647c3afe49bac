# How far a guest's boot is: what cloud-init and systemd say. Reads only; takes no arguments.
# shellcheck shell=sh
echo "== boot"
result=/run/cloud-init/result.json
if [ -f "$result" ]; then
    # Errors are the strings of its list, one a line; nothing in it needs a JSON parser of the guest.
    errors=$(tr -d '\n' <"$result" | sed -n 's/.*"errors": *\[\([^]]*\)\].*/\1/p')
    case $errors in
    *\"*)
        echo "|cloud_init=failed"
        printf '%s\n' "$errors" | tr ',' '\n' | sed -n 's/^[^"]*"\(.*\)"[^"]*$/|error=\1/p' | head -n 3
        ;;
    *) echo "|cloud_init=done" ;;
    esac
elif [ -e /run/cloud-init/enabled ] || [ -e /run/cloud-init/status.json ]; then
    echo "|cloud_init=running"
else
    echo "|cloud_init=none"
fi
state=$(systemctl is-system-running 2>/dev/null)
echo "|system=${state:-unknown}"
case $state in
initializing | starting)
    systemctl list-jobs --no-legend --no-pager 2>/dev/null | awk '$4 == "running" { print "|unit=" $2 }' | head -n 3
    ;;
esac
echo "== end"
