"""CloudFormation: create, describe and list stacks; an error; a template that comes back."""

import json

from told import Teller

TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Name": {"Type": "String"}, "Secret": {"Type": "String", "NoEcho": True}},
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}},
    "Outputs": {"Url": {"Value": {"Ref": "Queue"}, "Description": "where to send & what"}},
}

stacks = Teller("cloudformation")
parameters = [
    {"ParameterKey": "Name", "ParameterValue": "orders"},
    {"ParameterKey": "Secret", "ParameterValue": "opensesame-9-opensesame"},
]
made = stacks.create_stack(
    StackName="shop",
    TemplateBody=json.dumps(TEMPLATE),
    Parameters=parameters,
    Capabilities=["CAPABILITY_IAM"],
    Tags=[{"Key": "team", "Value": "blue"}],
)
stacks.describe_stacks(StackName="shop")
stacks.describe_stacks(StackName=made["StackId"])
stacks.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])
stacks.list_stack_resources(StackName="shop")
stacks.describe_stack_events(StackName="shop")
stacks.get_template(StackName="shop")
stacks.create_stack(StackName="shop", TemplateBody=json.dumps(TEMPLATE), Parameters=parameters)
stacks.describe_stacks(StackName="no-such-stack")
stacks.delete_stack(StackName="shop")
