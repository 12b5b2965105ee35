package serve

import (
	"net/http"
	"strconv"
	"strings"
)

// maxRanges is how many ranges of one request are looked at; with more it is
// answered as if it had none. Each costs a read of a stretch of segments.
const maxRanges = 16

// conditions are the headers of which a request may have several, which are one list.
var conditions = []string{"If-Match", "If-None-Match"}

// plainly returns a request as http.ServeContent shall look at it: with the ranges
// that count, and each condition in one line.
func plainly(r *http.Request) *http.Request {
	out := r.WithContext(r.Context())
	out.Header = r.Header.Clone()
	for _, name := range conditions {
		if lines := r.Header.Values(name); len(lines) > 1 {
			out.Header.Set(name, strings.Join(lines, ", "))
		}
	}
	if asked := r.Header.Get("Range"); asked != "" {
		out.Header.Del("Range")
		if kept := ranges(r.Method, asked); kept != "" && !dated(r.Header.Get("If-Range")) {
			out.Header.Set("Range", kept)
		}
	}
	return out
}

// dated reports whether a download would be gone on with by a date. It moves with the
// content alone, whose bytes may be others: only an ETag says that they are the same
// (RFC 9110, 13.1.5).
func dated(ifRange string) bool {
	return ifRange != "" && !strings.HasPrefix(ifRange, `"`) && !strings.HasPrefix(ifRange, "W/")
}

// ranges returns what counts of a Range header: nothing of one in another unit, or
// of another method than GET (RFC 9110, 14.2). The last 0 bytes are a range behind
// the end, which cannot be satisfied.
func ranges(method, header string) string {
	unit, set, found := strings.Cut(header, "=")
	if method != http.MethodGet || !found || !strings.EqualFold(unit, "bytes") || strings.Count(set, ",") >= maxRanges {
		return ""
	}
	specs := strings.Split(set, ",")
	for i, spec := range specs {
		first, last, _ := strings.Cut(spec, "-")
		if n, err := strconv.ParseInt(strings.TrimSpace(last), 10, 64); strings.TrimSpace(first) == "" && err == nil && n == 0 {
			specs[i] = behindTheEnd
		}
	}
	return "bytes=" + strings.Join(specs, ",")
}

// behindTheEnd is a range behind the end of any document.
const behindTheEnd = "9223372036854775807-"
