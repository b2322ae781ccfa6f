"""SQS as SDKs of before 2023 call it: forms that are answered in XML, written by hand."""

import os
import re
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from told import tell

credentials = boto3.Session().get_credentials()
region = os.environ["AWS_REGION"]
endpoint = os.environ.get("AWS_ENDPOINT_URL") or f"https://sqs.{region}.amazonaws.com"
proxies = {} if "AWS_ENDPOINT_URL" in os.environ else urllib.request.getproxies()
http = URLLib3Session(verify=os.environ.get("REQUESTS_CA_BUNDLE"), proxies=proxies)


def call(action, **parameters):
    form = {"Action": action, "Version": "2012-11-05", **{name.replace("_", "."): value for name, value in parameters.items()}}
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", endpoint + "/", data=form, headers=headers)
    SigV4Auth(credentials, "sqs", region).add_auth(request)
    answer = http.send(request.prepare())
    tell(action, {"status": answer.status_code, "body": answer.text})
    return answer.text


queue = re.search("<QueueUrl>(.*)</QueueUrl>", call("CreateQueue", QueueName="orders", Attribute_1_Name="VisibilityTimeout", Attribute_1_Value="0"))[1]
call(
    "SendMessage",
    QueueUrl=queue,
    MessageBody='<order customer="zoë"/> & more',
    MessageAttribute_1_Name="kind",
    MessageAttribute_1_Value_DataType="String",
    MessageAttribute_1_Value_StringValue="new",
)
call(
    "SendMessageBatch",
    QueueUrl=queue,
    SendMessageBatchRequestEntry_1_Id="a",
    SendMessageBatchRequestEntry_1_MessageBody="two",
    SendMessageBatchRequestEntry_2_Id="b",
    SendMessageBatchRequestEntry_2_MessageBody="three",
    SendMessageBatchRequestEntry_2_DelaySeconds="900",
)
seen = call("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages="10", MessageAttributeName_1="All", AttributeName_1="All")
for handle in re.findall("<ReceiptHandle>(.*?)</ReceiptHandle>", seen):
    call("DeleteMessage", QueueUrl=queue, ReceiptHandle=handle)
call("GetQueueAttributes", QueueUrl=queue, AttributeName_1="QueueArn")
call("SendMessage", QueueUrl=queue + "-that-is-not-there", MessageBody="lost")
call("DeleteMessage", QueueUrl=queue, ReceiptHandle="not-a-receipt")
