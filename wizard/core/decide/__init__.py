"""Decisions: pure functions over the spec, the facts by host, and measurements. No I/O, no clock."""
