package template

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/offer"
)

// Each case renders the three rows of allRows: full, nulls, false.
var language = []struct{ name, item, full, nulls, falses string }{
	{"text", `{{.offer.id}}`, "a1", "nulls", "false"},
	{"escaped", `{{.offer.title}}`, "Tea &amp; &lt;b&gt;Cake&lt;/b&gt;", "", ""},
	{"decimal", `{{.offer.price}}`, "12.30", "", "0.00"},
	{"double", `{{.offer.weight}}`, "0.5", "", "0"},
	{"int", `{{.offer.stock}}`, "7", "", "0"},
	{"bool", `{{.offer.active}}`, "true", "", "false"},
	{"timestamp", `{{.offer.seen}}`, "2026-01-02T03:04:05.6Z", "", ""},
	{"date column", `{{.offer.day}}`, "2026-05-06", "", ""},
	{"struct", `{{.offer.shop.name}}`, "O'Hara", "", ""},
	{"double without fraction", `{{.offer.shop.rating}}`, "4", "", ""},
	{"map", `{{.offer.attrs.colour}}`, "red", "", ""},
	{"params", `{{.params.utm}}|{{.params.none}}`, "u|", "u|", "u|"},
	{"fields", `{{.fields.name}}`, "Tea &amp; &lt;b&gt;Cake&lt;/b&gt;", "", ""},
	{"constants", `{{"x"}}{{1}}{{-2.50}}{{true}}{{1e3}}{{0x10}}{{` + "`r`" + `}}`, "x1-2.5true100016r", "x1-2.5true100016r", "x1-2.5true100016r"},

	{"if text", `{{if .offer.title}}y{{else}}n{{end}}`, "y", "n", "n"},
	{"if decimal", `{{if .offer.price}}y{{else}}n{{end}}`, "y", "n", "n"},
	{"if int", `{{if .offer.stock}}y{{else}}n{{end}}`, "y", "n", "n"},
	{"if double", `{{if .offer.weight}}y{{else}}n{{end}}`, "y", "n", "n"},
	{"if bool", `{{if .offer.active}}y{{else}}n{{end}}`, "y", "n", "n"},
	{"if list", `{{if .offer.tags}}y{{else}}n{{end}}`, "y", "n", "n"},
	{"if map", `{{if .offer.attrs}}y{{else}}n{{end}}`, "y", "n", "n"},
	{"if struct", `{{if .offer.shop}}y{{else}}n{{end}}`, "y", "n", "y"},
	{"if timestamp", `{{if .offer.seen}}y{{else}}n{{end}}`, "y", "n", "n"},
	{"else if", `{{if eq .offer.stock 0}}0{{else if eq .offer.stock 7}}7{{else}}?{{end}}`, "7", "?", "0"},
	{"with", `{{with .offer.shop}}{{.name}}{{else}}none{{end}}`, "O'Hara", "none", ""},
	{"with decimal", `{{with $p := .offer.price}}{{$p}}{{else}}-{{$p}}{{end}}`, "12.30", "-", "-0.00"},
	{"range", `{{range .offer.tags}}[{{.}}]{{else}}none{{end}}`, "[new][][hot]", "none", "none"},
	{"range index", `{{range $i, $t := .offer.tags}}{{$i}}{{$t}}{{end}}`, "0new12hot", "", ""},
	{"range structs", `{{range .offer.prices}}{{.gross}} {{.currency}},{{end}}`, "9.9950 EUR, CHF,", "", ""},
	{"range map is sorted", `{{range $k, $v := .offer.attrs}}{{$k}}={{$v}};{{end}}`, "a-b=x;colour=red;", "", ""},
	{"range outer", `{{range .offer.sizes}}{{.}}{{$.offer.id}}{{end}}`, "3a15a1", "", ""},
	{"variables", `{{$x := 1}}{{if .offer.title}}{{$x = 2}}{{end}}{{$x}}`, "2", "1", "1"},
	{"template", `{{template "sub" .offer.shop}}{{define "sub"}}{{.name}}!{{end}}`, "O'Hara!", "!", "!"},
	{"template in two contexts", `{{template "sub" .}}<i a="{{template "sub" .}}"/>{{define "sub"}}{{.offer.shop.name}}{{end}}`, `O'Hara<i a="O&apos;Hara"/>`, `<i a=""/>`, `<i a=""/>`},
	{"trim markers and comments", "  {{- /* c */ -}}  x {{- .offer.id }}", "xa1", "xnulls", "xfalse"},
	{"parentheses", `{{(index .offer.prices 0).gross}}`, "9.9950", "", ""},
	{"pipeline", `{{.offer.id | upper | printf "%s-%s" "x"}}`, "x-A1", "x-NULLS", "x-FALSE"},

	{"and", `{{and .offer.stock .offer.price}}`, "12.30", "", "0"},
	{"or", `{{or .offer.title .offer.price}}`, "Tea &amp; &lt;b&gt;Cake&lt;/b&gt;", "", "0.00"},
	{"or stops", `{{or .offer.id (required "none" .offer.title)}}`, "a1", "nulls", "false"},
	{"piped or", `{{.offer.id | or .offer.title}}`, "Tea &amp; &lt;b&gt;Cake&lt;/b&gt;", "nulls", "false"},
	{"not", `{{not .offer.price}}`, "false", "true", "true"},
	{"eq", `{{eq .offer.title ""}}`, "false", "false", "true"},
	{"eq of several", `{{eq .offer.id "x" "a1"}}`, "true", "false", "false"},
	{"eq null null", `{{eq .offer.title .offer.title}}`, "true", "false", "true"},
	{"ne", `{{ne .offer.title ""}}`, "true", "true", "false"},
	{"eq bool", `{{eq .offer.active false}}`, "false", "false", "true"},
	{"lt", `{{lt .offer.price 12.31}}{{lt .offer.price 12.30}}`, "truefalse", "falsefalse", "truetrue"},
	{"le", `{{le .offer.price 12.30}}`, "true", "false", "true"},
	{"gt", `{{gt .offer.stock 6.5}}`, "true", "false", "false"},
	{"ge", `{{ge 0 .offer.stock}}`, "false", "false", "true"},
	{"order of texts", `{{lt .offer.id "b"}}`, "true", "false", "false"},
	{"times", `{{lt .offer.seen .offer.day}}`, "true", "false", "false"},
	{"index list", `{{index .offer.tags 0}}{{index .offer.tags 9}}{{index .offer.tags -1}}`, "new", "", ""},
	{"index map", `{{index .offer.attrs "a-b"}}`, "x", "", ""},
	{"index deep", `{{index .offer.prices 0 "currency"}}`, "EUR", "", ""},
	{"index params", `{{index .params "a-b"}}`, "dashed", "dashed", "dashed"},
	{"len", `{{len .offer.tags}}{{len .offer.title}}{{len .offer.attrs}}`, "3172", "000", "000"},
	{"len of code points", `{{len "äöü"}}`, "3", "3", "3"},
	{"printf", `{{printf "%05d|%.1f|%6.3f|%-4s|%q|%v|%s|%t|100%%" .offer.stock .offer.price .offer.weight .offer.id .offer.id .offer.price .offer.seen .offer.active}}`,
		`00007|12.3| 0.500|a1  |"a1"|12.30|2026-01-02T03:04:05.6Z|true|100%`, `|||nulls|"nulls"||||100%`, `00000|0.0| 0.000|false|"false"|0.00||false|100%`},

	{"money", `{{money .offer.price "HKD"}}`, "12.30 HKD", "", "0.00 HKD"},
	{"money of int and double", `{{money .offer.stock "HKD"}},{{money .offer.weight "EUR"}}`, "7.00 HKD,0.50 EUR", ",", "0.00 HKD,0.00 EUR"},
	{"money rounds", `{{range .offer.prices}}{{money .gross .currency}};{{end}}`, "10.00 EUR;;", "", ""},
	{"money without currency", `{{money .offer.price .offer.title}}`, "12.30 Tea &amp; &lt;b&gt;Cake&lt;/b&gt;", "", ""},
	{"join", `{{join .offer.tags ", "}}{{join .offer.sizes "-"}}`, "new, hot3-5", "", ""},
	{"truncate", `{{truncate 5 .offer.title}}`, "Tea &amp;", "", ""},
	{"striphtml", `{{striphtml .offer.title}}`, "Tea &amp; Cake", "", ""},
	{"default", `{{default "none" .offer.title}}`, "Tea &amp; &lt;b&gt;Cake&lt;/b&gt;", "none", "none"},
	{"default of false", `{{.offer.price | default 9}}`, "12.30", "9", "0.00"},
	{"date", `{{date "02.01.2006 15:04" .offer.seen}} {{date "Jan 2" .offer.day}}`, "02.01.2026 03:04 May 6", " ", " "},
	{"enum", `{{enum .offer.id "a1" "one" "false" "two"}}`, "one", "nulls", "two"},
	{"enum of int", `{{enum .offer.stock "7" "in stock" "0" "out of stock"}}`, "in stock", "", "out of stock"},
	{"lower, upper", `{{lower .offer.shop.name}}{{upper .offer.shop.name}}`, "o'haraO'HARA", "", ""},
	{"urlquery", `{{urlquery .offer.title}}`, "Tea+%26+%3Cb%3ECake%3C%2Fb%3E", "", ""},

	{"attribute", `<a b="{{.offer.title}}" c='{{.offer.shop.name}}'/>`, `<a b="Tea &amp; &lt;b&gt;Cake&lt;/b&gt;" c='O&apos;Hara'/>`, `<a b="" c=''/>`, `<a b="" c=''/>`},
	{"CDATA", `<![CDATA[{{.offer.title}}]]>`, "<![CDATA[Tea & <b>Cake</b>]]>", "<![CDATA[]]>", "<![CDATA[]]>"},
	{"optional attribute", `<a{{if .offer.title}} t="{{.offer.id}}"{{end}}/>`, `<a t="a1"/>`, `<a/>`, `<a/>`},
	{"branches of elements", `{{if .offer.title}}<a>x</a>{{else}}<b/>{{end}}`, `<a>x</a>`, `<b/>`, `<b/>`},
	{"prefix", `<g:id>{{.offer.id}}</g:id>`, `<g:id>a1</g:id>`, `<g:id>nulls</g:id>`, `<g:id>false</g:id>`},
}

