"""The shape of a spec: which keys there are and what each holds (design section 7a), checked with voluptuous."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from voluptuous import DictInvalid, Invalid, MultipleInvalid, Optional, Required, RequiredFieldInvalid, Schema

from wizard.core.paths import parse_path
from wizard.core.spec import values as v
from wizard.core.spec.build import build
from wizard.core.spec.fields import BLANK, Refused, Validator, boolean, each, integer, one_of, text
from wizard.core.spec.model import ClusterSpec, Problem
from wizard.core.spec.reading import Document, Node, Path, Scalar, quoted, read_document

SCHEMA_VERSION = 1
"""The version of the spec's keys this program knows."""

Marker = Callable[[str], Any]
"""`Required` or `Optional`; the second pass, over what is left of a faulty spec, requires nothing."""

SECRET_WORDS = ("password", "passphrase", "passwd", "secret", "token", "credential")
ACME_WORDS = (
    "acme",
    "letsencrypt",
    "lets_encrypt",
    "certresolver",
    "cert_resolver",
    "certmanager",
    "cert_manager",
    "cluster_issuer",
    "dns_token",
    "dns_provider",
    "dns_challenge",
    "api_token",
    "zerossl",
)
"""What people write to have certificates made by a public authority (faults.md 38)."""
MISSING_HINTS = {
    "schema": f"Write schema: {SCHEMA_VERSION}",
    "gateway": "Write the address of your router.",
    "dhcp": "Write the range your router hands out, such as 192.168.10.100-192.168.10.199.",
}

_ADDRESS = text(v.ipv4)
_NAME = text(v.host_name)
_SIZE = text(v.size)
_TLS_HINT = "Certificates come from the wizard's own authority; public ones (ACME) need a public domain and are not made."


def spec_schema(need: Marker) -> Schema:
    """The schema of a whole spec.

    Args:
        need: marks the keys that must be there.
    """
    shape: dict[Any, Any] = {
        need("schema"): integer(1, SCHEMA_VERSION),
        need("name"): _NAME,
        Optional("ssh"): {Optional("user"): text(v.user_name), Optional("key"): text(v.local_path)},
        need("network"): _network(need),
        need("hosts"): each(_host(need)),
        Optional("storage"): {
            Optional("kind"): one_of("longhorn", "existing", "none"),
            Optional("replicas"): integer(1, 20),
            Optional("class"): text(v.domain_name),
            Optional("backup_target"): text(v.volume_backup_target),
        },
        Optional("machines"): each(_machine(need)),
        need("k3s"): {need("version"): text(v.k3s_version), Optional("enabled"): boolean},
        need("etcd"): {
            need("version"): text(v.etcd_version),
            Optional("heartbeat_ms"): integer(10, 5_000),
            Optional("election_ms"): integer(50, 50_000),
        },
        need("dns"): {
            need("kind"): one_of("pihole", "adguard", "coredns"),
            Optional("records"): {text_key(v.domain_name): _ADDRESS},
        },
        Optional("apps"): _apps(need),
        Optional("witness"): {Optional("accept_slow"): boolean},
        Optional("backup"): {
            need("target"): text(v.backup_target),
            need("schedule"): text(v.schedule),
            need("keep"): integer(1, 1_000),
        },
        Optional("apps_dir"): text(v.local_path),
        Optional("artifacts"): {Optional("accept_built"): boolean, Optional("dir"): text(v.local_path)},
        Optional("waivers"): each(
            {
                need("check"): text(v.dotted_id),
                need("reason"): text(v.free_text),
                need("until"): text(v.day, also="timestamp"),
            }
        ),
    }
    return Schema(shape)


def _network(need: Marker) -> dict[Any, Any]:
    return {
        need("cidr"): text(v.cidr),
        need("gateway"): _ADDRESS,
        need("domain"): text(v.domain_name),
        need("dhcp"): text(v.address_range),
        need("api_vip"): _ADDRESS,
        need("load_balancer"): text(v.address_range),
        need("upstream_dns"): each(_ADDRESS),
        Optional("pod_cidr"): text(v.cidr),
        Optional("service_cidr"): text(v.cidr),
        Optional("vlan"): integer(1, 4094),
        Optional("mtu"): integer(1280, 9216),
    }


