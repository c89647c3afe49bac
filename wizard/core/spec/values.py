"""Single values of a spec: text in, checked text or number out. Screens use them for a field, the schema for a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wizard.core.spec.model import AddressRange
from wizard.core.text import printable

RESERVED_NAMES = frozenset(
    {
        "localhost",
        "localdomain",
        "broadcasthost",
        "ip6-localhost",
        "ip6-loopback",
        "kubernetes",
        "none",
        "all",
    }
)
"""Names that /etc/hosts files, the cluster or the wizard's own commands already give a meaning."""

LABEL_LENGTH = 63
"""Characters of one label of a host name (RFC 1035)."""
DOMAIN_LENGTH = 253
"""Characters of a whole name (RFC 1035, without the root's dot)."""
PATH_LENGTH = 1024
"""Characters of a path; Linux allows 4096, and ours are put together with file names."""
TEXT_LENGTH = 500
SHOWN = 60
"""Characters of a value that are quoted in a message."""
COLONS_OF_IPV6 = 2
"""From here on it cannot be an IPv4 address with a port."""
LONGEST_MASK = 32
LIBVIRT_PREFIX = 0xFE
"""libvirt refuses addresses that begin so: it derives those of its tap devices from them."""
UNITS = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
ETCD_OLDEST = (3, 5, 16)
"""What Debian 13 has, and 3.5 comes from there only (domain.md 2.1). Kubernetes since 1.35 is content with 3.5.13
(domain.md 1.1: RequestWatchProgress)."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SHELL = re.compile(r"[`$\"'\\;|&<>*?!#(){}\[\]\n\t]")


class BadValueError(ValueError):
    """A value that cannot be used.

    Args:
        text: what is wrong with it, one sentence.
        hint: what to write instead.
    """

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


def shown(text: str) -> str:
    """A value as it is quoted in messages."""
    return printable(text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...")


def host_name(text: str) -> str:
    """A name after RFC 1123, one label, lower case."""
    if text.lower() in RESERVED_NAMES:
        raise BadValueError(
            f"The name {text} has a meaning of its own already.", "Take another, such as tower-a."
        )
    return _label(text, "tower-a")


def is_host_name(text: str) -> bool:
    """Whether `host_name` accepts it."""
    return _label_problem(text) is None and text not in RESERVED_NAMES


def _label(text: str, example: str) -> str:
    problem = _label_problem(text)
    if problem is None:
        return text
    better = re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")[:LABEL_LENGTH]
    usable = better and _label_problem(better) is None and better not in RESERVED_NAMES
    raise BadValueError(f"{shown(text)} {problem}.", f"Write for example {better if usable else example}.")


def _label_problem(text: str) -> str | None:
    if not text.isascii():
        return "has characters other than a-z, 0-9 and the hyphen (RFC 1123)"
    if len(text) > LABEL_LENGTH:
        return f"has {len(text)} characters, a host name may have 63 (RFC 1123)"
    if text.endswith("."):
        return "ends with a dot"
    if text != text.lower():
        return "has upper case letters; names are compared letter by letter in the cluster"
    if "_" in text:
        return "has an underscore, which host names may not have (RFC 1123)"
    if text.isdigit():
        return "is all digits and would be taken for a number"
    if not _LABEL.fullmatch(text):
        return "is not a host name: a-z, 0-9 and hyphens, a letter or digit at both ends (RFC 1123)"
    return None


def domain_name(text: str) -> str:
    """One or more labels, 253 characters at most, not all digits at the end."""
    if len(text) > DOMAIN_LENGTH:
        raise BadValueError(f"A name of {len(text)} characters; DNS allows 253.", "Shorten it.")
    labels = text.split(".")
    for label in labels:
        numeric_ok = label.isdigit() and label is not labels[-1]
        problem = "has an empty part" if not label else None if numeric_ok else _label_problem(label)
        if text.endswith("."):
            problem = "ends with a dot"
        if problem:
            whole = f" (in {shown(text)})" if label and len(labels) > 1 and not text.endswith(".") else ""
            name = shown(label if whole else text)
            raise BadValueError(f"{name} {problem}{whole}.", "Write for example home.arpa.")
    return text


def ipv4(text: str) -> str:
    """An IPv4 address that a machine can have."""
    address = _address(text)
    for name in ("unspecified", "loopback", "link_local", "multicast", "reserved"):
        if getattr(address, f"is_{name}"):
            kind = name.replace("_", "-")
            raise BadValueError(f"{text} is a {kind} address.", "Write the address it has in your LAN.")
    return text


def _address(text: str) -> object:
    from ipaddress import AddressValueError, IPv4Address

    _refuse_ipv6(text)
    if re.search(r"(^|\.)0\d", text) and re.fullmatch(r"[\d.]+", text):
        better = ".".join(str(int(part)) for part in text.split(".") if part)
        reason = f"{shown(text)} has a leading zero: some programs read 010 as 8, others as 10."
        raise BadValueError(reason, f"Write {shown(better)} if that is meant.")
    try:
        return IPv4Address(text)
    except AddressValueError:
        reason = f"{shown(text)} is not an IPv4 address."
        raise BadValueError(reason, "Write four numbers, such as 192.168.10.11.") from None


def _refuse_ipv6(text: str) -> None:
    if text.count(":") < COLONS_OF_IPV6 and "%" not in text:
        return
    if text.lower().startswith("::ffff:"):
        better = text[7:].partition("/")[0]
        raise BadValueError(f"{shown(text)} is an IPv4 address in IPv6 clothing.", f"Write {shown(better)}.")
    why = "This version speaks IPv4 only: etcd, K3s and the load balancer are set up with IPv4 addresses"
    zone = "; an address with a zone (%) is known on one link alone" if "%" in text else ""
    raise BadValueError(f"{shown(text)} is IPv6. {why}{zone}.", "Write the IPv4 address of the same machine.")


def cidr(text: str) -> str:
    """An IPv4 network in its canonical form."""
    from ipaddress import IPv4Network

    address, slash, prefix = text.partition("/")
    if not slash or not re.fullmatch(r"[1-9]?\d", prefix) or int(prefix) > LONGEST_MASK:
        _refuse_ipv6(text)
        raise BadValueError(f"{shown(text)} is not a network.", "Write it as 192.168.10.0/24.")
    _address(address)
    network = IPv4Network(text, strict=False)
    if str(network) != text:
        reason = f"{text} is an address inside the network {network}, not the network itself."
        raise BadValueError(reason, f"Write {network}.")
    return text


def address_range(text: str) -> AddressRange:
    """`A-B`, both IPv4, A not above B."""
    from ipaddress import IPv4Address

    first, dash, last = (part.strip() for part in text.partition("-"))
    if not dash or "." not in last:
        _refuse_ipv6(text)
        reason = f"{shown(text)} is not a range of addresses."
        raise BadValueError(reason, "Write both ends in full: 192.168.10.100-192.168.10.199.")
    ipv4(first), ipv4(last)
    if IPv4Address(first) > IPv4Address(last):
        raise BadValueError(f"The range ends ({last}) before it begins ({first}).", f"Write {last}-{first}.")
    return AddressRange(first, last)


def mac(text: str) -> str:
    """A MAC address that a guest may have: unicast, not 0xfe first; lower case."""
    if not re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", text):
        reason = f"{shown(text)} is not a MAC address."
        raise BadValueError(reason, 'Write six pairs with colons, quoted: "52:54:00:ab:cd:01".')
    first = int(text[:2], 16)
    if first & 1:
        reason = f"{text} is a group address: the lowest bit of its first pair is set (multicast)."
        raise BadValueError(reason, "Begin with 52:54:00, the prefix of virtual machines.")
    if first == LIBVIRT_PREFIX or set(text) <= set("0:"):
        reason = f"{text} cannot be given to a guest: libvirt keeps fe:... for its own ends, and zero is no address."
        raise BadValueError(reason, "Begin with 52:54:00, the prefix of virtual machines.")
    return text.lower()


def user_name(text: str) -> str:
    """A login name."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}", text):
        raise BadValueError(f"{shown(text)} is not a login name.", "Letters, digits, . _ and -, 32 at most.")
    return text


