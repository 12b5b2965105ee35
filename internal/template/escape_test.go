package template

import (
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

var hostile = []string{
	"", "plain", `<a href="x">&amp;</a>`, "]]>", "]", "]]", "]>", ">", "a]]>b]]>c", "]]]]>>", "\x00\x01\x1f\x7f", "tab\tline\nreturn\r\r\n",
	"\xff\xfe", "a\xc3", "\xed\xa0\x80", "\xed\xb0\x80x", "\uFFFD", "\uFFFE", "\uFFFF", "\u2028", "日本語", "😀", "\xf4\x90\x80\x80", "'\"", "<![CDATA[", "-->", "&#0;", "{{.offer.id}}", " a ", "\u0085",
}

func TestCleanCounts(t *testing.T) {
	for s, want := range map[string]int64{
		"": 0, "a\tb\r\n": 0, "\x00": 1, "a\x01b\x02": 2, "\xff\xfe": 2, "a\xc3": 1, "\xed\xa0\x80": 1, "\xed\xa0\x80\xed\xb0\x80": 2,
		"\uFFFD": 0, "\uFFFE\uFFFF": 2, "😀": 0, "\xed\xa0": 2,
	} {
		if _, dropped := clean(s); dropped != want {
			t.Errorf("clean(%q) dropped %d, want %d", s, dropped, want)
		}
	}
}

// A parser reads back what was escaped, in every context and beside every other
// value.
func TestEscapedReadsBack(t *testing.T) {
	for _, a := range hostile {
		for _, b := range hostile {
			readsBack(t, a, b)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, "]]>")
	}
	f.Fuzz(func(t *testing.T, a, b string) { readsBack(t, a, b) })
}

func readsBack(t *testing.T, a, b string) {
	t.Helper()
	cleanA, _ := clean(a)
	cleanB, _ := clean(b)
	text := func(in context, s string) string { e, _ := escape(in, s); return e }

	doc := "<x>" + text(inText, a) + text(inText, b) + "</x>"
	if got := charactersIn(t, doc); got != cleanA+cleanB {
		t.Errorf("text of %q: %q, want %q", doc, got, cleanA+cleanB)
	}
	doc = "<x><![CDATA[" + text(inSection, a) + text(inSection, b) + ">" + text(inSection, a) + "]]></x>"
	want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(cleanA + cleanB + ">" + cleanA)
	if got := charactersIn(t, doc); got != want {
		t.Errorf("text of %q: %q, want %q", doc, got, want)
	}
	for _, quote := range []string{`"`, `'`} {
		doc = "<x a=" + quote + text(inAttribute, a) + text(inAttribute, b) + quote + "/>"
		if got := attributeIn(t, doc); got != cleanA+cleanB {
			t.Errorf("attribute of %q: %q, want %q", doc, got, cleanA+cleanB)
		}
	}
}

func charactersIn(t *testing.T, doc string) string {
	t.Helper()
	var b strings.Builder
	walkXML(t, doc, func(token xml.Token) {
		if text, ok := token.(xml.CharData); ok {
			b.Write(text)
		}
	})
	return b.String()
}

func attributeIn(t *testing.T, doc string) (value string) {
	t.Helper()
	walkXML(t, doc, func(token xml.Token) {
		if element, ok := token.(xml.StartElement); ok {
			value = element.Attr[0].Value
		}
	})
	return value
}

// walkXML fails the test unless doc is well-formed.
func walkXML(t *testing.T, doc string, visit func(xml.Token)) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("parse %q: %v", doc, err)
		}
		visit(token)
	}
}

// A text is hollow of which clean leaves nothing.
func TestHollow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		s := ""
		for range random.IntN(4) {
			s += []string{"\x00", "\x07", "\x1f", "\ufffe", "\uffff", "\xff", "\xed\xa0\x80", "\xed\xa0", "\xe6\x97", "a", " ", "\t", "\x7f", "\ufffd", "é", "日"}[random.IntN(16)]
		}
		if cleaned, _ := clean(s); hollow(s) != (cleaned == "") {
			t.Fatalf("%q: %v, and clean leaves %q", s, hollow(s), cleaned)
		}
	}
}
