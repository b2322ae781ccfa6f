"""moto's server as the tests want it: `moto_server` with two of its ways mended.

- It checks the signature of a request without a body over the labels of its path, and so refuses
  every GET of a REST service but S3's.
- It starts Lambda functions in containers; here they give back what they are given."""

from moto.core import config
from moto.iam.access_control import IAMRequestBase
from moto.server import main

signed_as_parsed = IAMRequestBase._create_aws_request


def signed_as_sent(self):
    request = signed_as_parsed(self)
    if not int(self._headers.get("Content-Length") or 0):
        request.data = None
    return request


IAMRequestBase._create_aws_request = signed_as_sent
config.default_user_config["lambda"]["use_docker"] = False
main()