def bridge_name(text: str) -> str:
    """The name of a network interface: 15 characters at most (Linux IFNAMSIZ)."""
    if text in (".", "..") or not re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", text):
        raise BadValueError(
            f"{shown(text)} is not the name of a bridge.", "15 characters at most, such as br0."
        )
    return text


def absolute_path(text: str) -> str:
    """A path on a host."""
    if not text.startswith("/"):
        raise BadValueError(f"{shown(text)} is not an absolute path.", "Begin with / and write it in full.")
    return _path(text)


def local_path(text: str) -> str:
    """A path on this machine; may begin with `~/`."""
    if not text.startswith(("/", "~/")):
        raise BadValueError(f"{shown(text)} is not an absolute path.", "Begin with / or with ~/.")
    return _path(text)


def _path(text: str) -> str:
    if ".." in text.split("/"):
        raise BadValueError(f"{shown(text)} goes up with .. on its way.", "Write where it ends up.")
    if found := _SHELL.search(text):
        reason = f"{shown(text)} contains {found.group()!r}, which a shell takes for a command."
        raise BadValueError(reason, "Rename the folder, or take another.")
    if len(text) > PATH_LENGTH:
        raise BadValueError("The path has more than 1,024 characters.", "Take a shorter one.")
    if not text.strip("/~"):
        raise BadValueError(f"{text} is the root of everything.", "Name a folder of its own below it.")
    return text.rstrip("/")


