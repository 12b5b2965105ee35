package offer

import (
	"bytes"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// ParseJSON reads one JSON text into a plain value. Numbers without a fraction or
// exponent are int64, or Number when 64 bits are too few, others float64; of
// repeated names the last counts. Text that is not UTF-8, a number beyond a
// double and anything after the value are errors.
func ParseJSON(text []byte) (any, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	v, err := readJSON(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); err == nil {
		return nil, refuse("there is more after the value")
	} else if err != io.EOF {
		return nil, err
	}
	return v, nil
}

func readJSON(dec *jsontext.Decoder) (any, error) {
	token, err := dec.ReadToken()
	if err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		return readObject(dec)
	case '[':
		return readArray(dec)
	case '"':
		return token.String(), nil
	case '0':
		return JSONNumber([]byte(token.String()))
	case 't', 'f':
		return token.Bool(), nil
	default:
		return nil, nil
	}
}

func readObject(dec *jsontext.Decoder) (any, error) {
	members := map[string]any{}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		if members[name], err = readJSON(dec); err != nil {
			return nil, err
		}
	}
	_, err := dec.ReadToken()
	return members, err
}

func readArray(dec *jsontext.Decoder) (any, error) {
	items := []any{}
	for dec.PeekKind() != ']' {
		v, err := readJSON(dec)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	_, err := dec.ReadToken()
	return items, err
}

// JSONNumber returns the plain value of a number that JSON allows.
func JSONNumber(text []byte) (any, error) {
	if bytes.ContainsAny(text, ".eE") {
		v, err := strconv.ParseFloat(string(text), 64)
		if math.IsInf(v, 0) {
			return nil, refuse("%s does not fit a double", show(text))
		}
		return v, err
	}
	v, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return Number(text), nil
	}
	return v, nil
}
