"""An image registry on loopback, with images made for the test: lists, manifests, packed layers, bearer tokens."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.artifacts.https_server import Behaviour, Request, Server, failing, respond, serving
from wizard.artifacts.digest import Digest
from wizard.artifacts.oci import DOCKER_LIST, DOCKER_MANIFEST, INDEX, MANIFEST, Reference, parse_reference

REPOSITORY, TAG = "lab/dns", "1.0"
ZSTD_LAYER = bytes.fromhex("28b52ffd0458") + b"the wizard unpacks nothing"
"""Begins as a zstd frame does; whoever unpacks it finds out that it is none."""


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def as_json(document: dict[str, object]) -> bytes:
    return json.dumps(document).encode()


@dataclass
class Registry:
    """One repository with an image for each architecture, behind one list.

    Its blobs may lie with another server (`elsewhere`), as they do with those who hand them to a CDN; with `login`
    it answers only to those who bring the token that its own token server gave them last.
    """

    server: Server
    arches: tuple[str, ...] = ("amd64", "arm64")
    docker: bool = False
    """Whether its media types are Docker's older ones."""
    elsewhere: Server | None = None
    login: str = ""
    """The challenge of a 401; empty = nobody is asked."""
    tokens: list[str] = field(default_factory=list)
    """Those it gives out next, the last one for ever."""
    valid: str = ""
    """The token it takes."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        listed = []
        for arch in self.arches:
            raw = self.image(arch)
            platform = {"os": "linux", "architecture": arch, **({"variant": "v8"} if arch == "arm64" else {})}
            listed.append({**self._manifest(raw), "platform": platform})
        unknown = {"os": "unknown", "architecture": "unknown"}  # what builders keep of how it was built
        listed.append({**self._manifest(self.image("attestation")), "platform": unknown})
        self.top = as_json(
            {"schemaVersion": 2, "mediaType": DOCKER_LIST if self.docker else INDEX, "manifests": listed}
        )
        self.manifests[digest_of(self.top)] = self.top
        self.publish()

    def image(self, arch: str) -> bytes:
        """The manifest of an image with a configuration, a layer of gzip and one of zstd."""
        config = as_json({"os": "linux", "architecture": arch, "rootfs": {"type": "layers"}})
        packed = gzip.compress(f"the files for {arch}".encode() * 400, mtime=0)
        kinds = ("config.v1+json", "layer.v1.tar+gzip", "layer.v1.tar+zstd")
        parts = [
            {
                "mediaType": f"application/vnd.oci.image.{kind}",
                "digest": digest_of(content),
                "size": len(content),
            }
            for kind, content in zip(kinds, (config, packed, ZSTD_LAYER), strict=True)
        ]
        self.blobs |= {digest_of(content): content for content in (config, packed, ZSTD_LAYER)}
        media = DOCKER_MANIFEST if self.docker else MANIFEST
        return as_json({"schemaVersion": 2, "mediaType": media, "config": parts[0], "layers": parts[1:]})

    def _manifest(self, raw: bytes) -> dict[str, object]:
        self.manifests[digest_of(raw)] = raw
        return {"mediaType": MANIFEST, "digest": digest_of(raw), "size": len(raw)}

    @property
    def reference(self) -> Reference:
        return self.named(digest_of(self.top))

    def named(self, digest: str) -> Reference:
        """The image by another digest than its list's."""
        return parse_reference(f"oci://localhost:{self.server.port}/{REPOSITORY}:{TAG}@{digest}")

    def layer(self, arch: str) -> str:
        """The digest of an image's first layer."""
        manifest = json.loads(self.manifests[self.manifest(arch)])
        return str(manifest["layers"][0]["digest"])

    def manifest(self, arch: str) -> str:
        """The digest of an image's manifest."""
        wanted = (one for one in json.loads(self.top)["manifests"] if one["platform"]["architecture"] == arch)
        return str(next(wanted)["digest"])

    def publish(self) -> None:
        """Answer for everything."""
        for digest, raw in self.manifests.items():
            self.at_manifest(digest, serving(raw, etag=""))
        for digest, content in self.blobs.items():
            self.at_blob(digest, serving(content))

    def at_manifest(self, digest: str, *behaviours: Behaviour) -> None:
        path = f"/v2/{REPOSITORY}/manifests/{digest}"
        self.server.on(path, *(self._guarded(each) for each in behaviours))

    def at_blob(self, digest: str, *behaviours: Behaviour) -> str:
        """Answer for a blob; returns the path that its bytes are asked for at."""
        path = f"/v2/{REPOSITORY}/blobs/{digest}"
        if self.elsewhere is None:
            self.server.on(path, *(self._guarded(each) for each in behaviours))
            return path
        there = self.elsewhere.on(f"/cdn/{digest}?signature=x", *behaviours)
        self.server.on(path, self._guarded(failing("307 Temporary Redirect", {"Location": there})))
        return f"/cdn/{digest}?signature=x"

    def want_tokens(self, *tokens: str, valid: str = "") -> None:
        """Answer 401 from now on to whoever does not bring the valid token; the token server gives these out."""
        realm = self.server.url("/token")
        self.login = f'Bearer realm="{realm}",service="lab",scope="repository:{REPOSITORY}:pull"'
        self.tokens, self.valid = list(tokens), valid or tokens[-1]
        scope = "repository%3Alab%2Fdns%3Apull"
        self.server.on(f"/token?service=lab&scope={scope}", self._give)

    def _give(self, request: Request, connection: object) -> None:
        asked = parse_qs(urlsplit(request.path).query)
        assert asked == {"service": ["lab"], "scope": [f"repository:{REPOSITORY}:pull"]}
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        respond(connection, body=as_json({"token": token}))  # type: ignore[arg-type]

    def _guarded(self, behaviour: Behaviour) -> Behaviour:
        def answer(request: Request, connection: object) -> None:
            if self.login and request.headers.get("authorization") != f"Bearer {self.valid}":
                challenge = {"WWW-Authenticate": self.login}
                return failing("401 Unauthorized", challenge)(request, connection)  # type: ignore[arg-type]
            return behaviour(request, connection)  # type: ignore[arg-type]

        return answer


def bound(digest: str) -> Digest:
    return Digest(*digest.split(":"))
