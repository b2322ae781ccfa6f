"""Two hundred tests that all make the same calls, each in a session of its own.

In a recording every answer is another, and each test keeps what it got; in a replay it must get
just that again, whoever else asks for the same at the same time.
"""

import json
import os
import pathlib
import re

import boto3
import pytest

SEEN = pathlib.Path(os.environ["SEEN"])


def name_it_by_path(monkeypatch, started):
    """The fixture has done so."""


def name_it_by_application_id(monkeypatch, started):
    monkeypatch.setenv("AWS_ENDPOINT_URL", os.environ["FERROTAPE_URL"])
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", started["appId"])


def name_it_by_proxy_user(monkeypatch, started):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    proxy = re.sub("//[^:]*:", f"//{started['name']}:", os.environ["HTTPS_PROXY"])
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("https_proxy", proxy)


WAYS = [name_it_by_path, name_it_by_application_id, name_it_by_proxy_user]


@pytest.mark.parametrize("number", range(200))
def test_it_gets_its_own_answers(monkeypatch, session, number):
    WAYS[number % len(WAYS)](monkeypatch, session)
    catalog = boto3.client("servicecatalog")
    answers = [
        catalog.create_provisioning_artifact(
            ProductId="prod-abcdzk7xy33qa", Parameters={"Name": "the same", "Type": "CLOUD_FORMATION_TEMPLATE"}
        )["ProvisioningArtifactDetail"]["Id"]
        for _ in range(3)
    ]
    assert len(set(answers)) == 3
    seen = SEEN / f"{number}.json"
    if os.environ["MODE"] == "record":
        seen.write_text(json.dumps(answers))
    else:
        assert answers == json.loads(seen.read_text())


def test_it_makes_no_call_and_answers_nobody():
    """Its session has a cassette all the same."""


LONG = "so long a name that only its end, which no file name can hold, tells it from the next, "


@pytest.mark.parametrize("name", ["a b", "a-b", LONG + "one", LONG + "two"])
def test_what_is_named_alike_answers_apart(session, name):
    details = boto3.client("servicecatalog").create_provisioning_artifact(
        ProductId="prod-abcdzk7xy33qa", Parameters={"Name": name, "Type": "CLOUD_FORMATION_TEMPLATE"}
    )["ProvisioningArtifactDetail"]
    assert details["Id"]
