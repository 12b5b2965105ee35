"""Does by SQL what `feedmill aggregate` does on the sample workspace.

    aggregate_duckdb.py DATA OUT PARTITIONS full
    aggregate_duckdb.py DATA OUT PARTITIONS increment DAY

It writes the objects that feedmill writes: the state of every source and the
snapshot, zstd, in the same number of partitions by hash of the key, sorted by
(hash, key). `increment` builds on the states that an earlier call left in OUT
and reads the deliveries of one day. Prints one JSON line.
"""

import json
import os
import resource
import sys
import time

import duckdb

LATEST = "qualify row_number() over (partition by id order by ts desc, filename desc, file_row_number desc) = 1"

RATES = "map {'EUR': 1.0, 'GBP': 0.86, 'USD': 1.08, 'PLN': 4.30, 'CNY': 7.80, 'HKD': 8.45}"

# The snapshot: the joins and the derived columns of deploy/local/feedmill.yaml.
SNAPSHOT = f"""
    select o.id, o.seller, o.code, o.mpn, o.language, o.title, o.description, o.brand, o.category, o.condition,
        o.price, o.list_price, o.currency, o.stock, o.active, o.weight, o.delivery_days, o.available_from, o.age_group,
        o.created, o.ts as updated, o.images, o.attributes, o.tags,
        shop, cat, stats, coalesce(c.list, []) as campaigns,
        'https://market.example.org/' || o.language || '/o/' || o.id as link,
        o.images[1] as image,
        coalesce(o.title_en, o.title) as name_en,
        round(o.price::double / ({RATES})[o.currency], 2)::decimal(12,2) as eur,
        case when o.list_price > o.price then round(100.0 - 100.0 * o.price::double / o.list_price::double)::bigint else 0 end as reduction,
        c.list[1].name as campaign,
        o.h
    from offers_state o
    left join (select id, struct_pack(name, country, rating, active, since) as shop from sellers) s on s.id = o.seller
    left join (select path, struct_pack(google, commission) as cat from categories) k on k.path = o.category
    left join (select offer, struct_pack(impressions, clicks, sales, revenue, conversion) as stats from statistics) t on t.offer = o.id
    left join (select seller, list(struct_pack(campaign, name, channel, discount, starts, ends, seller, budget)
        order by discount desc nulls last, campaign) as list from campaigns group by seller) c on c.seller = o.seller
    where o.op is distinct from 'D'
"""


def main():
    data, out, partitions, mode = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    day = sys.argv[5] if mode == "increment" else "*"
    db = duckdb.connect()
    db.execute("set preserve_insertion_order = false")
    db.execute(f"set temp_directory = '{out}/tmp'")
    began = time.time()

    changes = f"select *, hash(id) as h from read_parquet('{data}/offers/{day}/*/*.parquet', filename = true, file_row_number = true)"
    if mode == "increment":
        changes += f" union all by name select * from read_parquet('{out}/states/offers/*.parquet')"
    db.execute(f"create temp table offers_state as select * from ({changes}) {LATEST}")
    newest = day if day != "*" else sorted(os.listdir(f"{data}/offers"))[-1]
    db.execute(f"""create temp table sellers as select *, hash(id) as h from read_csv('{data}/sellers/sellers_{newest}.csv.gz',
        delim = ';', header = true, decimal_separator = ',', types = {{'id': 'varchar', 'name': 'varchar', 'country': 'varchar', 'rating': 'double', 'active': 'boolean', 'since': 'date'}})""")
    db.execute(f"create temp table statistics as select *, hash(offer) as h from read_parquet('{data}/statistics/{newest}/*.parquet')")
    db.execute(f"create temp table categories as select *, hash(path) as h from read_json('{data}/categories/categories.jsonl.gz', format = 'newline_delimited')")
    db.execute(f"""create temp table campaigns as select c.id as campaign, c.name, c.channel, c.discount, c.starts::date as starts, c.ends::date as ends,
        s.seller, s.budget::decimal(12,2) as budget, hash(c.id || s.seller) as h
        from (select unnest(campaigns) as c from read_json('{data}/campaigns/campaigns_{newest}.json', maximum_object_size = 1000000000)),
        unnest(c.sellers) as u(s)""")

    # The new states are written beside the old ones, which are read until then.
    for name, query, key in [
        ("states/offers", "select * from offers_state", "id"),
        ("states/sellers", "select * from sellers", "id"),
        ("states/statistics", "select * from statistics", "offer"),
        ("states/categories", "select * from categories", "path"),
        ("states/campaigns", "select * from campaigns", "campaign"),
        ("snapshot", SNAPSHOT, "id"),
    ]:
        write(db, f"{out}/{name}", query, key, partitions)
    offers = db.execute("select count(*) from offers_state where op is distinct from 'D'").fetchone()[0]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "mode": mode, "offers": offers, "seconds": round(time.time() - began, 2),
        "cpu": round(usage.ru_utime + usage.ru_stime, 2), "peak_mb": usage.ru_maxrss // 1024,
    }))


def write(db, folder, query, key, partitions):
    """Writes a query as sorted partitions by the top bits of the hash h."""
    os.makedirs(folder, exist_ok=True)
    shift = 64 - (partitions.bit_length() - 1)
    db.execute(f"create or replace temp table result as {query}")
    for p in range(partitions):
        where = f"(h >> {shift}) = {p}" if partitions > 1 else "true"
        db.execute(f"copy (select * from result where {where} order by h, {key}) to '{folder}/{p:05d}.new' (format parquet, compression zstd, row_group_size 65536)")
    for p in range(partitions):
        os.replace(f"{folder}/{p:05d}.new", f"{folder}/{p:05d}.parquet")


main()