def _host(need: Marker) -> dict[Any, Any]:
    return {
        need("name"): _NAME,
        need("role"): one_of("hypervisor", "witness"),
        need("address"): _ADDRESS,
        Optional("platform"): one_of("unraid", "libvirt", "pi"),
        Optional("guests"): one_of("auto", "kvm", "qemu", "lxc"),
        Optional("user"): text(v.user_name),
        Optional("port"): integer(1, 65_535),
        Optional("key"): text(v.local_path),
        Optional("bridge"): text(v.bridge_name),
        Optional("vm_dir"): text(v.absolute_path),
        Optional("storage_disk"): text(v.absolute_path),
        Optional("etcd_dir"): text(v.absolute_path),
        Optional("circuit"): text(v.label_text),
    }


def _machine(need: Marker) -> dict[Any, Any]:
    return {
        need("name"): _NAME,
        need("host"): _NAME,
        need("role"): one_of("etcd", "server", "storage", "worker"),
        need("address"): _ADDRESS,
        need("cpus"): integer(1, 512),
        need("memory"): _SIZE,
        need("disk"): _SIZE,
        Optional("data_disk"): _SIZE,
        Optional("mac"): text(v.mac),
    }


def _apps(need: Marker) -> dict[Any, Any]:
    return {
        Optional("metallb"): {},
        Optional("traefik"): {Optional("address"): _ADDRESS},
        Optional("mariadb"): {need("size"): _SIZE},
        Optional("redis"): {},
        Optional("nextcloud"): {
            need("host"): text(v.domain_name),
            need("size"): _SIZE,
            Optional("tls"): one_of("own-ca", "none", hint=_TLS_HINT),
        },
    }


def text_key(parse: Callable[[str], str]) -> Callable[[str], str]:
    """A key that people choose themselves: checked like the value of the same kind."""

    def check(key: str) -> str:
        try:
            return parse(key)
        except v.BadValueError as error:
            raise Refused(str(error), error.hint) from None

    return check


@cache
def _strict() -> Schema:
    return spec_schema(Required)


@cache
def _lenient() -> Schema:
    return spec_schema(Optional)


def interpret(source: str | bytes) -> tuple[ClusterSpec | None, list[Problem]]:
    """Read, check the shape, then check what does not fit together, also where part of the shape is wrong.

    Args:
        source: the file's content.

    Returns:
        The spec where its shape is sound, and every problem with its line, in no order.
    """
    spec, whole, problems = understand(source)
    return (spec if whole else None), problems


def understand(source: str | bytes) -> tuple[ClusterSpec | None, bool, list[Problem]]:
    """As `interpret`, with what is left of a spec whose shape is not sound.

    Args:
        source: the file's content.

    Returns:
        The spec, with neutral values where something is missing or refused (None where nothing can be made of
        the file); whether its shape is sound; every problem with its line, in no order.
    """
    doc = read_document(source)
    if doc.root is None:
        return None, False, doc.problems
    if not isinstance(doc.root, dict):
        doc.add((), "The file does not hold keys and values.", "wizard example shows how it should look.", 1)
        return None, False, doc.problems
    root, foreign = _without_foreign_apps(_with_empty_apps(doc.root))
    found, bad = _shape_problems(root, doc)
    whole = not bad and not any(problem.level == "error" for problem in doc.problems)
    spec = build(found, foreign)
    doc.problems += [
        Problem(p.path, p.text, p.hint, doc.line(parse_path(p.path)), p.level)
        for p in spec.problems()
        if not _is_under(parse_path(p.path), bad | doc.spoiled)
    ]
    return spec, whole, doc.problems


def _with_empty_apps(root: dict[str, Any]) -> dict[str, Any]:
    """`metallb:` with nothing behind it means the same as `metallb: {}`."""
    apps = root.get("apps")
    if not isinstance(apps, dict):
        return root
    filled = {name: {} if _is_null(options) else options for name, options in apps.items()}
    return {**root, "apps": filled}


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"


def _without_foreign_apps(root: dict[str, Any]) -> tuple[dict[str, Any], Mapping[str, Mapping[str, str]]]:
    """The apps out of `apps_dir` set aside: their options are their own, so only plain words are asked for."""
    apps = root.get("apps")
    if "apps_dir" not in root or not isinstance(apps, dict):
        return root, {}
    ours = known_keys(("apps",))
    foreign = {
        name: options
        for name, options in apps.items()
        if name not in ours and v.is_host_name(name) and _is_flat(options)
    }
    rest = {name: options for name, options in apps.items() if name not in foreign}
    return {**root, "apps": rest}, {
        name: {key: value.text for key, value in options.items()} for name, options in foreign.items()
    }


