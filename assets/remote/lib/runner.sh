# Runs one claimed operation to its end, whoever may still be watching: setsid sh runner DIR, with the operation's
# lock held on descriptor 9. Operations of one host run one after another. The result appears by rename.
dir=$1
trap '' HUP
exec 8>/run/wizard/operations.lock
flock 8
sh "$dir/program" <"$dir/input" >"$dir/output" 2>&1 8>&-
code=$?
rm -f "$dir/input" "$dir/program" "$dir/runner"
printf '%s\n' "$code" >"$dir/result.new" && mv "$dir/result.new" "$dir/result"
