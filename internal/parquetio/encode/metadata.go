package encode

// createdBy is constant: the same rows are the same bytes.
const createdBy = "feedmill version 1 (build 0)"

// metadata returns the FileMetaData and where the value of the last entry is.
func (f *File) metadata(entries []Entry) (data []byte, at int) {
	var t thrift
	t.begin()
	t.i32(1, 2)
	t.schema(2, f.schema)
	t.i64(3, f.rows())
	t.list(4, wireStruct, len(f.groups))
	for i := range f.groups {
		t.rowGroup(&f.groups[i], i)
	}
	t.list(5, wireStruct, len(entries))
	for _, e := range entries {
		t.begin()
		t.text(1, e.Key)
		t.text(2, e.Value)
		at = len(t.b) - len(e.Value)
		t.end()
	}
	t.text(6, createdBy)
	t.list(7, wireStruct, len(f.leaves))
	for range f.leaves {
		t.begin()
		t.open(1) // the order of the type
		t.end()
		t.end()
	}
	t.end()
	return t.b, at
}

func (f *File) rows() int64 {
	var rows int64
	for _, g := range f.groups {
		rows += int64(g.rows)
	}
	return rows
}

func (t *thrift) rowGroup(g *group, ordinal int) {
	var size, plainSize int64
	t.begin()
	t.list(1, wireStruct, len(g.chunks))
	for i := range g.chunks {
		t.chunk(&g.chunks[i])
		size += g.chunks[i].size
		plainSize += g.chunks[i].plainSize
	}
	t.i64(2, plainSize)
	t.i64(3, int64(g.rows))
	t.i64(5, g.chunks[0].start)
	t.i64(6, size)
	if ordinal < 1<<15 {
		t.i16(7, int16(ordinal))
	}
	t.end()
}

func (t *thrift) chunk(k *chunk) {
	t.begin()
	t.i64(2, 0)
	t.open(3)
	t.i32(1, k.leaf.physical)
	t.encodings(2, k)
	t.list(3, wireBinary, len(k.leaf.path))
	for _, name := range k.leaf.path {
		t.element(name)
	}
	t.i32(4, k.codec)
	t.i64(5, int64(k.entries))
	t.i64(6, k.plainSize)
	t.i64(7, k.size)
	t.i64(9, k.start+k.firstData)
	if k.dictionary {
		t.i64(11, k.start)
	}
	t.statistics(12, k)
	t.pageCounts(13, k)
	t.end()
	t.end()
}

// encodings writes which encodings the chunk uses, levels included.
func (t *thrift) encodings(id int16, k *chunk) {
	used := []int32{k.encoding}
	if k.dictionary {
		used = append(used, encodingPlain)
	}
	if k.leaf.maxDef > 0 {
		used = append(used, encodingRLE)
	}
	t.list(id, wireI32, len(used))
	for _, e := range used {
		t.number(e)
	}
}

func (t *thrift) statistics(id int16, k *chunk) {
	t.open(id)
	t.i64(3, int64(k.nulls))
	if k.bounds.low != nil {
		t.text(5, string(k.bounds.high))
		t.text(6, string(k.bounds.low))
		t.boolean(7, true)
		t.boolean(8, true)
	}
	t.end()
}

// pageCounts writes how many pages there are by kind and encoding.
func (t *thrift) pageCounts(id int16, k *chunk) {
	if !k.dictionary {
		t.list(id, wireStruct, 1)
		t.pageCount(0, k.encoding, k.pages)
		return
	}
	t.list(id, wireStruct, 2)
	t.pageCount(2, encodingPlain, 1)
	t.pageCount(0, k.encoding, k.pages)
}

func (t *thrift) pageCount(kind, encoding int32, count int) {
	t.begin()
	t.i32(1, kind)
	t.i32(2, encoding)
	t.i32(3, int32(count))
	t.end()
}
