#!/bin/sh
# The official image's probe as far as manifests use it: --connect, and --innodb_initialized, which a server that
# answers a query has passed.
mariadb --no-defaults --socket=/run/mysqld/mysqld.sock -u healthcheck -e 'SELECT 1' >/dev/null
