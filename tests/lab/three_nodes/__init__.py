"""A cluster of three nodes, as small as one with a server on each hypervisor can be, and what goes wrong with it."""
