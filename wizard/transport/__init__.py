"""The only home of fabric, kubernetes and httpx."""
