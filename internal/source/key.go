package source

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/feedmill/feedmill/internal/offer"
)

// A key that is none.
var (
	errNoKey   = errors.New("the key is null or empty")
	errNotKey  = errors.New("the key is neither a text nor an int")
	errKeyText = errors.New("the key is not valid UTF-8")
)

// appendKey appends the key that a cell holds: a text as it is, an int as its
// decimal text.
func appendKey(dst []byte, c *cell) ([]byte, error) {
	switch {
	case c.kind == text && len(c.data) > 0 && utf8.Valid(c.data):
		return append(dst, c.data...), nil
	case c.kind == raw && c.data[0] == '"' && len(c.data) > 2:
		return unescape(dst, c.data[1:len(c.data)-1])
	}
	v, err := c.plain()
	if err != nil {
		return dst, err
	}
	return appendPlainKey(dst, v)
}

func appendPlainKey(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return dst, errNoKey
	case string:
		return appendTextKey(dst, v)
	case []byte:
		return appendTextKey(dst, string(v))
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case offer.Number:
		if strings.ContainsRune(string(v), '.') {
			return dst, errNotKey
		}
		return append(dst, v...), nil
	default:
		return dst, errNotKey
	}
}

func appendTextKey(dst []byte, v string) ([]byte, error) {
	switch {
	case v == "":
		return dst, errNoKey
	case !utf8.ValidString(v):
		return dst, errKeyText
	default:
		return append(dst, v...), nil
	}
}

// appendOrderCell appends the encoded order that a cell holds.
func appendOrderCell(dst []byte, c *cell) ([]byte, error) {
	if c.kind == text && len(c.data) > 0 {
		return append(append(dst, orderText), c.data...), nil
	}
	v, err := c.plain()
	if err != nil {
		return dst, err
	}
	return appendOrder(dst, v)
}
