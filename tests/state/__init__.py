"""The run state on the disk: faults A 1 to 13 and 16 of the fault list."""
