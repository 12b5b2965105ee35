package source

import (
	"errors"
	"io"
)

// errLong is a row that does not fit the memory that rows may take.
var errLong = errors.New("a row is longer than 64 MiB")

// A window is the bytes of a stream that have been read and not yet taken.
type window struct {
	r        io.Reader
	buf      []byte
	from, to int
	eof      bool
}

func newWindow(r io.Reader) *window { return &window{r: r, buf: make([]byte, 256<<10)} }

// bytes returns a view of the window, good until the next call of more.
func (w *window) bytes() []byte { return w.buf[w.from:w.to] }

func (w *window) take(n int) { w.from += n }

// more widens the window by at least a byte, or sets eof.
func (w *window) more() error {
	if w.from > 0 {
		w.to = copy(w.buf, w.buf[w.from:w.to])
		w.from = 0
	}
	if w.to == len(w.buf) {
		if len(w.buf) > maxRecord {
			return errLong
		}
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	for {
		n, err := w.r.Read(w.buf[w.to:])
		w.to += n
		if err == io.EOF {
			w.eof = true
			return nil
		}
		if n > 0 || err != nil {
			return err
		}
	}
}
