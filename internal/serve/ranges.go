package serve

import (
	"net/http"
	"strconv"
	"strings"
)

// maxRanges is how many ranges of one request are looked at; with more it is
// answered as if it had none. Each costs a read of a stretch of segments.
const maxRanges = 16

// ranged returns a request with the ranges that http.ServeContent shall look at.
func ranged(r *http.Request) *http.Request {
	asked := r.Header.Get("Range")
	if asked == "" {
		return r
	}
	out := r.WithContext(r.Context())
	out.Header = r.Header.Clone()
	out.Header.Del("Range")
	if kept := ranges(r.Method, asked); kept != "" {
		out.Header.Set("Range", kept)
	}
	return out
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
