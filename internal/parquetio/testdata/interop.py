"""Reads and writes Parquet files with pyarrow and duckdb.

interop.py read FILE       a line of JSON per row and reader, in the form below
interop.py write FILE DIR  the rows of FILE written anew in many ways into DIR

A row is a list of its columns. Numbers that JSON cannot hold are text: doubles are
their bits in hexadecimal, decimals their digits; timestamps are microseconds and
dates days since the epoch, binaries hexadecimal, maps lists of pairs.
"""

import datetime
import decimal
import json
import os
import struct
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value, kind):
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return [plain(value[f.name], f.type) for f in kind]
    if pa.types.is_map(kind):
        return [[plain(k, kind.key_type), plain(v, kind.item_type)] for k, v in value]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [plain(v, kind.value_type) for v in value]
    if isinstance(value, float):
        return "NaN" if value != value else struct.pack(">d", value).hex()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return str((value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return str(value.toordinal() - EPOCH.toordinal())
    if isinstance(value, bool) or isinstance(value, str):
        return value
    return str(value)


def by_pyarrow(name):
    return pq.read_table(name, page_checksum_verification=True)


def database():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def by_duckdb(name):
    return database().sql(f"SELECT * FROM read_parquet('{name}')").to_arrow_table()


def read(name):
    for reader, table in (("pyarrow", by_pyarrow(name)), ("duckdb", by_duckdb(name))):
        columns = [[plain(v, c.type) for v in c.to_pylist()] for c in table.columns]
        for row in zip(*columns):
            print(json.dumps({"reader": reader, "row": row}))


def write(name, folder):
    table = by_pyarrow(name)
    for codec in ("none", "snappy", "gzip", "brotli", "zstd"):
        for version in ("1.0", "2.0"):
            path = os.path.join(folder, f"pyarrow-{codec}-{version}.parquet")
            pq.write_table(table, path, compression=codec, data_page_version=version, row_group_size=1000)
    pq.write_table(table, os.path.join(folder, "pyarrow-plain.parquet"), use_dictionary=False, data_page_size=4096)
    pq.write_table(table, os.path.join(folder, "pyarrow-no-schema.parquet"), store_schema=False, write_page_index=True)
    for codec in ("snappy", "gzip", "zstd"):
        for version in ("V1", "V2"):
            path = os.path.join(folder, f"duckdb-{codec}-{version}.parquet")
            database().execute(
                f"COPY (SELECT * FROM read_parquet('{name}')) TO '{path}' "
                f"(FORMAT parquet, COMPRESSION {codec}, PARQUET_VERSION {version}, ROW_GROUP_SIZE 2048)"
            )


if __name__ == "__main__":
    {"read": read, "write": write}[sys.argv[1]](*sys.argv[2:])
