package encode

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// The numbers of Parquet's encodings.
const (
	encodingPlain       = 0
	encodingRLE         = 3
	encodingDelta       = 5
	encodingDeltaLength = 6
	encodingDictionary  = 8
)

// values are the values of a column, densely: either bools, ints or texts.
type values struct {
	n     int
	bools []bool
	ints  []int64 // doubles are their bits, decimals are unscaled
	size  int     // the bytes of one of ints
	texts texts
}

// texts are byte strings within a buffer.
type texts struct {
	offsets []int32
	data    []byte
	sel     []int32 // which of them; nil is all
}

func (t texts) at(i int) []byte {
	if t.sel != nil {
		i = int(t.sel[i])
	}
	return t.data[t.offsets[i]:t.offsets[i+1]]
}

// valuesOf returns the values of a column. They share its memory or that of
// scratch.
func valuesOf(c column, scratch *[]int64) (values, error) {
	n := c.array.Len()
	if c.sel != nil {
		n = len(c.sel)
	}
	v := values{n: n, size: c.leaf.size()}
	switch c.leaf.physical {
	case physicalBoolean:
		v.bools = boolsOf(c.array.(*array.Boolean), c.sel, n)
	case physicalByteArray:
		v.texts = textsOf(c.array, c.sel)
	default:
		var err error
		if v.ints, err = intsOf(c, scratch); err != nil {
			return values{}, err
		}
	}
	return v, nil
}

func boolsOf(a *array.Boolean, sel []int32, n int) []bool {
	out := make([]bool, n)
	for i := range out {
		if sel == nil {
			out[i] = a.Value(i)
		} else {
			out[i] = a.Value(int(sel[i]))
		}
	}
	return out
}

func textsOf(a arrow.Array, sel []int32) texts {
	data := a.Data()
	t := texts{sel: sel}
	if a.Len() == 0 {
		return t
	}
	t.offsets = arrow.Int32Traits.CastFromBytes(data.Buffers()[1].Bytes())[data.Offset() : data.Offset()+a.Len()+1]
	if buffer := data.Buffers()[2]; buffer != nil {
		t.data = buffer.Bytes()
	}
	return t
}

// intsOf returns values of fixed size as integers.
func intsOf(c column, scratch *[]int64) (ints []int64, err error) {
	switch a := c.array.(type) {
	case *array.Decimal128:
		ints, err = decimalsOf(a, c, (*scratch)[:0])
	case *array.Int32, *array.Date32:
		ints = gather((*scratch)[:0], arrow.Int32Traits.CastFromBytes(fixed(a, 4)), c.sel)
	default:
		raw := arrow.Int64Traits.CastFromBytes(fixed(a, 8))
		if c.sel == nil {
			return raw, nil
		}
		ints = gather((*scratch)[:0], raw, c.sel)
	}
	*scratch = ints
	return ints, err
}

// fixed returns the bytes of an array of values of one size.
func fixed(a arrow.Array, size int) []byte {
	if a.Len() == 0 {
		return nil
	}
	data := a.Data()
	return data.Buffers()[1].Bytes()[data.Offset()*size : (data.Offset()+a.Len())*size]
}

func gather[T int32 | int64](out []int64, from []T, sel []int32) []int64 {
	if sel == nil {
		for _, v := range from {
			out = append(out, int64(v))
		}
		return out
	}
	for _, i := range sel {
		out = append(out, int64(from[i]))
	}
	return out
}

func decimalsOf(a *array.Decimal128, c column, out []int64) ([]int64, error) {
	n := a.Len()
	if c.sel != nil {
		n = len(c.sel)
	}
	for i := range n {
		if c.sel != nil {
			i = int(c.sel[i])
		}
		d := a.Value(i)
		v := int64(d.LowBits())
		if d.HighBits() != v>>63 || c.leaf.physical == physicalInt32 && v != int64(int32(v)) {
			return nil, fmt.Errorf("decimal %s has too many digits", d.BigInt())
		}
		out = append(out, v)
	}
	return out, nil
}

// encoding returns how append writes the values.
func (v values) encoding(l *leaf) int32 {
	switch {
	case v.n == 0:
		return encodingPlain
	case l.physical == physicalByteArray:
		return encodingDeltaLength
	case l.physical == physicalInt32 || l.physical == physicalInt64:
		return encodingDelta
	default:
		return encodingPlain
	}
}

// append appends the values from start to end in that encoding.
func (v values) append(dst []byte, l *leaf, start, end int) []byte {
	switch v.encoding(l) {
	case encodingDeltaLength:
		return appendDeltaLength(dst, v.texts, start, end)
	case encodingDelta:
		return appendDelta(dst, v.ints[start:end], v.size)
	}
	if l.physical == physicalBoolean {
		return appendBools(dst, v.bools[start:end])
	}
	return appendPlain(dst, v.ints[start:end], v.size)
}

func appendBools(dst []byte, bools []bool) []byte {
	for i, b := range bools {
		if i%8 == 0 {
			dst = append(dst, 0)
		}
		if b {
			dst[len(dst)-1] |= 1 << (i % 8)
		}
	}
	return dst
}

func appendPlain(dst []byte, ints []int64, size int) []byte {
	for _, v := range ints {
		if size == 4 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(v))
		} else {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
		}
	}
	return dst
}

// appendDeltaLength appends texts as DELTA_LENGTH_BYTE_ARRAY: all lengths, then
// all bytes.
func appendDeltaLength(dst []byte, t texts, start, end int) []byte {
	lengths := make([]int64, 0, end-start)
	for i := start; i < end; i++ {
		lengths = append(lengths, int64(len(t.at(i))))
	}
	dst = appendDelta(dst, lengths, 4)
	if t.sel == nil && start < end {
		return append(dst, t.data[t.offsets[start]:t.offsets[end]]...)
	}
	for i := start; i < end; i++ {
		dst = append(dst, t.at(i)...)
	}
	return dst
}

// appendPlainText appends one text as PLAIN.
func appendPlainText(dst, text []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
}
