"""Data the wizard ships: remote scripts, catalog, texts, lab images."""
