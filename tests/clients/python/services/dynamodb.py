"""Uses DynamoDB with boto3: a table, items of every kind, a condition that fails, pages."""

import base64
import json
import sys

import boto3
from botocore.exceptions import ClientError

dynamodb = boto3.client("dynamodb")


def plain(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def tell(method, **arguments):
    try:
        answer = getattr(dynamodb, method)(**arguments)
    except ClientError as error:
        answer, attempts = {"Error": error.response["Error"]}, error.response["ResponseMetadata"]["RetryAttempts"] + 1
    else:
        attempts = answer.pop("ResponseMetadata")["RetryAttempts"] + 1
    json.dump({"call": method, "attempts": attempts, "output": answer}, sys.stdout, default=plain, sort_keys=True)
    print(flush=True)
    return answer


TABLE = {"TableName": "carts"}

tell(
    "create_table",
    **TABLE,
    BillingMode="PAY_PER_REQUEST",
    KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}, {"AttributeName": "line", "KeyType": "RANGE"}],
    AttributeDefinitions=[
        {"AttributeName": "user", "AttributeType": "S"},
        {"AttributeName": "line", "AttributeType": "N"},
    ],
)
for line in range(3):
    item = {
        "user": {"S": "zoë"},
        "line": {"N": str(line)},
        "photo": {"B": bytes(range(line, line + 5))},
        "tags": {"SS": ["new", "sale"]},
        "box": {"M": {"weight": {"N": "1.50"}, "fragile": {"BOOL": line == 1}, "note": {"NULL": True}}},
    }
    tell("put_item", **TABLE, Item=item, ReturnConsumedCapacity="TOTAL")
key = {"user": {"S": "zoë"}, "line": {"N": "1"}}
tell("get_item", **TABLE, Key=key, ConsistentRead=True)
tell("update_item", **TABLE, Key=key, UpdateExpression="SET amount = :a", ExpressionAttributeValues={":a": {"N": "3"}})
tell("delete_item", **TABLE, Key=key, ConditionExpression="attribute_not_exists(amount)")
page = {}
while True:
    found = tell(
        "query",
        **TABLE,
        **page,
        Limit=2,
        KeyConditionExpression="#u = :u",
        ExpressionAttributeNames={"#u": "user"},
        ExpressionAttributeValues={":u": {"S": "zoë"}},
    )
    if "LastEvaluatedKey" not in found:
        break
    page = {"ExclusiveStartKey": found["LastEvaluatedKey"]}
tell("get_item", TableName="no-such-table", Key=key)
