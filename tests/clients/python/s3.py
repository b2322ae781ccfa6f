"""Uses S3 with boto3: objects, pages, parts, copies, presigned URLs, and what fails."""

import base64
import gzip
import io
import json
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = {"Bucket": "ferrotape-tests"}
ODD_KEY = "notes/a b+ü&(1).txt"
BINARY = bytes(range(256)) * 8

s3 = boto3.client("s3")
# Left to itself, boto3 presigns with version 2 where the region still takes that.
version_4 = boto3.client("s3", config=Config(signature_version="s3v4"))


def plain(value):
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "__iter__"):
        return list(value)
    return str(value)


def line(call, attempts, output):
    json.dump({"call": call, "attempts": attempts, "output": output}, sys.stdout, default=plain, sort_keys=True)
    print(flush=True)


def tell(method, **arguments):
    try:
        answer = getattr(s3, method)(**BUCKET, **arguments)
    except ClientError as error:
        metadata = error.response["ResponseMetadata"]
        answer = {"Error": error.response["Error"], "Type": type(error).__name__, "Status": metadata["HTTPStatusCode"]}
    else:
        metadata = answer.pop("ResponseMetadata")
    line(method, metadata["RetryAttempts"] + 1, answer)
    return answer


def presigned(client, method, verb, body=None, headers={}, **arguments):
    """What a program without an SDK does with a URL it was given."""
    url = client.generate_presigned_url(method, Params={**BUCKET, **arguments}, ExpiresIn=600)
    request = urllib.request.Request(url, data=body, method=verb, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            output = {"Status": answer.status, "Body": answer.read(), "ETag": answer.headers["ETag"]}
    except urllib.error.HTTPError as error:
        output = {"Status": error.code, "Body": error.read().decode()}
    line(f"presigned {method}", 1, output)


def objects():
    tell("put_object", Key="plain.txt", Body=b"hello\n", ContentType="text/plain", Metadata={"colour": "blue"})
    tell("put_object", Key=ODD_KEY, Body="zoë\r\n".encode(), Tagging="team=a&stage=b", CacheControl="no-cache")
    tell("put_object", Key="binary", Body=io.BytesIO(BINARY), ChecksumAlgorithm="SHA256")
    tell("put_object", Key="empty", Body=b"")
    packed = gzip.compress(b"packed " * 40, mtime=0)
    tell("put_object", Key="packed.gz", Body=packed, ContentEncoding="gzip", ContentType="text/plain")
    for key in ["plain.txt", ODD_KEY, "binary", "empty"]:
        tell("get_object", Key=key)
    assert tell("get_object", Key="packed.gz")["ContentEncoding"] == "gzip"
    assert s3.get_object(**BUCKET, Key="packed.gz")["Body"].read() == packed
    tell("head_object", Key="packed.gz")
    tell("get_object", Key="binary", Range="bytes=250-260")
    tell("get_object", Key="binary", Range="bytes=-3")
    tell("get_object", Key="binary", Range="bytes=9000-")
    etag = tell("head_object", Key=ODD_KEY)["ETag"]
    tell("get_object", Key=ODD_KEY, IfNoneMatch=etag)
    tell("get_object", Key=ODD_KEY, IfMatch='"0123456789abcdef0123456789abcdef"')
    tell("get_object_tagging", Key=ODD_KEY)
    tell("get_object_attributes", Key="plain.txt", ObjectAttributes=["ETag", "ObjectSize"])
    tell("put_object_tagging", Key="plain.txt", Tagging={"TagSet": [{"Key": "a/b", "Value": "c+d=e"}]})
    tell("get_object_tagging", Key="plain.txt")


def failures():
    tell("get_object", Key="no-such-key")
    tell("head_object", Key="no-such-key")
    tell("copy_object", Key="copy", CopySource={**BUCKET, "Key": "no-such-key"})
    try:
        s3.list_objects_v2(Bucket="no-such-bucket-of-ours")
    except s3.exceptions.NoSuchBucket as error:
        line("list_objects_v2", 1, error.response["Error"])


def copies():
    tell("copy_object", Key="copies/one", CopySource={**BUCKET, "Key": ODD_KEY})
    tell("copy_object", Key="copies/two", CopySource=BUCKET["Bucket"] + "/plain.txt", MetadataDirective="REPLACE", Metadata={"n": "2"})
    tell("get_object", Key="copies/one")
    tell("head_object", Key="copies/two")


def pages():
    page = {}
    while True:
        found = tell("list_objects_v2", MaxKeys=3, **page)
        if not found["IsTruncated"]:
            break
        page = {"ContinuationToken": found["NextContinuationToken"]}
    tell("list_objects_v2", Prefix="copies/", FetchOwner=True)
    tell("list_objects_v2", Delimiter="/")
    tell("list_objects", Prefix="notes/", EncodingType="url")
    tell("get_bucket_location")
    tell("head_bucket")


def parts():
    upload = {"Key": "parts"}
    upload["UploadId"] = tell("create_multipart_upload", Key="parts", ContentType="text/plain")["UploadId"]
    wrong = {"Parts": [{"PartNumber": 1, "ETag": '"0123456789abcdef0123456789abcdef"'}]}
    done = []
    for number, body in enumerate([b"first part ", b"second part"], 1):
        part = tell("upload_part", **upload, PartNumber=number, Body=body)
        done.append({"PartNumber": number, "ETag": part["ETag"]})
    copied = tell("upload_part_copy", **upload, PartNumber=3, CopySource={**BUCKET, "Key": "binary"}, CopySourceRange="bytes=65-90")
    done.append({"PartNumber": 3, "ETag": copied["CopyPartResult"]["ETag"]})
    tell("list_parts", **upload)
    tell("list_multipart_uploads")
    tell("complete_multipart_upload", **upload, MultipartUpload=wrong)
    tell("complete_multipart_upload", **upload, MultipartUpload={"Parts": done})
    tell("get_object", Key="parts")
    dropped = tell("create_multipart_upload", Key="dropped")["UploadId"]
    tell("abort_multipart_upload", Key="dropped", UploadId=dropped)
    tell("list_parts", Key="dropped", UploadId="no-such-upload")


def urls():
    for client in [s3, version_4]:
        presigned(client, "get_object", "GET", Key=ODD_KEY)
        presigned(client, "get_object", "GET", Key="binary", headers={"Range": "bytes=0-3"})
        text = {"Content-Type": "text/plain"}
        presigned(client, "put_object", "PUT", Key="by-url", ContentType="text/plain", body=b"by a URL", headers=text)
        presigned(client, "get_object", "GET", Key="by-url", ResponseContentType="text/html")
        presigned(client, "get_object", "GET", Key="no-such-key")


def selection():
    tell("put_object", Key="people.csv", Body=b"name,age\nann,31\nbob,29\n")
    answer = s3.select_object_content(
        **BUCKET,
        Key="people.csv",
        Expression="SELECT name FROM S3Object",
        ExpressionType="SQL",
        InputSerialization={"CSV": {"FileHeaderInfo": "USE"}},
        OutputSerialization={"JSON": {}},
    )
    line("select_object_content", answer["ResponseMetadata"]["RetryAttempts"] + 1, answer["Payload"])


def deletions():
    tell("delete_object", Key="plain.txt")
    tell("get_object", Key="plain.txt")
    keys = [found["Key"] for found in s3.list_objects_v2(**BUCKET)["Contents"]]
    tell("delete_objects", Delete={"Objects": [{"Key": key} for key in keys]})
    tell("list_objects_v2")
    tell("delete_bucket")


tell("create_bucket")
for act in [objects, failures, copies, pages, parts, urls, selection, deletions]:
    act()
