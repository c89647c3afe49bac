# Prints what no terminal should ever see, without a last line break.
printf 'a\033[2Jb\000c\377d [red]markup[/red]'
printf 'err\033]0;title\n' >&2
exit 7
