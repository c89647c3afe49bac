"""Catalog, cache, download and digests of everything that is fetched."""
