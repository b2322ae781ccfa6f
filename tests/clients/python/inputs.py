"""The calls that every client makes, and the form in which it tells what came of them."""

import json
import pathlib
import sys

INPUTS = json.loads((pathlib.Path(__file__).parent.parent / "calls.json").read_text())


def named(call):
    """The service, the variant and the input of a call such as `proton:good`."""
    service, variant = call.split(":")
    return service, variant, INPUTS[service][variant]


def tell(call, attempts, **result):
    json.dump({"call": call, "attempts": attempts, **result}, sys.stdout, separators=(",", ":"))
    print(flush=True)


def proton_output(instance, seconds):
    return {
        "name": instance["name"],
        "serviceName": instance["serviceName"],
        "arn": instance["arn"],
        "spec": instance.get("spec"),
        "deploymentStatus": instance["deploymentStatus"],
        "createdAt": seconds(instance["createdAt"]),
    }


def catalog_output(output, seconds):
    detail = output["ProvisioningArtifactDetail"]
    return {
        "id": detail["Id"],
        "name": detail["Name"],
        "type": detail["Type"],
        "active": detail["Active"],
        "createdTime": seconds(detail["CreatedTime"]),
        "info": output["Info"],
        "status": output["Status"],
    }
