"""URLs that an answer gives, as a program sees them, and one of its own that a call takes. The first
argument is the URL of the emulator, which the program has written into it."""

import json
import sys

from told import Teller

OWN = sys.argv[1]

sqs = Teller("sqs")
queue = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
sqs.receive_message(QueueUrl=queue)
sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"see": f"{OWN}/bucket/key"}))
Teller("lambda").get_function_url_config(FunctionName="f")
Teller("apigatewayv2").get_api(ApiId="abc123")
Teller("sns").subscribe(TopicArn="arn:aws:sns:us-east-1:123456789012:t", Protocol="http", Endpoint=f"{OWN}/hook")
parts = {"Parts": [{"ETag": "e", "PartNumber": 1}]}
Teller("s3").complete_multipart_upload(Bucket="shop", Key="k", UploadId="u", MultipartUpload=parts)
Teller("cloudformation").create_stack(StackName="s", TemplateURL=f"{OWN}/bucket/t.yaml")
