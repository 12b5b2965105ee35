package encode

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
)

// maxBound is the length above which a text is no bound: it would only make the
// footer large.
const maxBound = 256

// bounds are the least and greatest value of a chunk in plain form; nil when
// there is none.
type bounds struct{ low, high []byte }

// boundsOf returns the bounds of a column's values, of which each may stand
// there once.
func boundsOf(v values, d *dictionary, l *leaf) bounds {
	switch {
	case v.n == 0:
		return bounds{}
	case l.physical == physicalBoolean:
		return boolBounds(v.bools)
	case l.physical == physicalByteArray:
		if d != nil {
			return textBounds(len(d.texts), func(i int) []byte { return d.texts[i] })
		}
		return textBounds(v.n, v.texts.at)
	}
	ints := v.ints
	if d != nil {
		ints = d.ints
	}
	if l.kind == arrow.FLOAT64 {
		return doubleBounds(ints)
	}
	return intBounds(ints, v.size)
}

func boolBounds(bools []bool) bounds {
	low, high := byte(1), byte(0)
	for _, b := range bools {
		if b {
			high = 1
		} else {
			low = 0
		}
	}
	return bounds{[]byte{low}, []byte{high}}
}

func intBounds(ints []int64, size int) bounds {
	low, high := ints[0], ints[0]
	for _, v := range ints {
		low, high = min(low, v), max(high, v)
	}
	return bounds{appendPlain(nil, []int64{low}, size), appendPlain(nil, []int64{high}, size)}
}

// doubleBounds leaves NaN out and takes a zero for either of both.
func doubleBounds(bits []int64) bounds {
	low, high := math.Inf(1), math.Inf(-1)
	found := false
	for _, b := range bits {
		if v := math.Float64frombits(uint64(b)); v == v {
			low, high, found = min(low, v), max(high, v), true
		}
	}
	if !found {
		return bounds{}
	}
	if low == 0 {
		low = math.Copysign(0, -1)
	}
	if high == 0 {
		high = math.Copysign(0, 1)
	}
	return bounds{binary.LittleEndian.AppendUint64(nil, math.Float64bits(low)), binary.LittleEndian.AppendUint64(nil, math.Float64bits(high))}
}

func textBounds(n int, at func(int) []byte) bounds {
	low, high := at(0), at(0)
	for i := 1; i < n; i++ {
		switch t := at(i); {
		case bytes.Compare(t, low) < 0:
			low = t
		case bytes.Compare(t, high) > 0:
			high = t
		}
	}
	if len(low) > maxBound || len(high) > maxBound {
		return bounds{}
	}
	return bounds{append([]byte{}, low...), append([]byte{}, high...)}
}
