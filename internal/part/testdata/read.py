"""Reads a feed from its index and parts, written from the package comment of
internal/part alone:  python3 read.py WAREHOUSE INDEX [gzip]  prints the files of the
feed, plain or as gzip members, one behind the other. It fails when a length, a CRC,
a membership or a gzip member is wrong, in any segment of the parts that the feed is
in, and when the index lacks a segment of the feed or has one twice."""
import gzip, struct, sys, zlib


class Table:
    def __init__(self, data, magic):
        assert data[:8] == magic and data[-8:] == magic, "magic"
        length, crc, version = struct.unpack("<QII", data[-24:-8])
        assert version == 1, "version"
        self.body = data[8:-24 - length]
        self.data, self.at = data[-24 - length:-24], 0
        assert zlib.crc32(self.data) == crc, "CRC of the table"

    def take(self, n):
        assert self.at + n <= len(self.data), "cut off"
        self.at += n
        return self.data[self.at - n:self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def string(self):
        return self.take(self.varint())

    def list(self, read):
        return [read() for _ in range(self.varint())]

    def crc(self):
        return struct.unpack("<I", self.take(4))[0]

    def segment(self):
        length, raw, items = self.varint(), self.varint(), self.varint()
        return {"length": length, "raw": raw, "items": items, "crc": self.crc(), "raw_crc": self.crc(), "digest": self.take(16)}

    def end(self):
        assert self.at == len(self.data), "something is left"


def read_part(data):
    t = Table(data, b"FMPART\r\n")
    part = {"rendering": t.string(), "partition": t.varint(), "partitions": t.varint(), "compressor": t.string(), "feeds": t.list(t.string)}

    def membership():
        feeds, last = [], 0
        for _ in range(t.varint()):
            last += t.varint()
            feeds.append(part["feeds"][last])
        return feeds

    part["memberships"] = t.list(membership)
    part["segments"] = t.list(lambda: {"membership": t.varint(), **t.segment()})
    t.end()
    at = 8
    for s in part["segments"]:
        s["offset"] = at
        at += s["length"]
    assert at == 8 + len(t.body), "segments fill the object"
    return part


def read_index(data):
    t = Table(data, b"FMFEED\r\n")
    feed = {"feed": t.string(), "run": t.string(), "updated": t.varint(), "content": t.take(16)}
    feed["objects"] = t.list(lambda: (t.string(), t.varint()))
    feed["files"] = t.list(lambda: {"name": t.string(), "header": t.string(), "footer": t.string(),
                                    "segments": t.list(lambda: {"object": t.varint(), "offset": t.varint(), **t.segment()})})
    feed["depth"] = t.varint()
    feed["sample"] = t.list(lambda: t.list(t.string))
    t.end()
    assert not t.body, "a table alone"
    return feed


def inflate(data, raw):
    text = zlib.decompressobj(-15).decompress(data)
    assert data.endswith(b"\0\0\xff\xff") and len(text) == raw, "segment"
    return text


def stored(data):
    out = b""
    for i in range(0, len(data), 65535):
        block = data[i:i + 65535]
        out += struct.pack("<BHH", 0, len(block), len(block) ^ 65535) + block
    return out


def check_part(data, part):
    for s in part["segments"]:
        piece = data[s["offset"]:s["offset"] + s["length"]]
        text = inflate(piece, s["raw"])
        assert zlib.crc32(piece) == s["crc"] and zlib.crc32(text) == s["raw_crc"], "CRC of a segment of a part"
        assert 0 <= s["membership"] < len(part["memberships"]), "membership of a segment"
    for feeds in part["memberships"]:
        assert feeds and len(set(feeds)) == len(feeds), "feeds of a membership"


def main(warehouse, index, form="plain"):
    def read(name):
        with open(warehouse + "/" + name, "rb") as f:
            return f.read()

    feed = read_index(read(index))
    objects = []
    for name, size in feed["objects"]:
        data = read(name.decode())
        assert len(data) == size, "size of an object"
        objects.append((data, read_part(data)))
        check_part(*objects[-1])
    listed = [(s["object"], s["offset"]) for file in feed["files"] for s in file["segments"]]
    held = [(i, s["offset"]) for i, (_, part) in enumerate(objects) for s in part["segments"]
            if feed["feed"] in part["memberships"][s["membership"]]]
    assert sorted(listed) == sorted(held), "the segments of the feed"
    assert all(len(ids) <= feed["depth"] for ids in feed["sample"]), "sample"
    for file in feed["files"]:
        plain, packed = file["header"], b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stored(file["header"])
        for s in file["segments"]:
            data, part = objects[s["object"]]
            same = [p for p in part["segments"] if p["offset"] == s["offset"]][0]
            assert feed["feed"] in part["memberships"][same["membership"]], "membership"
            assert all(same[k] == s[k] for k in s if k != "object"), "the index and the part"
            piece = data[s["offset"]:s["offset"] + s["length"]]
            text = inflate(piece, s["raw"])
            assert zlib.crc32(piece) == s["crc"] and zlib.crc32(text) == s["raw_crc"], "CRC of a segment"
            plain, packed = plain + text, packed + piece
        plain += file["footer"]
        packed += stored(file["footer"]) + b"\x03\0" + struct.pack("<II", zlib.crc32(plain), len(plain))
        assert gzip.decompress(packed) == plain, "gzip"
        sys.stdout.buffer.write(packed if form == "gzip" else plain)


main(*sys.argv[1:])
