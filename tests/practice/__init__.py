"""The simulated homelab is held against what real hosts answered."""
