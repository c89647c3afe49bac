# What a login shell of any kind is given to run, inside single quotes and on one line: so no quote, backslash or
# exclamation mark may occur in it. It skips lines until our header, reads exactly the announced bytes of program
# (each read asks for no more than is missing, so nothing behind the program is swallowed), and runs that in a
# subshell between two marks. The nonce in the marks comes by stdin, so nothing else can print them.
LC_ALL=C; export LC_ALL; while IFS= read -r l; do case $l in wizard-frame:*:*) break;; esac; done; l=${l#*:}; n=${l%%:*}; m=${l#*:}; p=; while [ "${n:-0}" -gt 0 ]; do c=$(dd bs="$n" count=1 2>/dev/null; echo x); c=${c%x}; [ -n "$c" ] || exit 97; p=$p$c; n=$((n-${#c})); done; [ -n "$p" ] || exit 97; echo "$m begin"; echo "$m begin" >&2; (eval "$p"); r=$?; echo; echo "$m end $r"; echo "$m end" >&2
