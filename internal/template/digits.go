package template

import (
	"slices"
	"strconv"
)

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// appendDecimal appends a decimal with its scale, as decimalText.
func appendDecimal(dst []byte, unscaled int64, scale int) []byte {
	if scale <= 0 {
		return appendInt(dst, unscaled)
	}
	from := len(dst)
	dst = appendInt(dst, unscaled)
	if unscaled < 0 {
		from++
	}
	if missing := scale + 1 - (len(dst) - from); missing > 0 {
		dst = slices.Grow(dst, missing)
		for range missing {
			dst = append(dst, '0')
		}
		copy(dst[from+missing:], dst[from:len(dst)-missing])
		for i := range missing {
			dst[from+i] = '0'
		}
	}
	point := len(dst) - scale
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

// appendFixed appends a finite number with two digits after the point, as fixed
// does; ok is false for anything else.
func (p *press) appendFixed(dst []byte, v operand) (_ []byte, ok bool) {
	if v.kind == isDecimal && v.scale == 2 && v.n != 0 {
		return appendDecimal(dst, v.n, 2), true
	}
	s, ok := fixed(p.boxed(v))
	return append(dst, s...), ok
}
