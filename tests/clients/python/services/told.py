"""What a program of this folder sees of AWS, printed as JSON lines."""

import base64
import json
import sys

import boto3
from botocore.exceptions import ClientError


def plain(value):
    """What JSON has no form for: bytes, streams, times."""
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


class Teller:
    """A client that tells of each of its calls: the answer, or the exception with all it carries."""

    def __init__(self, service, **arguments):
        self.client = boto3.client(service, **arguments)

    def __getattr__(self, method):
        return lambda **arguments: self.call(method, **arguments)

    def call(self, method, **arguments):
        try:
            answer = getattr(self.client, method)(**arguments)
        except ClientError as error:
            answer = {**error.response, "exception": type(error).__name__}
        metadata = answer.pop("ResponseMetadata")
        seen = {"status": metadata["HTTPStatusCode"], "request": metadata.get("RequestId"), **answer}
        tell(method, seen, metadata["RetryAttempts"] + 1)
        return seen


def tell(call, output, attempts=1):
    json.dump({"call": call, "attempts": attempts, "output": output}, sys.stdout, default=plain, sort_keys=True)
    print(flush=True)
