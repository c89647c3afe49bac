"""Runs steps: orders them, plans, applies, checks; knows nothing of what a step is about."""
