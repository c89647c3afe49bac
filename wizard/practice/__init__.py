"""A simulated homelab that answers as real hosts do, without a network."""
