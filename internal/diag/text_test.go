package diag_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/diag"
)

func folded() diag.Text {
	file := diag.NewFile("f.yaml", []byte("where: >-\n  offer.a\n  && offer.ü\n"))
	return diag.Text{File: file, Value: "offer.a && offer.ü", Marks: []diag.Mark{{Offset: 0, Line: 2, Col: 3}, {Offset: 8, Line: 3, Col: 3}}}
}

func TestPlace(t *testing.T) {
	text := folded()
	for _, c := range []struct{ offset, line, col int }{
		{0, 2, 3}, {6, 2, 9}, {7, 2, 10}, {8, 3, 3}, {17, 3, 12}, {19, 3, 13}, {400, 3, 13},
	} {
		if line, col := text.Place(c.offset); line != c.line || col != c.col {
			t.Errorf("Place(%d) = %d:%d, want %d:%d", c.offset, line, col, c.line, c.col)
		}
	}
	if line, col := diag.Plain("x").Place(0); line != 0 || col != 0 {
		t.Errorf("a plain text has the place %d:%d", line, col)
	}
}

func TestSlice(t *testing.T) {
	text := folded()
	part := text.Slice(6, 13)
	if part.Value != "a && of" {
		t.Fatalf("slice is %q", part.Value)
	}
	for i := range len(part.Value) + 1 {
		wantLine, wantCol := text.Place(6 + i)
		if line, col := part.Place(i); line != wantLine || col != wantCol {
			t.Errorf("Place(%d) = %d:%d, want %d:%d", i, line, col, wantLine, wantCol)
		}
	}
}

func TestError(t *testing.T) {
	text := folded()
	file := diag.NewFile("wide.yaml", []byte("名前: 値\tx\u200b\u0301!\n"))
	long := make([]byte, 400)
	for i := range long {
		long[i] = 'a' + byte(i%26)
	}
	for _, c := range []struct {
		name string
		d    diag.Diagnostic
		want string
	}{
		{"folded", text.At(11, 7, "no such column").WithHint("look again"), "f.yaml:3:6: no such column\n      && offer.ü\n         ^^^^^^^\n    hint: look again"},
		{"past the end", text.At(19, 1, "more expected"), "f.yaml:3:13: more expected\n      && offer.ü\n                ^"},
		{"wide characters", file.At(1, 5, 1, "bad"), "wide.yaml:1:5: bad\n    名前: 値 x\u0301!\n          ^^"},
		{"after a tab", file.At(1, 10, 1, "bad"), "wide.yaml:1:10: bad\n    名前: 値 x\u0301!\n              ^"},
		{"without width", file.At(1, 8, 1, "bad"), "wide.yaml:1:8: bad\n    名前: 値 x\u0301!\n              ^"},
		{"no line", diag.Diagnostic{File: "f", Message: "missing"}, "f: missing"},
		{"long", diag.NewFile("l", long).At(1, 201, 2, "here"), "l:1:201: here\n    ... " + string(long[140:260]) + " ...\n    " + spaces(64) + "^^"},
		{"plain text", diag.Plain("a\nbc").At(3, 1, "what"), "expression:2:2: what\n    bc\n     ^"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, c.d.Error()); d != "" {
				t.Error(d)
			}
		})
	}
}

func spaces(n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = ' '
	}
	return string(out)
}

func TestListIsSortedWithoutRepeats(t *testing.T) {
	at := func(file string, line, col int, message string) diag.Diagnostic {
		return diag.Diagnostic{File: file, Line: line, Col: col, Message: message}
	}
	list := diag.List{at("b", 1, 1, "m"), at("a", 2, 1, "m"), at("a", 1, 9, "n"), at("a", 1, 9, "m"), at("b", 1, 1, "m")}
	want := "a:1:9: m\na:1:9: n\na:2:1: m\nb:1:1: m"
	if d := cmp.Diff(want, list.Err().Error()); d != "" {
		t.Error(d)
	}
	if err := (diag.List{}).Err(); err != nil {
		t.Errorf("an empty list is the error %v", err)
	}
}
