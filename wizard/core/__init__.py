"""The engine and its types: standard library, yaml and one schema library only."""
