package samples

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/template"
	"github.com/feedmill/feedmill/internal/workspace"
)

// texts are what offers of careless and of malicious sellers hold.
var texts = []string{
	"", " ", "plain", "Tea & Cake", "a < b > c", `"quoted" & 'quoted'`, "<b>bold</b>", "<script>alert('x')</script>", "</item></channel></rss>",
	"</product><product><uid>x</uid></product>", "<item/>", "]]>", "]]", "]", ">", "<![CDATA[x]]>", "<!-- ", "-->", "<?xml version=\"1.0\"?>", "&amp;", "&nbsp;", "&#0;", "&#x1F;", "&bogus;",
	"\x00", "a\x01\x02\x0b\x1fz", "tab\tline\nreturn\r\r\n", "\x7f\u0080\u0085\u009f", "\xff\xfe", "a\xc3", "\xed\xa0\x80", "\xed\xa0\xbd\xed\xb8\x80", "\xf4\x90\x80\x80", "\ufffd\ufffe\uffff",
	"日本語", "עברית", "e\u0301", "😀👩‍👩‍👧", "\u202etfel", "\u2028\u2029", "{{.offer.id}}", "%s%d%n", "http://x.example/?a=1&b=<2>",
}

// A sprayer makes random values of any type.
type sprayer struct{ *rand.Rand }

func (s sprayer) text() string {
	text := ""
	for range s.IntN(4) {
		text += texts[s.IntN(len(texts))]
	}
	if s.IntN(100) == 0 {
		for len(text) < 15000 {
			text += texts[s.IntN(len(texts))] + "x"
		}
	}
	return text
}

func (s sprayer) value(t offer.Type) any {
	if s.IntN(6) == 0 {
		return nil
	}
	switch t.Kind {
	case offer.String:
		return s.text()
	case offer.Bool:
		return s.IntN(2) == 0
	case offer.Int:
		return []int64{0, 1, -1, 3, 1000, math.MaxInt64, math.MinInt64}[s.IntN(7)]
	case offer.Double:
		return []float64{0, 0.5, -1, 1e-9, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)}[s.IntN(8)]
	case offer.Decimal:
		return []string{"0", "-1.5", "12.30", "9999999999.99"}[s.IntN(4)]
	case offer.Timestamp:
		return []string{"2026-01-02T03:04:05.678Z", "1900-01-01T00:00:00Z"}[s.IntN(2)]
	case offer.Date:
		return []string{"2026-01-02", "0001-01-01"}[s.IntN(2)]
	case offer.List:
		list := []any{}
		for range s.IntN(4) {
			list = append(list, s.value(*t.Elem))
		}
		return list
	case offer.Map:
		entries := map[string]any{}
		for range s.IntN(4) {
			entries[s.text()] = s.value(*t.Elem)
		}
		for _, name := range []string{"color", "size", "material"} {
			entries[name] = s.value(*t.Elem)
		}
		return entries
	case offer.Struct:
		fields := map[string]any{}
		for _, f := range t.Fields {
			fields[f.Name] = s.value(f.Type)
		}
		return fields
	}
	panic(fmt.Sprintf("a column of %s", t))
}

func (s sprayer) offers(schema offer.Schema, n int) []map[string]any {
	offers := make([]map[string]any, n)
	for i := range offers {
		offers[i] = map[string]any{}
		for _, column := range schema {
			offers[i][column.Name] = s.value(column.Type)
		}
		offers[i][offer.Key] = fmt.Sprint(i, s.text())
	}
	return offers
}

// shorter is how many of something a test makes.
func shorter(n, short int) int {
	if testing.Short() {
		return short
	}
	return n
}

// rendered is the whole document of a feed over all offers of a batch, whether
// they satisfy it or not.
func rendered(t testing.TB, ws *workspace.Workspace, f *feed.Feed, offers arrow.RecordBatch) (document, *template.Items) {
	t.Helper()
	tmpl := ws.Templates[f.Template]
	rows := make([]int, offers.NumRows())
	for i := range rows {
		rows[i] = i
	}
	var items template.Items
	if err := tmpl.Renderer(f.Params).Items(&items, offers, fieldsOf(t, f, offers), rows); err != nil {
		t.Fatalf("feed %s: %v", f.Name, err)
	}
	d := document{name: f.Name, items: len(rows) - len(items.Left)}
	head := template.Feed{Name: f.Name, Items: int64(d.items), Updated: now}
	header, err := tmpl.Header(head, f.Params)
	if err != nil {
		t.Fatal(err)
	}
	footer, err := tmpl.Footer(head, f.Params)
	if err != nil {
		t.Fatal(err)
	}
	d.text = slices.Concat(header, items.Data, footer)
	return d, &items
}

// Whatever offers hold, two parsers read each feed and find its items and no
// others in it.
func TestHostileOffers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	ws := sample(t)
	offers := batchOf(t, ws.Schema, sprayer{rand.New(rand.NewPCG(seed, 0))}.offers(ws.Schema, shorter(300, 100)))
	defer offers.Release()
	var documents []document
	made, left, dropped := 0, 0, int64(0)
	used := map[string]bool{}
	for _, f := range ws.Feeds {
		d, items := rendered(t, ws, f, offers)
		made, left, dropped = made+d.items, left+len(items.Left), dropped+items.Dropped
		documents = append(documents, d)
		used[f.Template] = true
	}
	for _, name := range sortedKeys(ws.Templates) {
		if !used[name] {
			t.Errorf("no feed uses template %s", name)
		}
	}
	if made < 100 || left < 100 || dropped < 1000 { // by chance they are a multiple of it
		t.Errorf("%d items, %d left out, %d characters dropped: the offers are too tame", made, left, dropped)
	}
	parsed(t, documents)
}
