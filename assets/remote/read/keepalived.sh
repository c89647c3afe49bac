# How a server takes part in the address of the API: what is set up, whether it runs, who has the address and who answers.
# Args: own (the server's own address), address (the shared one). Reads only. Sections as in read/facts.
# uses functions/answer
# uses functions/address
# shellcheck shell=sh disable=SC2154 # arg_* come from the prelude
shared_address "$arg_own" "$arg_address"
section end
