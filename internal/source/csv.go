package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

func (o CSVOptions) withDefaults() CSVOptions {
	if o.Separator == 0 {
		o.Separator = ','
	}
	if o.Quote == 0 {
		o.Quote = '"'
	}
	if o.Encoding == "" {
		o.Encoding = "utf-8"
	}
	o.NoHeader = o.NoHeader || len(o.Names) > 0
	return o
}

// decoderOf returns the decoder to UTF-8, nil for UTF-8 itself.
func decoderOf(name string) (encoding.Encoding, error) {
	if name == "" {
		return nil, nil
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("an unknown encoding %q", name)
	}
	if e == unicode.UTF8 {
		return nil, nil
	}
	return e, nil
}

// csvReader reads separated fields into the cells of the root's children.
//
// A field that begins with a quote goes on to the next quote that is not
// doubled, also over lines. Elsewhere a quote is a mistake, but the record's end
// is still certain: a bad record. After the closing quote there must be a
// separator or the end of the line: if not, no one can tell where the record
// ends, and the file is not read further. Empty lines do not count. Fields that
// are more or fewer than the header's make a bad record.
type csvReader struct {
	window  *window
	foreign bool // the bytes were not UTF-8 before they were decoded
	comma   byte
	quote   byte
	quoted  bool
	header  []string // nil until the first record was read
	walker  *walker
	wanted  []wantedField
	fields  [][]byte
	scratch []byte
	record  []byte
	first   int64 // line of the record
	line    int64 // line after the record
	held    bool  // the first record is a row, and was not returned yet
}

// A wantedField is a field that a node reads.
type wantedField struct{ index, id int }

func newCSV(c *content, w *walker, o CSVOptions) (*csvReader, error) {
	o = o.withDefaults()
	e, err := decoderOf(o.Encoding)
	if err != nil {
		return nil, err
	}
	r := &csvReader{walker: w, comma: byte(o.Separator), quote: byte(o.Quote), quoted: !o.NoQuote, line: 1}
	var in io.Reader = c
	if e != nil {
		in, r.foreign = withoutMark(transform.NewReader(c, e.NewDecoder())), true
	}
	r.window = newWindow(in)
	if len(o.Names) > 0 {
		return r, r.bind(o.Names)
	}
	return r, r.start(o.NoHeader)
}

// start reads the first record: the header, or a row as long as the others.
func (r *csvReader) start(isRow bool) error {
	err := r.read()
	if err == io.EOF && isRow {
		return r.bind(nil)
	}
	if err == io.EOF {
		return errors.New("the file is empty, it has no header line")
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", r.first, err)
	}
	if r.held = isRow; isRow {
		return r.bind(positions(len(r.fields)))
	}
	names := make([]string, len(r.fields))
	for i, f := range r.fields {
		if bytes.ContainsRune(f, '\r') {
			return errors.New("the header line has a carriage return in it: lines end in a line feed, or in both")
		}
		names[i] = string(f)
	}
	return r.bind(names)
}

// positions names the columns of a file without a header: c1, c2, ...
func positions(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "c" + strconv.Itoa(i+1)
	}
	return names
}

// bind finds the fields that the nodes read.
func (r *csvReader) bind(names []string) error {
	r.header = names
	for _, n := range r.walker.tree.root.children {
		i := slices.Index(names, n.name)
		if i < 0 {
			continue
		}
		if slices.Contains(names[i+1:], n.name) {
			return fmt.Errorf("the header names %q twice", n.name)
		}
		r.wanted = append(r.wanted, wantedField{index: i, id: n.id})
		r.walker.seen.present[n.id] = true
	}
	return nil
}

func (r *csvReader) next() error {
	if !r.held {
		if err := r.read(); err != nil {
			return err
		}
	}
	r.held = false
	if len(r.fields) != len(r.header) {
		return &badRecord{fmt.Sprintf("the row has %d fields, not %d", len(r.fields), len(r.header))}
	}
	r.fill()
	return nil
}

func (r *csvReader) fill() {
	cells, root := r.walker.cells, r.walker.tree.root
	clear(cells)
	for _, w := range r.wanted {
		cells[w.id] = cell{kind: text, data: r.fields[w.index]}
	}
	cells[root.id].kind = open
	if root.whole {
		cells[root.id] = cell{kind: plain, value: r.object()}
	}
	r.walker.seen.object(root)
}

// object returns all fields of the record.
func (r *csvReader) object() map[string]any {
	members := make(map[string]any, len(r.header))
	for i, name := range r.header {
		members[name] = string(r.fields[i])
	}
	return members
}

// read reads the next record that is not an empty line.
func (r *csvReader) read() error {
	for {
		n, bad, err := r.split()
		if err != nil {
			return err
		}
		r.record = r.window.bytes()[:n]
		r.window.take(n)
		r.first = r.line
		r.line += int64(bytes.Count(r.record, []byte{'\n'}))
		if len(r.fields) == 1 && len(bytes.Trim(r.record, "\r\n")) == 0 {
			continue
		}
		if bad == "" {
			bad = r.badText()
		}
		if bad != "" {
			return &badRecord{bad}
		}
		return nil
	}
}

