package source

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// A badRecord is a row that cannot be read, though those after it can.
type badRecord struct{ reason string }

func (e *badRecord) Error() string { return e.reason }

var duplicates = jsontext.AllowDuplicateNames(true)

// jsonl reads one JSON value a line. Empty lines do not count; a line that is
// not JSON is a bad record.
type jsonl struct {
	window *window
	walker *walker
	line   int64
	value  []byte
}

func newJSONL(c *content, w *walker) *jsonl { return &jsonl{window: newWindow(c), walker: w} }

func (r *jsonl) next() error {
	for {
		line, err := r.take()
		if err != nil {
			return err
		}
		r.line++
		if r.value = bytes.TrimSpace(line); len(r.value) == 0 {
			continue
		}
		if !jsontext.Value(r.value).IsValid(duplicates) {
			return &badRecord{invalid(r.value)}
		}
		return r.walker.walk(r.value)
	}
}

func (r *jsonl) take() ([]byte, error) {
	for from := 0; ; {
		data := r.window.bytes()
		if i := bytes.IndexByte(data[from:], '\n'); i >= 0 {
			r.window.take(from + i + 1)
			return data[:from+i], nil
		}
		if r.window.eof && len(data) == 0 {
			return nil, io.EOF
		}
		if r.window.eof {
			r.window.take(len(data))
			return data, nil
		}
		from = len(data)
		if err := r.window.more(); err != nil {
			return nil, err
		}
	}
}

// invalid says why a text is not a JSON value.
func invalid(text []byte) string {
	dec := jsontext.NewDecoder(bytes.NewReader(text), duplicates)
	if _, err := dec.ReadValue(); err != nil {
		return notJSON(err)
	}
	return "there is more after the JSON value"
}

func notJSON(err error) string {
	place, cause := syntaxOf(err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the JSON value is cut short"
	case cause != nil:
		return "not valid JSON " + place + ": " + cause.Error()
	default:
		return "not valid JSON: " + err.Error()
	}
}

func (r *jsonl) place() int64 { return r.line }

func (r *jsonl) text() []byte { return r.value }
