"""What a module does once is done again by each worker that runs one of its tests."""

import boto3
import pytest


@pytest.fixture(scope="module")
def made_once():
    catalog = boto3.client("servicecatalog")
    answer = catalog.create_provisioning_artifact(
        ProductId="prod-abcdzk7xy33qa", Parameters={"Name": "of the module", "Type": "CLOUD_FORMATION_TEMPLATE"}
    )
    return catalog, answer["ProvisioningArtifactDetail"]["Id"]


@pytest.mark.parametrize("number", range(12))
def test_it_uses_what_the_module_made(made_once, number):
    catalog, made = made_once
    assert made.startswith("pa-")
    answer = catalog.create_provisioning_artifact(
        ProductId="prod-abcdzk7xy33qa", Parameters={"Name": f"number {number}", "Type": "CLOUD_FORMATION_TEMPLATE"}
    )
    assert answer["ProvisioningArtifactDetail"]["Id"] != made
