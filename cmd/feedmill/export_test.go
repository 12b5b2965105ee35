package main

import "testing"

func TestNumbered(t *testing.T) {
	cases := []struct{ name, number, want string }{
		{"x.xml", "", "x.xml"},
		{"x.xml", "-1", "x-1.xml"},
		{"a.b/x.y.xml.gz", "-12", "a.b/x.y-12.xml.gz"},
		{"a.b/x", "-1", "a.b/x-1"},
		{"x.gz", "-1", "x-1.gz"},
	}
	for _, c := range cases {
		if got := numbered(c.name, c.number); got != c.want {
			t.Errorf("numbered(%q, %q) = %q, want %q", c.name, c.number, got, c.want)
		}
	}
}
