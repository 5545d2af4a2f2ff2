"""Answers which documents match which filters, by mongomock.

Each line of the input is a JSON list of [filter, document]; each line of the output is a list of true, false, or
the text of an error. Ids, dates and regular expressions are in MongoDB's extended JSON.
"""

import json
import re
import sys
from datetime import datetime, timedelta, timezone

from mongomock.filtering import filter_applies
from mongomock.helpers import ObjectId

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FLAGS = {"i": re.I, "m": re.M, "s": re.S, "x": re.X}


class Id(ObjectId):
    """An id that has an order, which mongomock's own has not."""

    def __init__(self, digits):
        super().__init__(digits + "00000000")

    def __lt__(self, other):
        return self._id < other._id

    def __le__(self, other):
        return self._id <= other._id

    def __gt__(self, other):
        return self._id > other._id

    def __ge__(self, other):
        return self._id >= other._id


def decode(pairs):
    fields = dict(pairs)
    if "$oid" in fields:
        return Id(fields["$oid"])
    if "$date" in fields:
        return EPOCH + timedelta(milliseconds=fields["$date"])
    if "$regularExpression" in fields:
        regex = fields["$regularExpression"]
        flags = 0
        for option in regex["options"]:
            flags |= FLAGS[option]
        return re.compile(regex["pattern"], flags)
    return fields


def answer(case):
    query, document = case
    try:
        return bool(filter_applies(query, document))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


for line in sys.stdin:
    cases = json.loads(line, object_pairs_hook=decode)
    print(json.dumps([answer(case) for case in cases]), flush=True)