func (r *csvReader) badText() string {
	if !utf8.Valid(r.record) {
		return "the row is not valid UTF-8"
	}
	if r.foreign && bytes.Contains(r.record, []byte("\ufffd")) {
		return "the row has bytes that its encoding does not know"
	}
	return ""
}

// split finds the fields of the record that the window begins with and returns
// its length, line break included.
func (r *csvReader) split() (n int, bad string, err error) {
	for {
		data := r.window.bytes()
		if len(data) == 0 && r.window.eof {
			return 0, "", io.EOF
		}
		n, bad, err := r.parse(data, r.window.eof)
		if err != errMore {
			return n, bad, err
		}
		if err := r.window.more(); err != nil {
			return 0, "", err
		}
	}
}

// errMore is an incomplete record.
var errMore = errors.New("more is needed")

func (r *csvReader) parse(data []byte, eof bool) (n int, bad string, err error) {
	r.fields, r.scratch = r.fields[:0], r.scratch[:0]
	end := bytes.IndexByte(data, '\n')
	if end < 0 && !eof {
		return 0, "", errMore
	}
	n = end + 1
	if end < 0 {
		end, n = len(data), len(data)
	}
	if r.quoted && bytes.IndexByte(data[:end], r.quote) >= 0 {
		return r.parseQuoted(data, eof)
	}
	r.cut(bytes.TrimSuffix(data[:end], []byte{'\r'}))
	return n, "", nil
}

// cut splits a line without quotes.
func (r *csvReader) cut(line []byte) {
	for {
		i := bytes.IndexByte(line, r.comma)
		if i < 0 {
			r.fields = append(r.fields, line)
			return
		}
		r.fields = append(r.fields, line[:i])
		line = line[i+1:]
	}
}

func (r *csvReader) parseQuoted(data []byte, eof bool) (n int, bad string, err error) {
	for at, last := 0, false; ; {
		if at < len(data) && data[at] == r.quote {
			at, last, err = r.quotedField(data, at, eof)
		} else {
			at, last, err = r.bareField(data, at, eof, &bad)
		}
		if err != nil || last {
			return at, bad, err
		}
	}
}

// bareField takes a field without quotes. It returns where the next one begins,
// and whether it was the last.
func (r *csvReader) bareField(data []byte, at int, eof bool, bad *string) (next int, last bool, err error) {
	line := data[at:]
	end := bytes.IndexByte(line, '\n')
	if end < 0 && !eof {
		return 0, false, errMore
	}
	next = at + end + 1
	if end < 0 {
		end, next = len(line), len(data)
	}
	field := line[:end]
	i := bytes.IndexByte(field, r.comma)
	if last = i < 0; last {
		field = bytes.TrimSuffix(field, []byte{'\r'})
	} else {
		field, next = field[:i], at+i+1
	}
	if bytes.IndexByte(field, r.quote) >= 0 {
		*bad = "a quote stands in a field that does not begin with one"
	}
	r.fields = append(r.fields, field)
	return next, last, nil
}

func (r *csvReader) quotedField(data []byte, at int, eof bool) (next int, last bool, err error) {
	from, start := at+1, len(r.scratch)
	for {
		i := bytes.IndexByte(data[from:], r.quote)
		if i < 0 && eof {
			return 0, false, fmt.Errorf("line %d: a quoted field never ends", r.line)
		}
		if i < 0 || from+i+1 == len(data) && !eof {
			return 0, false, errMore
		}
		quote := from + i
		if quote+1 == len(data) || data[quote+1] != r.quote {
			r.closeField(data[from:quote], start)
			return r.afterQuote(data, quote+1, eof)
		}
		r.scratch = append(r.scratch, data[from:quote+1]...)
		from = quote + 2
	}
}

// closeField adds the field that ends with rest, after what stands in scratch.
func (r *csvReader) closeField(rest []byte, start int) {
	if start < len(r.scratch) {
		r.scratch = append(r.scratch, rest...)
		rest = r.scratch[start:]
	}
	r.fields = append(r.fields, rest)
}

func (r *csvReader) afterQuote(data []byte, at int, eof bool) (next int, last bool, err error) {
	rest := data[at:]
	switch {
	case len(rest) == 0 || string(rest) == "\r" && eof:
		return len(data), true, nil
	case rest[0] == r.comma:
		return at + 1, false, nil
	case rest[0] == '\n':
		return at + 1, true, nil
	case len(rest) == 1 && rest[0] == '\r':
		return 0, false, errMore
	case rest[0] == '\r' && rest[1] == '\n':
		return at + 2, true, nil
	default:
		line := r.line + int64(bytes.Count(data[:at], []byte{'\n'}))
		return 0, false, fmt.Errorf("line %d: text after a closing quote: where the row ends is uncertain", line)
	}
}

func (r *csvReader) place() int64 { return r.first }

func (r *csvReader) text() []byte { return bytes.TrimRight(r.record, "\r\n") }
