"""A secret masks itself wherever it could be seen by accident."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, dataclass

import pytest

from wizard.core.secret import MASK, Secret

CANARY = "canary-9f2c"


@dataclass(frozen=True)
class Login:
    """Something that holds a secret."""

    user: str
    password: Secret


@pytest.mark.parametrize(
    "shown",
    [
        str,
        repr,
        "{}".format,
        lambda secret: f"{secret!r:>40}",
        lambda secret: "%s" % secret,  # noqa: UP031 - this way must not leak either
        "{:>30}".format,
        lambda secret: repr([secret, {"password": secret}]),
        lambda secret: repr(Login("anna", secret)),
        lambda secret: str(asdict(Login("anna", secret))),
        lambda secret: json.dumps({"password": secret}, default=str),
        lambda secret: str(copy.deepcopy([secret])),
        lambda secret: str(vars(Login("anna", secret))),
        lambda secret: " ".join(map(str, dir(secret))),
    ],
)
def test_it_is_masked(shown: object) -> None:
    assert callable(shown)
    assert CANARY not in shown(Secret(CANARY))


def test_a_leak_would_be_seen() -> None:
    assert CANARY in str([CANARY])
    assert Secret(CANARY).reveal() == CANARY


def test_it_is_never_pickled() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(Secret(CANARY), protocol)


def test_json_refuses_it_without_being_told_how() -> None:
    with pytest.raises(TypeError):
        json.dumps({"password": Secret(CANARY)})


def test_logging_masks_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("wizard").info("login with %s", Secret(CANARY))
    assert MASK in caplog.text
    assert CANARY not in caplog.text


def test_tracebacks_with_locals_mask_it() -> None:
    """Textual prints locals in its crash screen (style.md 4.2 no. 7)."""

    def fail(password: Secret) -> None:
        login = Login("anna", password)
        raise ValueError(f"cannot log in with {login}")

    try:
        fail(Secret(CANARY))
    except ValueError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        text = "".join(shown.format())
    assert "login" in text
    assert CANARY not in text


def test_equal_only_to_its_like() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert not Secret("")
