package diag

import "testing"

func TestSuggest(t *testing.T) {
	columns := []string{"id", "price", "seller", "sellers", "name_de", "stock"}
	for _, c := range []struct{ word, want string }{
		{"pirce", "price"},
		{"Price", "price"},
		{"prize", "price"},
		{"seler", "seller"},
		{"sellr", "seller"},
		{"sellers", "sellers"},
		{"namede", "name_de"},
		{"ix", "id"},
		{"weight", ""},
		{"", ""},
		{"prce", "price"},
		{"größe", ""},
		{"a very long word that is like nothing", ""},
	} {
		if got := Suggest(c.word, columns); got != c.want {
			t.Errorf("Suggest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	if got, want := DidYouMean("pirce", []string{"price"}), "did you mean price?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := DidYouMean("weight", []string{"price"}); got != "" {
		t.Errorf("got %q for a word like no other", got)
	}
}

func TestSlips(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"ü", "u", 1},
	} {
		if got := slips(c.a, c.b, 100); got != c.want {
			t.Errorf("slips(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
