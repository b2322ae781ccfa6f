"""EC2: run and describe instances, tags, a key pair; an error."""

from told import Teller

ec2 = Teller("ec2")

image = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "name", "Values": ["amzn2-ami-hvm-2.0.*-x86_64-gp2"]}])
image = image["Images"][0]["ImageId"]
ec2.create_key_pair(KeyName="door")
# The token is boto3's own, another in each run.
run = ec2.run_instances(
    ImageId=image,
    InstanceType="t3.micro",
    MinCount=2,
    MaxCount=2,
    KeyName="door",
    UserData="#!/bin/sh\nPASSWORD=opensesame-9-opensesame\n",
    BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8, "DeleteOnTermination": True}}],
    TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "blue"}]}],
)
ids = [instance["InstanceId"] for instance in run["Instances"]]
ec2.describe_instances(InstanceIds=ids)
ec2.describe_instances(Filters=[{"Name": "tag:team", "Values": ["blue"]}])
ec2.create_tags(Resources=ids, Tags=[{"Key": "name", "Value": "<a> & \"b\""}])
ec2.describe_instance_attribute(InstanceId=ids[0], Attribute="userData")
ec2.describe_regions(RegionNames=["us-east-1", "eu-west-1"])
ec2.describe_instances(InstanceIds=["i-00000000000000000"])
ec2.terminate_instances(InstanceIds=ids)
