# Stands before every script: a known search path and locale, and the arguments, which come on stdin as name=value
# lines up to a blank one. What follows on stdin is the script's own.
umask 077
LC_ALL=C
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
while IFS= read -r wizard_line; do
    [ -n "$wizard_line" ] || break
    wizard_name=${wizard_line%%=*}
    case $wizard_name in
    '' | [!a-z]* | *[!a-z0-9_]*)
        echo "wizard: bad argument name" >&2
        exit 98
        ;;
    esac
    eval "arg_$wizard_name=\${wizard_line#*=}"
done