func TestLanguage(t *testing.T) {
	schema := allTypes(t)
	offers := batchOf(t, schema, allRows)
	fields := map[string]offer.Type{"name": {Kind: offer.String}}
	fieldRows := batchOf(t, offer.Schema{{Name: "name", Type: fields["name"]}}, `[{"name": "Tea & <b>Cake</b>"}, {}, {"name": ""}]`)
	for _, c := range language {
		t.Run(c.name, func(t *testing.T) {
			tmpl := mustParse(t, itemOf(inElement(c.item)), schema, fields)
			var items Items
			params := map[string]string{"utm": "u", "a-b": "dashed"}
			if err := tmpl.Renderer(params).Items(&items, offers, fieldRows, []int{0, 1, 2}); err != nil {
				t.Fatal(err)
			}
			want := []string{c.full, c.nulls, c.falses}
			if diff := cmp.Diff(want, texts(items)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.item, diff)
			}
		})
	}
}

// inElement puts an item's text into <i>, without the definitions behind it.
func inElement(item string) string {
	item, definitions, found := strings.Cut(item, "{{define")
	if found {
		return "<i>" + item + "</i>{{define" + definitions
	}
	return "<i>" + item + "</i>"
}

// texts is what stands inside <i> of each item.
func texts(items Items) []string {
	var out []string
	from := 0
	for _, end := range items.Ends {
		text := strings.TrimSuffix(strings.TrimSuffix(string(items.Data[from:end]), "\n"), "</i>")
		out = append(out, strings.TrimPrefix(text, "<i>"))
		from = end
	}
	return out
}
