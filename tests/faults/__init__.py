"""A test for every row A 1-25 and C 39-50 of the list of faults, through the command line."""
