package serve

import "testing"

func TestRanges(t *testing.T) {
	for _, c := range []struct{ method, header, want string }{
		{"GET", "bytes=0-5", "bytes=0-5"},
		{"GET", "Bytes=5-", "bytes=5-"},
		{"GET", "bytes=-10, 0-0", "bytes=-10, 0-0"},
		{"GET", "bytes=-0", "bytes=" + behindTheEnd},
		{"GET", "bytes= - 00 ", "bytes=" + behindTheEnd},
		{"GET", "bytes=0-0,-0", "bytes=0-0," + behindTheEnd},
		{"GET", "bytes=0-0", "bytes=0-0"},
		{"GET", "bytes=a-b", "bytes=a-b"}, // nonsense is net/http's to judge
		{"GET", "bytes=", "bytes="},
		{"GET", "items=0-5", ""},
		{"GET", "bytes 0-5", ""},
		{"GET", "", ""},
		{"HEAD", "bytes=0-5", ""},
	} {
		if got := ranges(c.method, c.header); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.method, c.header, got, c.want)
		}
	}
}
