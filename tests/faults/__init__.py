"""A test for every row A 1-25, C 39-50, D 51-60, E 61-65 and F 69-72 of the list of faults, through the command line."""
