"""Fixtures of this folder."""

from __future__ import annotations

from tests.artifacts.fixtures import authority, cache_folder, client, no_proxy, server

__all__ = ["authority", "cache_folder", "client", "no_proxy", "server"]
