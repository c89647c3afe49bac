# A script with a syntax error, kept out of shellcheck by its purpose.
# shellcheck disable=all
if then
