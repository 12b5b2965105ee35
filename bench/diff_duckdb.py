"""Does by SQL what `feedmill diff` does of the event feed of bench/diff.sh: joins
two snapshots in full and writes the events.

    diff_duckdb.py BEFORE NOW OUT

BEFORE and NOW are folders of snapshots. Prints one JSON line.
"""

import json
import resource
import sys
import time

import duckdb

before, now, out = sys.argv[1:]

# The fields as feedmill prints them: by name.
FIELDS = """json_object('availability', case when stock > 0 then 'in stock' when stock <= 0 then 'out of stock' end, 'currency', currency, 'link', link,
    'price', price, 'title', title)"""

began = time.time()
db = duckdb.connect()
db.execute("set threads = 2; set preserve_insertion_order = false")
for name, folder in (("before", before), ("now", now)):
    db.execute(f"""create view {name} as select id, title, price, currency, link, stock,
        {FIELDS} as fields from read_parquet('{folder}/*.parquet') where price > 0""")
db.execute(f"""
    copy (
        select md5(coalesce(n.id, b.id) || ' 2') as id, '/feedmill/all' as source,
            'offer.' || case when b.id is null then 'added' when n.id is null then 'removed' else 'updated' end as type,
            coalesce(n.id, b.id) as subject, now() as time,
            json_object('feed', 'all', 'destinations', ['bench'], 'catalog', 'c', 'version', 2,
                'changed', case when b.id is not null and n.id is not null then json_merge_patch(
                    case when b.title is distinct from n.title then json_object('title', json_object('before', b.title, 'after', n.title)) else '{{}}'::json end,
                    case when b.price is distinct from n.price then json_object('price', json_object('before', b.price, 'after', n.price)) else '{{}}'::json end,
                    case when b.currency is distinct from n.currency then json_object('currency', json_object('before', b.currency, 'after', n.currency)) else '{{}}'::json end,
                    case when b.link is distinct from n.link then json_object('link', json_object('before', b.link, 'after', n.link)) else '{{}}'::json end,
                    case when (b.stock > 0) is distinct from (n.stock > 0) then json_object('availability', json_object(
                        'before', case when b.stock > 0 then 'in stock' when b.stock <= 0 then 'out of stock' end,
                        'after', case when n.stock > 0 then 'in stock' when n.stock <= 0 then 'out of stock' end)) else '{{}}'::json end) end,
                'fields', coalesce(n.fields, b.fields)) as data
        from before b full join now n on n.id = b.id
        where b.fields is distinct from n.fields
    ) to '{out}/events.jsonl.zst' (format json, compression zstd)""")
events = db.execute(f"select type, count(*) from read_json('{out}/events.jsonl.zst', columns = {{type: 'varchar'}}) group by 1 order by 1").fetchall()
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"tool": "duckdb", "seconds": round(time.time() - began, 2), "cpu": round(usage.ru_utime + usage.ru_stime, 1),
    "peak_mb": usage.ru_maxrss // 1024, "events": dict(events)}))
