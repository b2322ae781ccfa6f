"""Makes a provisioning artifact under a name of its own, waits for it, and pages through the list.

Everything that comes back must say the name that was made up here.
"""

import json
import uuid

import boto3

NAME = f"it-{uuid.uuid4().hex[:12]}"
PRODUCT = "prod-abcdzk7xy33qa"

catalog = boto3.client("servicecatalog")
made = catalog.create_provisioning_artifact(
    ProductId=PRODUCT,
    Parameters={
        "Name": NAME,
        "Type": "CLOUD_FORMATION_TEMPLATE",
        "Info": {"LoadTemplateFromURL": f"https://bucket.s3.amazonaws.com/{NAME}/template.json"},
    },
)
detail = made["ProvisioningArtifactDetail"]
assert detail["Name"] == NAME, detail

polls = 1
while made["Status"] == "CREATING":
    made = catalog.describe_provisioning_artifact(ProductId=PRODUCT, ProvisioningArtifactName=NAME)
    polls += 1
assert made["Info"]["arn"] == f"arn:aws:catalog:us-east-1:481516234207:artifact/{NAME}/1" or "000000000001" in made["Info"]["arn"], made

listed, page = [], {}
while True:
    answer = catalog.list_provisioning_artifacts_for_service_action(ServiceActionId="act-1", PageSize=2, **page)
    listed += [view["ProvisioningArtifact"]["Name"] for view in answer["ProvisioningArtifactViews"]]
    if "NextPageToken" not in answer:
        break
    page = {"PageToken": answer["NextPageToken"]}
assert NAME in listed, listed
print(json.dumps({"name": NAME, "id": detail["Id"], "polls": polls, "listed": [name == NAME for name in listed]}))
