"""Uses S3 with the AWS CLI beside this Python: `s3 cp`, `s3 ls`, `s3 rm` and `s3api`."""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

AWS = pathlib.Path(sys.executable).parent / "aws"
BUCKET = "ferrotape-tests"
PLACE = f"s3://{BUCKET}"

folder = tempfile.TemporaryDirectory(prefix="ferrotape-s3-cli-")
here = pathlib.Path(folder.name)


def aws(*arguments):
    """Runs one command in the folder, and tells what it printed."""
    done = subprocess.run([AWS, *arguments], cwd=here, capture_output=True)
    # Lines come in the order in which threads end, each written over what was told of its progress.
    lines = sorted(line.rsplit(b"\r", 1)[-1].strip().decode() for line in done.stdout.split(b"\n"))
    output = {"status": done.returncode, "stdout": lines, "stderr": done.stderr.decode()}
    print(json.dumps({"call": " ".join(arguments), "attempts": 1, "output": output}), flush=True)


def same(one, other):
    assert (here / one).read_bytes() == (here / other).read_bytes(), f"{one} came back as another file"


(here / "note.txt").write_text("hello\n")
(here / "a b+ü.txt").write_text("zoë\n")
(here / "packed.gz").write_bytes(gzip.compress(b"packed " * 40, mtime=0))
# More than the 8 MiB above which the CLI sends parts.
(here / "large").write_bytes(bytes(range(256)) * 33 * 1024)

aws("s3", "mb", PLACE)
aws("s3", "cp", "note.txt", f"{PLACE}/notes/note.txt", "--metadata", "colour=blue")
aws("s3", "cp", "a b+ü.txt", f"{PLACE}/notes/", "--content-type", "text/plain; charset=utf-8")
aws("s3", "cp", "packed.gz", f"{PLACE}/", "--content-encoding", "gzip")
aws("s3", "cp", "large", f"{PLACE}/large", "--no-progress")
aws("s3", "ls", PLACE, "--recursive", "--page-size", "2")
for key in ["notes/a b+ü.txt", "packed.gz", "large"]:
    aws("s3", "cp", f"{PLACE}/{key}", f"back-{pathlib.Path(key).name}", "--no-progress")
    same(pathlib.Path(key).name, f"back-{pathlib.Path(key).name}")
aws("s3", "mv", f"{PLACE}/notes/note.txt", f"{PLACE}/moved.txt")
aws("s3", "cp", f"{PLACE}/no-such-key", "nothing")
aws("s3api", "head-object", "--bucket", BUCKET, "--key", "moved.txt")
aws("s3api", "head-object", "--bucket", BUCKET, "--key", "no-such-key")
aws("s3api", "get-object", "--bucket", BUCKET, "--key", "large", "--range", "bytes=255-257", "part")
assert (here / "part").read_bytes() == b"\xff\x00\x01"
aws("s3api", "put-object", "--bucket", BUCKET, "--key", "checked", "--body", "note.txt", "--checksum-algorithm", "SHA1")
aws("s3api", "get-object", "--bucket", BUCKET, "--key", "checked", "--checksum-mode", "ENABLED", "back-checked")
same("note.txt", "back-checked")
aws("s3", "rb", PLACE, "--force")
