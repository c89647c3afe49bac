// What every pod's sandbox runs, for the lab: the standard library is all it needs.
module homelab.arpa/lab/images/pause

go 1.26.0
