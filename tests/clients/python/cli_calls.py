"""Makes the calls named on the command line with the AWS CLI beside this Python."""

import datetime
import json
import pathlib
import re
import subprocess
import sys

import inputs

AWS = pathlib.Path(sys.executable).parent / "aws"
COMMANDS = {
    "proton": ["proton", "create-service-instance"],
    "catalog": ["servicecatalog", "create-provisioning-artifact"],
}
ERROR = re.compile(
    r"An error occurred \((?P<code>[^)]*)\) when calling the \w+ operation"
    r"(?: \(reached max retries: (?P<retries>\d+)\))?: (?P<message>.*)",
    re.DOTALL,
)


def seconds(time):
    return int(time if isinstance(time, (int, float)) else datetime.datetime.fromisoformat(time).timestamp())


def output(service, answer):
    if service == "proton":
        return inputs.proton_output(answer["serviceInstance"], seconds)
    return inputs.catalog_output(answer, seconds)


def make(call):
    service, _, arguments = inputs.named(call)
    command = [AWS, *COMMANDS[service], "--output", "json", "--cli-input-json", json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return inputs.tell(call, 1, output=output(service, json.loads(done.stdout)))
    error = ERROR.search(done.stderr)
    if error is None:
        return inputs.tell(call, 0, error={"code": "AwsCli", "message": done.stderr.strip(), "modelled": False})
    # A command line has no exception types: the code is all there is.
    told = {"code": error["code"], "message": error["message"].rstrip("\n"), "modelled": None}
    return inputs.tell(call, int(error["retries"] or 0) + 1, error=told)


for argument in sys.argv[1:]:
    make(argument)
