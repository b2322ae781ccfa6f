"""Makes the calls named on the command line with boto3."""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import inputs

SERVICES = {
    "proton": ("proton", "create_service_instance", "ValidationException"),
    "catalog": ("servicecatalog", "create_provisioning_artifact", "InvalidParametersException"),
}


def output(service, answer):
    if service == "proton":
        return inputs.proton_output(answer["serviceInstance"], lambda time: int(time.timestamp()))
    return inputs.catalog_output(answer, lambda time: int(time.timestamp()))


def make(call):
    service, variant, arguments = inputs.named(call)
    name, method, refusal = SERVICES[service]
    # Only what boto3 would refuse by itself needs its own checks switched off.
    client = boto3.client(name, config=Config(parameter_validation=variant != "missing"))
    try:
        answer = getattr(client, method)(**arguments)
    except ClientError as error:
        metadata, problem = error.response["ResponseMetadata"], error.response["Error"]
        modelled = isinstance(error, getattr(client.exceptions, refusal))
        told = {"code": problem["Code"], "message": problem["Message"], "modelled": modelled}
        inputs.tell(call, metadata["RetryAttempts"] + 1, error=told)
    except BotoCoreError as error:
        inputs.tell(call, 0, error={"code": type(error).__name__, "message": str(error), "modelled": False})
    else:
        inputs.tell(call, answer["ResponseMetadata"]["RetryAttempts"] + 1, output=output(service, answer))


for argument in sys.argv[1:]:
    make(argument)
