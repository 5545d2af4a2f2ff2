"""Documents as MongoDB's own library writes and reads them, which is the reference of extended JSON.

`write DIR` writes collections into DIR/canonical, as lists, and into DIR/relaxed, as lines. `types FILE` prints the
types that each document of FILE has for MongoDB, a JSON object a line.
"""

import datetime
import json
import pathlib
import sys

from bson import Int64, ObjectId, json_util

CREATED = datetime.datetime(2017, 5, 24, 22, 35, 32, 589000, tzinfo=datetime.timezone.utc)
PROFILE = "5925a68def86951f895cf497"
LOGIN = "b68c0013-d7b2-4004-8463-d7ba03e15d94"

COLLECTIONS = {
    "tenant": [
        {
            "_id": ObjectId("5925a68def86951f895cf400"),
            "name": "default",
            "verifyNewProfiles": False,
            "availableRoles": ["USER"],
            "ssoEnabled": True,
            "attributeDefinitions": [
                {
                    "permissions": [{"allowedActions": ["*"], "application": "*"}],
                    "name": name,
                    "metadata": {"order": 1},
                    "defaultValue": None,
                }
                for name in ("number", "long", "double", "date")
            ],
            "cleanseAttributes": True,
        }
    ],
    "profile": [
        {
            "_id": ObjectId(PROFILE),
            "username": "jdoe",
            "password": "Lz8nHBmAvNvYl/e4xNflu5PFQWcU1E0G0ENmJxJsOUQ=|fiuUbFa1Y69UnbFklzGGNQ==",
            "failedLoginAttempts": 2,
            "lastFailedLogin": CREATED,
            "email": "jdoe@example.com",
            "verified": True,
            "enabled": True,
            "createdOn": CREATED,
            "lastModified": CREATED,
            "tenant": "default",
            "roles": ["USER"],
            "attributes": {"number": 7, "long": Int64(9007199254740993), "double": 1.5, "date": CREATED},
        }
    ],
    "persistentlogin": [
        {
            "_id": LOGIN,
            "tenant": "default",
            "profileId": PROFILE,
            "token": "f390e222-c844-44a2-ad38-afa471527101",
            "timestamp": CREATED,
        }
    ],
    "accesstoken": [
        {
            "_id": "e5f4a1d2-0c3b-4e6f-8a7d-1b2c3d4e5f60",
            "application": "shop",
            "master": True,
            "tenantPermissions": [{"allowedActions": ["*"], "tenant": "*"}],
            "expiresOn": None,
        }
    ],
}


def write(directory):
    for kind, options in (
        ("canonical", json_util.CANONICAL_JSON_OPTIONS),
        ("relaxed", json_util.RELAXED_JSON_OPTIONS),
    ):
        target = pathlib.Path(directory) / kind
        target.mkdir()
        for name, documents in COLLECTIONS.items():
            texts = [json_util.dumps(document, json_options=options) for document in documents]
            whole = "[" + ",".join(texts) + "]" if kind == "canonical" else "\n".join(texts)
            (target / f"{name}.json").write_text(whole + "\n")


def types(path):
    for line in pathlib.Path(path).read_text().splitlines():
        document = json_util.loads(line)
        print(json.dumps({name: type(value).__name__ for name, value in document.items()}))


{"write": write, "types": types}[sys.argv[1]](sys.argv[2])
