"""Makes a user that may do all, and prints its key pair.

moto's server lets its first three calls through unchecked for this."""

import json

import boto3

ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

iam = boto3.client("iam")
iam.create_user(UserName="tester")
key = iam.create_access_key(UserName="tester")["AccessKey"]
iam.put_user_policy(UserName="tester", PolicyName="all", PolicyDocument=json.dumps(ALL))
print(key["AccessKeyId"], key["SecretAccessKey"])