def _is_flat(options: Node) -> bool:
    return isinstance(options, dict) and all(isinstance(value, Scalar) for value in options.values())


def _shape_problems(root: dict[str, Any], doc: Document) -> tuple[dict[str, Any], set[Path]]:
    """What the schema accepts of the spec, and the paths where it refused something (told to the document)."""
    try:
        accepted: dict[str, Any] = _strict()(root)
    except MultipleInvalid as error:
        refused = {_path(one): one for one in error.errors}
    else:
        return accepted, set()
    for path, one in refused.items():
        if not _is_under(path, doc.spoiled):
            doc.add(path, *_explain(one, path))
    bad = set(refused)
    return _accepted_part(root, bad), bad


def _accepted_part(root: dict[str, Any], bad: Iterable[Path]) -> dict[str, Any]:
    """The spec without the refused values: what remains is still compared with itself."""
    pruned = _prune(root, (), frozenset(bad))
    try:
        accepted: dict[str, Any] = _lenient()(pruned)
    except MultipleInvalid as error:
        raise AssertionError(f"refused in the second pass only: {error}") from error
    return accepted


def _prune(node: Node, path: Path, bad: frozenset[Path]) -> Any:  # noqa: ANN401 - a tree of any depth
    if isinstance(node, dict):
        return {k: _prune(n, (*path, k), bad) for k, n in node.items() if (*path, k) not in bad}
    if isinstance(node, list):
        # a refused item leaves something empty behind, so that the ones after it keep their number
        blank: Node = {} if known_keys((*path, 0)) else BLANK
        return [_prune(blank if (*path, i) in bad else n, (*path, i), bad) for i, n in enumerate(node)]
    return node


def _path(error: Invalid) -> Path:
    return tuple(key if isinstance(key, int) else str(key) for key in error.path)


def _is_under(path: Path, roots: Iterable[Path]) -> bool:
    return any(path[: len(root)] == root for root in roots)


def _explain(error: Invalid, path: Path) -> tuple[str, str]:
    """(what is wrong, what to write) of a refusal."""
    if isinstance(error, Refused):
        return error.msg, error.hint
    key = path[-1]
    if isinstance(error, RequiredFieldInvalid):
        return f"The key {key} is missing.", MISSING_HINTS.get(str(key), f"Add {key}: (see wizard example).")
    if isinstance(error, DictInvalid):
        keys = ", ".join(known_keys(path)) or "name: address"
        return "A section with keys is wanted here.", f"Its keys: {keys}."
    return _unknown_key(str(key), path)


def _unknown_key(key: str, path: Path) -> tuple[str, str]:
    known = known_keys(path[:-1])
    place = "here" if len(path) > 1 else "at the top of a spec"
    what = f"There is no key {quoted(key)} {place}."
    if any(word in key.lower() for word in ACME_WORDS):
        why = "There is no ACME here: a public authority asks for a public domain and a token of its DNS provider."
        return f"{what} {why}", _TLS_HINT
    if any(word in key.lower() for word in SECRET_WORDS):
        return what, "A spec holds no secrets: the wizard asks for them, or makes them, and keeps them apart."
    from difflib import get_close_matches  # which only a wrong key needs

    near = get_close_matches(key[:64].lower().replace("-", "_"), known, n=1, cutoff=0.6)
    if near:
        return what, f"Did you mean {near[0]}?"
    if path[:-1] == ("apps",):
        return what, f"Known apps: {', '.join(known)}; apps of your own need apps_dir."
    return what, f"Known keys: {', '.join(known)}." if known else "Nothing can be set here."


def known_keys(path: Path) -> list[str]:
    """The keys that a section may have.

    Args:
        path: of the section; indexes of lists stand for any item.
    """
    node: Any = _strict().schema
    for key in path:
        node = node.item if isinstance(key, int) and isinstance(node, each) else _member(node, key)
    node = node if isinstance(node, dict) else {}
    return [str(marker) for marker in node if isinstance(marker, Required | Optional)]


def _member(node: Any, key: str | int) -> Any:  # noqa: ANN401 - schemas are dicts, lists or validators
    if not isinstance(node, dict):
        return None
    return next((inner for marker, inner in node.items() if str(marker) == str(key)), None)


__all__ = ["Validator", "interpret", "known_keys", "spec_schema", "understand"]
