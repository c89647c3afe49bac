"""Tests of the wizard, cheapest first."""