def url(text: str, schemes: Sequence[str]) -> str:
    """A URL of one of the schemes, without a password in it."""
    from urllib.parse import urlsplit

    wanted = ", ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(text)
        has_secret = parts.password is not None
    except ValueError:
        raise BadValueError(f"{shown(text)} is not a URL.", f"Begin with {wanted}.") from None
    if has_secret:
        reason = "The URL carries a password; a spec holds no secrets."
        raise BadValueError(reason, "Leave the password out: the wizard asks for it.")
    if parts.scheme not in schemes or not parts.netloc or _SHELL.search(text) or " " in text:
        raise BadValueError(f"{shown(text)} is not a target that can be used.", f"Begin with {wanted}.")
    return text


def volume_backup_target(text: str) -> str:
    """Where Longhorn sends backups (domain.md 3: backup stores)."""
    return url(text, ("nfs", "s3", "cifs", "azblob"))


def backup_target(text: str) -> str:
    """A folder on the hypervisors: a share of another machine is mounted there first."""
    if "://" in text:
        reason = f"{shown(text)} is a URL; backups of the cluster's state go to a folder."
        raise BadValueError(
            reason, "Mount the share on every hypervisor, and name the folder it is mounted at."
        )
    return absolute_path(text)


_CRON_WORDS = ("@hourly", "@daily", "@weekly", "@monthly")
_CRON_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def schedule(text: str) -> str:
    """Five cron fields of numbers, or one of `@hourly @daily @weekly @monthly`."""
    fields = text.split()
    whole = len(fields) == len(_CRON_FIELDS)
    if text in _CRON_WORDS:
        return text
    if not whole or not all(_cron_ok(f, *b) for f, b in zip(fields, _CRON_FIELDS, strict=True)):
        reason = f"{shown(text)} is not a schedule."
        raise BadValueError(reason, 'Write five cron fields ("30 3 * * *" = daily at 3:30) or @daily.')
    return " ".join(fields)


def _cron_ok(field: str, low: int, high: int) -> bool:
    for item in field.split(","):
        match = re.fullmatch(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/([1-9]\d?))?", item)
        if not match:
            return False
        numbers = [int(number) for number in match.groups()[:2] if number]
        if numbers != sorted(numbers) or not all(low <= number <= high for number in numbers):
            return False
    return True


def k3s_version(text: str) -> str:
    """`vX.Y.Z+k3sN`."""
    if not re.fullmatch(r"v(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}\+k3s[1-9]\d*", text):
        reason = f"{shown(text)} is not a K3s version: they have the form vX.Y.Z+k3sN."
        raise BadValueError(reason, "Write for example v1.36.4+k3s1.")
    return text


def etcd_version(text: str) -> str:
    """`X.Y.Z`, not older than `ETCD_OLDEST`."""
    if not re.fullmatch(r"(0|[1-9]\d{0,3})(\.(0|[1-9]\d{0,3})){2}", text):
        reason = f"{shown(text)} is not an etcd version: they have the form X.Y.Z."
        raise BadValueError(reason, "Write for example 3.6.14.")
    if tuple(int(part) for part in text.split(".")) < ETCD_OLDEST:
        oldest = ".".join(map(str, ETCD_OLDEST))
        reason = f"etcd {text} is too old: {oldest} of Debian 13 is the oldest that is installed."
        raise BadValueError(reason, "Write for example 3.6.14.")
    return text


def size(text: str) -> int:
    """`512M`, `4G`, `1T` (also `Mi`, `MiB`, ...), counted in steps of 1024, as bytes."""
    match = re.fullmatch(r"([1-9]\d{0,6})([MGT])(?:i|iB)?", text)
    if not match:
        raise BadValueError(
            f"{shown(text)} is not a size.", "Write a whole number and M, G or T, such as 4G."
        )
    return int(match[1]) * UNITS[match[2]]


def size_text(count: int) -> str:
    """Bytes as the shortest text that `size` reads back.

    Args:
        count: bytes, a multiple of 1 MiB.
    """
    for unit, factor in reversed(UNITS.items()):
        if count and count % factor == 0:
            return f"{count // factor}{unit}"
    return f"{count // UNITS['M']}M"


def day(text: str) -> str:
    """A date as `2027-01-31`."""
    from datetime import date

    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise BadValueError(f"{shown(text)} is not a date.", "Write year-month-day, such as 2027-01-31.")


def dotted_id(text: str) -> str:
    """The id of a check: `etcd.quorum`."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?", text):
        raise BadValueError(f"{shown(text)} is not the id of a check.", "wizard doctor --list names them.")
    return text


def label_text(text: str) -> str:
    """A short name people chose: letters of any script, digits, blanks, dot, hyphen, underscore."""
    if (
        len(text) > LABEL_LENGTH
        or not all(char.isalnum() or char in " ._-" for char in text)
        or text != text.strip()
    ):
        raise BadValueError(
            f"{shown(text)} is not a plain name.", "Letters, digits, blanks, . _ -, 63 at most."
        )
    return text


def free_text(text: str) -> str:
    """One line for people to read."""
    if "\n" in text or len(text) > TEXT_LENGTH:
        raise BadValueError("One line of at most 500 characters is wanted.", "Shorten it.")
    return text
