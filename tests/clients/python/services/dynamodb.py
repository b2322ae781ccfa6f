"""DynamoDB: a table, items of every kind, a condition that fails, pages, an exception."""

from told import Teller

dynamodb = Teller("dynamodb")
TABLE = {"TableName": "carts"}

dynamodb.create_table(
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
    dynamodb.put_item(**TABLE, Item=item, ReturnConsumedCapacity="TOTAL")
key = {"user": {"S": "zoë"}, "line": {"N": "1"}}
dynamodb.get_item(**TABLE, Key=key, ConsistentRead=True)
dynamodb.update_item(**TABLE, Key=key, UpdateExpression="SET amount = :a", ExpressionAttributeValues={":a": {"N": "3"}})
dynamodb.delete_item(
    **TABLE,
    Key=key,
    ConditionExpression="attribute_not_exists(amount)",
    ReturnValuesOnConditionCheckFailure="ALL_OLD",
)
page = {}
while True:
    found = dynamodb.query(
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
# The token is boto3's own, another in each run.
dynamodb.transact_write_items(TransactItems=[{"Delete": {**TABLE, "Key": key}}])
dynamodb.get_item(TableName="no-such-table", Key=key)
