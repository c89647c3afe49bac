"""Fixtures of this folder."""

from __future__ import annotations

from tests.artifacts.fixtures import authority, cache_folder, client, loopback_only, server

__all__ = ["authority", "cache_folder", "client", "loopback_only", "server"]
