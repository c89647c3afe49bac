"""A registry that knows one image, read from an archive as `docker save` writes it. usage: registry.py ARCHIVE PORT."""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
TLS_HANDSHAKE = b"\x16"
"""Its first byte."""


def digest(content: bytes) -> str:
    """As registries name what they hold."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def described(kind: str, content: bytes) -> dict[str, object]:
    """A part of the image, as its manifest names it."""
    return {
        "mediaType": f"application/vnd.docker.{kind}",
        "size": len(content),
        "digest": digest(content),
    }


def read(path: str) -> tuple[bytes, list[bytes]]:
    """An archive's configuration and layers."""

    def content(name: str) -> bytes:
        file = archive.extractfile(name)
        return file.read() if file else b""

    with tarfile.open(path) as archive:
        (image,) = json.loads(content("manifest.json"))
        return content(image["Config"]), [content(name) for name in image["Layers"]]


def serve(path: str, port: int) -> None:
    """Answer for the image until the end."""
    config, layers = read(path)
    parts = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described("container.image.v1+json", config),
        "layers": [described("image.rootfs.diff.tar", layer) for layer in layers],
    }
    manifest = json.dumps(parts).encode()
    known = {digest(one): one for one in (config, manifest, *layers)}

    class Registry(BaseHTTPRequestHandler):
        def handle(self) -> None:
            """Who asks tries TLS first, and takes plain HTTP once it is answered in it."""
            if self.connection.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
                self.connection.recv(1 << 16)
                self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                return
            super().handle()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            wanted, named = path.rpartition("/")[2], "/manifests/" in path
            content = manifest if named and not wanted.startswith("sha256:") else known.get(wanted, b"")
            self.send_response(200 if content or path == "/v2/" else 404)
            self.send_header("Content-Type", MANIFEST if named else "application/octet-stream")
            self.send_header("Docker-Content-Digest", digest(content))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - as the base class has it

    ThreadingHTTPServer(("127.0.0.1", port), Registry).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
