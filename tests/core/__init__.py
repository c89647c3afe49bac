"""Tests of the core's types."""
