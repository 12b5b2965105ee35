package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonArray reads the elements of a JSON array, which is the file or stands in
// its object under a path of names. What stands beside the array is skipped, but
// must be JSON. An element that is not UTF-8 is a bad record.
type jsonArray struct {
	dec    *jsontext.Decoder
	stint  *stint
	walker *walker
	path   []string
	begun  bool
	value  []byte
}

func newJSONArray(c *content, w *walker, rows string) *jsonArray {
	r := &jsonArray{stint: &stint{Reader: c}, walker: w}
	if rows != "" {
		r.path = strings.Split(rows, ".")
	}
	r.dec = jsontext.NewDecoder(r.stint, duplicates, jsontext.AllowInvalidUTF8(true))
	return r
}

// A stint fails when a reader goes on for too long without a rest.
type stint struct {
	io.Reader
	read int
}

func (s *stint) Read(p []byte) (int, error) {
	if s.read > maxRecord {
		return 0, errLong
	}
	n, err := s.Reader.Read(p)
	s.read += n
	return n, err
}

func (r *jsonArray) next() error {
	if !r.begun {
		r.begun = true
		if err := r.begin(); err != nil {
			return r.fatal(err)
		}
	}
	if r.value = nil; r.dec.PeekKind() == ']' {
		return r.fatal(r.end())
	}
	r.stint.read = 0
	value, err := r.dec.ReadValue()
	if err != nil {
		return r.fatal(err)
	}
	r.value = value
	if suspect(value) && !value.IsValid(duplicates) {
		return &badRecord{invalid(value)}
	}
	return r.walker.walk(value)
}

// suspect reports whether a value that is JSON but for its characters needs a
// closer look: only escapes and other bytes than ASCII can be wrong.
func suspect(value []byte) bool {
	return bytes.IndexByte(value, '\\') >= 0 || !utf8.Valid(value)
}

// fatal names the place of an error, except at the end of the file.
func (r *jsonArray) fatal(err error) error {
	if err == io.EOF || errors.Is(err, errDamaged) {
		return err
	}
	at := fmt.Sprintf("at byte %d", r.dec.InputOffset())
	if place, cause := syntaxOf(err); cause != nil {
		at, err = place, cause
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: the JSON ends too early", at)
	}
	return fmt.Errorf("%s: %w", at, err)
}

// syntaxOf returns the place of a syntax error and what is wrong there, or nil.
func syntaxOf(err error) (place string, cause error) {
	var e *jsontext.SyntacticError
	if !errors.As(err, &e) {
		return "", nil
	}
	place = fmt.Sprintf("at byte %d", e.ByteOffset)
	if e.JSONPointer != "" {
		place += " in " + string(e.JSONPointer)
	}
	return place, e.Err
}

// begin reads up to and with the bracket of the array.
func (r *jsonArray) begin() error {
	for i := range r.path {
		if err := r.expect('{', r.path[:i]); err != nil {
			return err
		}
		if err := r.find(r.path[:i+1]); err != nil {
			return err
		}
	}
	return r.expect('[', r.path)
}

func (r *jsonArray) expect(kind jsontext.Kind, path []string) error {
	token, err := r.token()
	if err != nil {
		return err
	}
	if got := token.Kind(); got != kind {
		return fmt.Errorf("%s is %s, not %s", describe(path), nameOf(got), nameOf(kind))
	}
	return nil
}

func describe(path []string) string {
	if len(path) == 0 {
		return "the file"
	}
	return strings.Join(path, ".")
}

func nameOf(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a text"
	case '0':
		return "a number"
	case 'n':
		return "null"
	default:
		return "a bool"
	}
}

// find skips members until the name at the end of a path.
func (r *jsonArray) find(path []string) error {
	name := path[len(path)-1]
	for r.dec.PeekKind() == '"' {
		token, err := r.token()
		if err != nil || token.String() == name {
			return err
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
	if _, err := r.token(); err != nil {
		return err
	}
	return fmt.Errorf("there is no %s", describe(path))
}

func (r *jsonArray) token() (jsontext.Token, error) {
	r.stint.read = 0
	token, err := r.dec.ReadToken()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return token, err
}

// skip passes a value of any length.
func (r *jsonArray) skip() error {
	depth := r.dec.StackDepth()
	for {
		if _, err := r.token(); err != nil {
			return err
		}
		if r.dec.StackDepth() == depth {
			return nil
		}
	}
}

// end reads what follows the array, up to the end of the file.
func (r *jsonArray) end() error {
	if _, err := r.token(); err != nil {
		return err
	}
	for _, name := range slices.Backward(r.path) {
		if err := r.rest(name); err != nil {
			return err
		}
	}
	r.stint.read = 0
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	return errors.New("there is more after the JSON value")
}

// rest skips the members after the one of a name, which must not come again.
func (r *jsonArray) rest(name string) error {
	for r.dec.PeekKind() == '"' {
		token, err := r.token()
		if err != nil {
			return err
		}
		if token.String() == name {
			return fmt.Errorf("%q stands twice in one object", name)
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
	_, err := r.token()
	return err
}

func (r *jsonArray) place() int64 { return 0 }

func (r *jsonArray) text() []byte { return r.value }
