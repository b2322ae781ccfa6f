"""SQS: send, receive, delete; and an error whose code is that of the older query protocol."""

from told import Teller

sqs = Teller("sqs")

queue = {"QueueUrl": sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]}
sqs.get_queue_attributes(**queue, AttributeNames=["QueueArn", "VisibilityTimeout"])
sqs.send_message(
    **queue,
    MessageBody='{"order": 1, "customer": "zoë"}',
    MessageAttributes={"kind": {"DataType": "String", "StringValue": "new"}},
)
sqs.send_message_batch(
    **queue,
    Entries=[{"Id": "a", "MessageBody": "two"}, {"Id": "b", "MessageBody": "three", "DelaySeconds": 900}],
)
seen = sqs.receive_message(**queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
for message in seen["Messages"]:
    sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
sqs.receive_message(**queue)
sqs.send_message(QueueUrl=queue["QueueUrl"] + "-that-is-not-there", MessageBody="lost")
sqs.delete_message(**queue, ReceiptHandle="not-a-receipt")
sqs.list_queues(QueueNamePrefix="ord")
sqs.delete_queue(**queue)
