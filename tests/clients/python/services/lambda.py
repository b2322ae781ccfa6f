"""Lambda: create, get and list functions, tags and an alias; a typed exception."""

import io
import json
import zipfile

from told import Teller

CODE = "def handler(event, context):\n    return event\n"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def zipped():
    """The same bytes in every run."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py", (2026, 1, 1, 0, 0, 0)), CODE)
    return packed.getvalue()


role = Teller("iam").create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
functions = Teller("lambda")
functions.create_function(
    FunctionName="echo",
    Runtime="python3.13",
    Role=role["Arn"],
    Handler="main.handler",
    Code={"ZipFile": zipped()},
    Environment={"Variables": {"STAGE": "test", "DB_PASSWORD": "opensesame-9-opensesame"}},
    Tags={"team": "blue"},
    Publish=True,
)
functions.get_function(FunctionName="echo")
functions.get_function_configuration(FunctionName="echo", Qualifier="$LATEST")
functions.list_functions(MaxItems=10)
functions.create_alias(FunctionName="echo", Name="live", FunctionVersion="1")
functions.list_tags(Resource=functions.get_function(FunctionName="echo")["Configuration"]["FunctionArn"])
functions.invoke(FunctionName="echo", InvocationType="DryRun", Payload=json.dumps({"order": 1}))
functions.invoke(FunctionName="echo", InvocationType="RequestResponse", LogType="Tail", Payload=json.dumps({"order": 1}))
functions.get_function(FunctionName="no-such-function")
functions.delete_function(FunctionName="echo")
