"""moto's server as the tests want it: `moto_server` with three of its ways mended.

- It checks the signature of a request without a body over the labels of its path, and so refuses
  every GET of a REST service but S3's.
- It looks for a header in presigned requests too, and fails; their signatures go unchecked here.
- It starts Lambda functions in containers; here they give back what they are given."""

from moto.core import config
from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import IAMRequestBase
from moto.server import main

checked = ActionAuthenticatorMixin._authenticate_and_authorize_s3_action
signed_as_parsed = IAMRequestBase._create_aws_request


def signed_as_sent(self):
    request = signed_as_parsed(self)
    if not int(self._headers.get("Content-Length") or 0):
        request.data = None
    return request


def checked_by_header(self, *arguments, **named):
    if "Authorization" in self.headers or "Signature=" not in self.uri:
        checked(self, *arguments, **named)


IAMRequestBase._create_aws_request = signed_as_sent
ActionAuthenticatorMixin._authenticate_and_authorize_s3_action = checked_by_header
config.default_user_config["lambda"]["use_docker"] = False
main()
