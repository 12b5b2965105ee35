package source

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/offer"
)

// A cellKind says how a cell holds its value.
type cellKind uint8

const (
	absent cellKind = iota // the field is not there
	null                   // the field is there, without a value
	open                   // an object whose fields are in cells of their own
	text                   // UTF-8 text
	raw                    // a valid JSON value
	plain                  // a plain value, not nil
)

// A cell is the value of a node in one row. Its data is a view that the next row
// overwrites.
type cell struct {
	kind  cellKind
	data  []byte
	value any
}

func plainCell(v any) cell {
	if v == nil {
		return cell{kind: null}
	}
	return cell{kind: plain, value: v}
}

// rawCell returns the cell of a JSON value.
func rawCell(value []byte) cell {
	if value[0] == 'n' {
		return cell{kind: null}
	}
	return cell{kind: raw, data: value}
}

// plain returns the cell's value as a plain value that outlives the row.
func (c *cell) plain() (any, error) {
	switch c.kind {
	case text:
		return string(c.data), nil
	case raw:
		return plainJSON(c.data)
	case plain:
		return c.value, nil
	default:
		return nil, nil
	}
}

// selectable says why the cell's value has no fields, null and objects aside.
func (c *cell) selectable(path string) error {
	if c.kind == null || c.kind == open || c.kind == raw && c.data[0] == '{' {
		return nil
	}
	v, err := c.plain()
	if err != nil {
		return err
	}
	switch v.(type) {
	case nil, map[string]any:
		return nil
	case []any:
		return fmt.Errorf("%s is a list and has no fields", path)
	case string:
		return fmt.Errorf("%s is a text and has no fields", path)
	default:
		return fmt.Errorf("%s is a %T and has no fields", path, v)
	}
}

// size is about the bytes of text that the cell adds to a batch.
func (c *cell) size() int { return len(c.data) + sizeOf(c.value) }

func sizeOf(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	case []any:
		n := 8 * len(v)
		for _, e := range v {
			n += sizeOf(e)
		}
		return n
	case map[string]any:
		n := 0
		for k, e := range v {
			n += len(k) + sizeOf(e)
		}
		return n
	default:
		return 8
	}
}

// A converter appends cells to a builder. It is not safe for concurrent use.
type converter struct {
	appender *offer.Appender
	scratch  []byte
}

func (c *converter) append(b array.Builder, v *cell) error {
	switch v.kind {
	case text:
		return c.appender.AppendText(b, v.data)
	case raw:
		return c.appendJSON(b, v.data)
	case plain:
		return c.appender.Append(b, v.value)
	default:
		b.AppendNull()
		return nil
	}
}

func (c *converter) appendJSON(b array.Builder, value []byte) error {
	switch value[0] {
	case '"':
		content, err := c.unquote(value)
		if err != nil {
			return err
		}
		return c.appender.AppendText(b, content)
	case 't', 'f':
		return c.appender.Append(b, value[0] == 't')
	case '[', '{':
		v, err := plainJSON(value)
		if err != nil {
			return err
		}
		return c.appender.Append(b, v)
	default:
		return c.appendNumber(b, value)
	}
}

func (c *converter) unquote(value []byte) ([]byte, error) {
	content := value[1 : len(value)-1]
	if bytes.IndexByte(content, '\\') < 0 {
		return content, nil
	}
	var err error
	c.scratch, err = unescape(c.scratch[:0], content)
	return c.scratch, err
}

func (c *converter) appendNumber(b array.Builder, value []byte) error {
	if v, ok := smallInt(value); ok {
		return c.appender.AppendInt(b, v)
	}
	v, err := offer.JSONNumber(value)
	if err != nil {
		return err
	}
	return c.appender.Append(b, v)
}

// smallInt reads an integer of at most 18 digits.
func smallInt(value []byte) (int64, bool) {
	digits := bytes.TrimPrefix(value, []byte("-"))
	if len(digits) > 18 {
		return 0, false
	}
	v := int64(0)
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if len(digits) < len(value) {
		v = -v
	}
	return v, true
}
