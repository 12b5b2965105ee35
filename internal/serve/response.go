package serve

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/feedmill/feedmill/internal/part"
)

// A response counts what is sent.
type response struct {
	http.ResponseWriter
	admit  func() error // nil, or asked before the first byte of a document
	status int
	head   bool // what is written is not sent
	begun  bool // the header is sent
	bytes  int64
	err    error // of sending
}

func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements http.ResponseWriter. The header is sent with the first
// byte of the body, so that until then there may be another answer.
func (r *response) WriteHeader(status int) {
	if status < http.StatusOK {
		r.ResponseWriter.WriteHeader(status)
		return
	}
	r.status = status
}

// begin sends the header, once.
func (r *response) begin() {
	if r.begun {
		return
	}
	r.begun = true
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.status == http.StatusPreconditionFailed {
		r.Header().Del("Content-Length") // that of the document, which is not sent
		r.Header().Del("Content-Encoding")
	}
	r.ResponseWriter.WriteHeader(r.status)
}

// retract takes back an answer that was not begun, and reports whether it could.
func (r *response) retract() bool {
	if !r.begun {
		r.status = 0
		clear(r.Header())
	}
	return !r.begun
}

// Write implements io.Writer.
func (r *response) Write(p []byte) (int, error) {
	r.begin()
	n, err := r.ResponseWriter.Write(p)
	if !r.head {
		r.bytes += int64(n)
	}
	if err != nil {
		r.err = err
	}
	return n, err
}

// ReadFrom implements io.ReaderFrom, which is what http.ServeContent sends documents
// with: a document is written a segment at a time, without a copy.
func (r *response) ReadFrom(src io.Reader) (int64, error) {
	if r.admit != nil {
		if err := r.admit(); err != nil {
			return 0, err
		}
	}
	if l, ok := src.(*io.LimitedReader); ok {
		if body, ok := l.R.(*part.Body); ok {
			n, err := r.copyBody(body, l.N)
			l.N -= n
			return n, err
		}
	}
	return io.Copy(writer{r}, src)
}

// sendAtOnce is how many bytes are handed to the system at once at least, where what a
// body hands on is shorter.
const sendAtOnce = 64 << 10

// copyBody sends the next n bytes of a body. Where it breaks before any was sent, there
// may be another answer.
func (r *response) copyBody(body *part.Body, n int64) (int64, error) {
	w := bufio.NewWriterSize(r, int(min(n, sendAtOnce)))
	before := r.bytes
	_, err := body.CopyN(w, n)
	if err == nil || r.begun {
		err = cmp.Or(err, w.Flush())
	}
	return r.bytes - before, err
}

// A writer is a response that only writes.
type writer struct{ io.Writer }

// A note is what the log says of a request beside its answer.
type note struct {
	user     *user
	run      string
	response *response
}

type noteKey struct{}

func noteOf(r *http.Request) *note { return r.Context().Value(noteKey{}).(*note) }

// userOf returns the user whose credentials a request has, or nil.
func (s *Server) userOf(r *http.Request) *user { return noteOf(r).user }

// observed counts and logs requests.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.o.Now()
		res := &response{ResponseWriter: w, head: r.Method == http.MethodHead}
		n := &note{user: s.access.who(r), response: res}
		s.metrics.underWay.Inc()
		defer func() {
			s.metrics.underWay.Dec()
			seconds := s.o.Now().Sub(began).Seconds()
			s.metrics.took(kindOf(r), r.Method, res, seconds)
			s.accessed(r, n, res, seconds)
		}()
		next.ServeHTTP(res, plainly(r.WithContext(context.WithValue(r.Context(), noteKey{}, n))))
		res.begin()
	})
}

// accessed logs a request. Credentials, and what stands behind a question mark,
// are not in it.
func (s *Server) accessed(r *http.Request, n *note, res *response, seconds float64) {
	attributes := []any{"method", r.Method, "path", r.URL.Path, "status", res.status, "bytes", res.bytes, "seconds", seconds,
		"remote", r.RemoteAddr, "agent", r.UserAgent()}
	if n.user != nil {
		attributes = append(attributes, "user", n.user.name)
	}
	if n.run != "" {
		attributes = append(attributes, "run", n.run)
	}
	if v := r.Header.Get("Range"); v != "" {
		attributes = append(attributes, "range", v)
	}
	if res.err != nil {
		attributes = append(attributes, "error", res.err.Error())
	}
	s.o.Log.Info("request", attributes...)
}

// kindOf is what a request asks for, of few.
func kindOf(r *http.Request) string {
	path := r.URL.Path
	switch {
	case !strings.HasPrefix(path, "/feeds/"):
		return "other"
	case strings.HasSuffix(path, ".xml.gz"):
		return "gzip"
	case strings.HasSuffix(path, ".xml"):
		return "xml"
	case strings.HasSuffix(path, ".json"):
		return "json"
	default:
		return "other"
	}
}
