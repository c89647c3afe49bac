// The lab's own programs inside its Kubernetes: the standard library is all they need.
module homelab.arpa/lab/images/equipment

go 1.26.0
