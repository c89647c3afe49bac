"""A sample of the losses, on a cluster as small as every one of them allows."""
