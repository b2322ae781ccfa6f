"""IAM: users, roles, keys and policies; pages; a typed exception."""

import json

from told import Teller

iam = Teller("iam")
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}

iam.create_user(UserName="ada", Path="/people/", Tags=[{"Key": "team", "Value": "blue/green"}])
iam.get_user(UserName="ada")
iam.create_user(UserName="ada")
key = iam.create_access_key(UserName="ada")["AccessKey"]
iam.list_access_keys(UserName="ada")
iam.update_access_key(UserName="ada", AccessKeyId=key["AccessKeyId"], Status="Inactive")
iam.create_login_profile(UserName="ada", Password="correct-Horse-7-battery")
iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(TRUST), Description="runs <things> &\t\"more\"")
iam.get_role(RoleName="runner")
iam.create_role(RoleName="walker", AssumeRolePolicyDocument=json.dumps(TRUST))
iam.put_role_policy(RoleName="runner", PolicyName="read", PolicyDocument=json.dumps(READ))
iam.get_role_policy(RoleName="runner", PolicyName="read")
page = {}
while True:
    found = iam.list_roles(MaxItems=1, **page)
    if not found["IsTruncated"]:
        break
    page = {"Marker": found["Marker"]}
iam.list_role_policies(RoleName="runner")
iam.get_role(RoleName="no-such-role")
iam.delete_access_key(UserName="ada", AccessKeyId=key["AccessKeyId"])
