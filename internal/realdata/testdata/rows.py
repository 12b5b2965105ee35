"""Prints the rows of Parquet files as JSON, one a line, read by pyarrow or duckdb.

rows.py pyarrow|duckdb COLUMN,COLUMN,... FILE...

A decimal is its text, a double the hexadecimal digits of its eight bytes, a
timestamp its RFC 3339 text, a map and a struct an object.
"""

import datetime
import decimal
import json
import struct
import sys

import duckdb
import pyarrow.parquet


def read(reader, columns, path):
    if reader == "pyarrow":
        return pyarrow.parquet.read_table(path, columns=columns)
    names = ", ".join('"%s"' % c for c in columns)
    return duckdb.sql("select %s from read_parquet('%s')" % (names, path)).to_arrow_table()


def plain(value):
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


for path in sys.argv[3:]:
    for row in read(sys.argv[1], sys.argv[2].split(","), path).to_pylist(maps_as_pydicts="strict"):
        print(json.dumps(plain(row)))
