"""Secrets Manager: create, get, describe, list; a typed exception."""

from told import Teller

secrets = Teller("secretsmanager")

# The token is boto3's own, another in each run.
made = secrets.create_secret(Name="db/password", SecretString="opensesame-9-opensesame", Description="of the shop")
secrets.get_secret_value(SecretId="db/password")
secrets.get_secret_value(SecretId=made["ARN"], VersionId=made["VersionId"])
secrets.put_secret_value(SecretId="db/password", SecretBinary=bytes(range(32)))
secrets.get_secret_value(SecretId="db/password")
secrets.get_secret_value(SecretId="db/password", VersionStage="AWSPREVIOUS")
secrets.describe_secret(SecretId="db/password")
secrets.list_secrets(Filters=[{"Key": "name", "Values": ["db/"]}])
secrets.get_random_password(PasswordLength=40)
secrets.get_secret_value(SecretId="no/such")
secrets.create_secret(Name="db/password", SecretString="again")
