#!/bin/sh
# What the lab's MariaDB image starts: makes a database on an empty volume, with the accounts that the environment of
# the official image names, and serves it. A first start that was cut off is done again.
set -eu
DATA=/var/lib/mysql
DONE=$DATA/.initialised

# The value of NAME, or what is in the file that NAME_FILE names.
value() {
    eval "place=\${$1_FILE-}"
    if [ -n "$place" ]; then cat "$place"; else eval "printf '%s' \"\${$1-}\""; fi
}

# As SQL writes a string.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/[\\\\']/\\\\&/g")"; }

accounts() {
    root=$(value MARIADB_ROOT_PASSWORD)
    database=$(value MARIADB_DATABASE)
    user=$(value MARIADB_USER)
    echo 'FLUSH PRIVILEGES;' # bootstrapping knows no accounts until they are read
    echo "ALTER USER root@localhost IDENTIFIED BY $(quoted "$root");"
    echo "CREATE USER IF NOT EXISTS root@'%' IDENTIFIED BY $(quoted "$root");"
    echo "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
    echo "CREATE USER IF NOT EXISTS healthcheck@'127.0.0.1', healthcheck@localhost;"
    [ -z "$database" ] || echo "CREATE DATABASE IF NOT EXISTS \`$database\`;"
    [ -n "$user" ] || return 0
    echo "CREATE USER IF NOT EXISTS $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$(value MARIADB_PASSWORD)");"
    [ -z "$database" ] || echo "GRANT ALL ON \`$database\`.* TO $(quoted "$user")@'%';"
}

case ${1:-} in
'' | -*) set -- mariadbd "$@" ;;
mariadbd) ;;
*) exec "$@" ;;
esac
shift
as=
if [ "$(id -u)" = 0 ]; then
    as=--user=mysql
    chown -R mysql:mysql "$DATA" /run/mysqld
fi
if [ ! -e "$DONE" ]; then
    # shellcheck disable=SC2086 # a word or none
    mariadb-install-db $as --datadir="$DATA" --skip-test-db --auth-root-authentication-method=normal >/dev/null
    # shellcheck disable=SC2086
    accounts | mariadbd $as --datadir="$DATA" --bootstrap
    : >"$DONE"
fi
# shellcheck disable=SC2086
exec mariadbd $as --datadir="$DATA" --socket=/run/mysqld/mysqld.sock --bind-address=0.0.0.0 "$@"
