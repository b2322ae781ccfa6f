"""STS: who is it, assume a role, and call with the credentials that this vends."""

import json

from told import Teller

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

iam, sts = Teller("iam"), Teller("sts")
sts.get_caller_identity()
role = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
iam.put_role_policy(RoleName="deployer", PolicyName="all", PolicyDocument=json.dumps(ALL))
assumed = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="night", DurationSeconds=900)
vended = assumed["Credentials"]
keys = {
    "aws_access_key_id": vended["AccessKeyId"],
    "aws_secret_access_key": vended["SecretAccessKey"],
    "aws_session_token": vended["SessionToken"],
}
# Signed with the vended key pair, and answered with the role's identity.
Teller("sts", **keys).get_caller_identity()
Teller("dynamodb", **keys).list_tables()
sts.get_session_token()
iam.get_role(RoleName="no-such-role")
