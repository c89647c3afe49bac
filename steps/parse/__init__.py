"""Pure functions from the text of a remote script to dataclasses."""
