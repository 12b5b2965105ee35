package source

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/feedmill/feedmill/internal/offer"
)

// plainJSON returns a valid JSON value as a plain value that keeps nothing of
// the text.
func plainJSON(value []byte) (any, error) {
	switch value[0] {
	case '"':
		return plainString(value)
	case '{':
		return plainObject(value)
	case '[':
		return plainArray(value)
	case 't', 'f':
		return value[0] == 't', nil
	case 'n':
		return nil, nil
	default:
		if v, ok := smallInt(value); ok {
			return v, nil
		}
		return offer.JSONNumber(value)
	}
}

func plainString(quoted []byte) (string, error) {
	var buf [128]byte
	content, err := unescape(buf[:0], quoted[1:len(quoted)-1])
	return string(content), err
}

func plainObject(object []byte) (any, error) {
	members := map[string]any{}
	for at := nextToken(object, 1); object[at] != '}'; {
		end := stringEnd(object, at)
		name, err := plainString(object[at:end])
		if err != nil {
			return nil, err
		}
		from := nextToken(object, nextToken(object, end)+1)
		to := valueEnd(object, from)
		if members[name], err = plainJSON(object[from:to]); err != nil {
			return nil, err
		}
		at = nextToken(object, to)
		if object[at] == ',' {
			at = nextToken(object, at+1)
		}
	}
	return members, nil
}

func plainArray(array []byte) (any, error) {
	items := []any{}
	err := elements(array, func(value []byte) error {
		v, err := plainJSON(value)
		items = append(items, v)
		return err
	})
	return items, err
}

// unescape appends the content of a JSON string to dst.
func unescape(dst, content []byte) ([]byte, error) {
	for i := 0; i < len(content); i++ {
		if content[i] != '\\' {
			dst = append(dst, content[i])
			continue
		}
		i++
		if content[i] != 'u' {
			dst = append(dst, unescaped(content[i]))
			continue
		}
		r, used := escapedRune(content[i+1:])
		if r < 0 {
			return dst, &offer.ConversionError{Reason: "half a surrogate pair, \\u" + string(content[i+1:i+5])}
		}
		dst = utf8.AppendRune(dst, r)
		i += used
	}
	return dst, nil
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c
	}
}

// escapedRune reads what follows \u: four digits, or two such for a surrogate
// pair. Half a pair is -1.
func escapedRune(digits []byte) (r rune, used int) {
	high := hexRune(digits)
	if !utf16.IsSurrogate(high) {
		return high, 4
	}
	if len(digits) < 10 || digits[4] != '\\' || digits[5] != 'u' {
		return -1, 4
	}
	if r := utf16.DecodeRune(high, hexRune(digits[6:])); r != utf8.RuneError {
		return r, 10
	}
	return -1, 4
}

func hexRune(digits []byte) rune {
	v, _ := strconv.ParseUint(string(digits[:4]), 16, 32)
	return rune(v)
}
