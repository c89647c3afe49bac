"""Tests of the spec: its writing, its shape, its rules."""
