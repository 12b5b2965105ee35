package samples

import (
	"regexp"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/offer"
	"github.com/feedmill/feedmill/internal/template"
	"github.com/feedmill/feedmill/internal/workspace"
)

// What templates/README.md teaches loads, its feed tests pass, its mistakes are
// reported in its words, and its examples print what it says.
func TestTemplatesReadme(t *testing.T) {
	p := readPage(t, "../../templates/README.md")
	p.count(t, 8, 60)
	seen := 0
	p.follow(t, sampleFiles(t), func(blocks int, files map[string]string) {
		if strings.HasPrefix(p.blocks[blocks-1].text, "# feeds/example.yaml") {
			return // without its test there is no example yet
		}
		ws, err := loadFiles(t, files)
		if err != nil {
			t.Fatalf("with the block at line %d: %v", p.blocks[blocks-1].line, err)
		}
		if failed := tests(ws); failed != nil {
			t.Errorf("with the block at line %d: %v", p.blocks[blocks-1].line, failed)
		}
		for _, r := range p.rows {
			if r.after == blocks {
				prints(t, ws, r)
				seen++
			}
		}
	})
	if seen != len(p.rows) {
		t.Errorf("%d of %d examples were tried", seen, len(p.rows))
	}
}

// prints fails the test unless an example prints for the page's offer what its
// row says.
func prints(t *testing.T, ws *workspace.Workspace, r row) {
	t.Helper()
	f, fields := exampleFeed(t, ws)
	text := `{{define "header"}}<r>{{end}}{{define "item"}}<x>` + r.example + `</x>{{end}}{{define "footer"}}</r>{{end}}`
	tmpl, mistakes := template.Parse(diag.NewFile("line.xml", []byte(text)), ws.Schema, fields)
	if len(mistakes) > 0 {
		t.Errorf("line %d: %v", r.line, mistakes)
		return
	}
	_, values := example(t, ws)
	batch := batchOf(t, ws.Schema, []map[string]any{values})
	defer batch.Release()
	var items template.Items
	if err := tmpl.Renderer(f.Params).Items(&items, batch, fieldsOf(t, f, batch), []int{0}); err != nil {
		t.Errorf("line %d: %v", r.line, err)
		return
	}
	want := r.result
	if want == "nothing" {
		want = ""
	}
	if got := strings.TrimSuffix(strings.TrimPrefix(string(items.Data), "<x>"), "</x>\n"); got != want {
		t.Errorf("line %d: %s prints %q, not %q", r.line, r.example, got, want)
	}
}

func exampleFeed(t *testing.T, ws *workspace.Workspace) (*feed.Feed, map[string]offer.Type) {
	t.Helper()
	for _, f := range ws.Feeds {
		if f.Name != "example" {
			continue
		}
		types := map[string]offer.Type{}
		for _, field := range f.Fields {
			types[field.Name], _ = field.Value.Type()
		}
		return f, types
	}
	t.Fatal("there is no feed example")
	return nil, nil
}

var knownFunctions = regexp.MustCompile(`hint: there is ([a-z, ]+)`)

// The page has an example of every function of the language.
func TestEveryFunctionIsTaught(t *testing.T) {
	text := `{{define "header"}}<r>{{end}}{{define "item"}}<x>{{unheardof 1}}</x>{{end}}{{define "footer"}}</r>{{end}}`
	_, mistakes := template.Parse(diag.NewFile("line.xml", []byte(text)), sample(t).Schema, nil)
	known := knownFunctions.FindStringSubmatch(mistakes.Error())
	if known == nil {
		t.Fatalf("the functions are not told: %v", mistakes)
	}
	p := readPage(t, "../../templates/README.md")
	var examples strings.Builder
	for _, r := range p.rows {
		examples.WriteString(r.example)
	}
	names := strings.Split(known[1], ", ")
	if len(names) < 20 {
		t.Errorf("only %d functions are told", len(names))
	}
	for _, name := range names {
		if !regexp.MustCompile(`[{( ]` + name + ` `).MatchString(examples.String()) {
			t.Errorf("the page has no example of %s", name)
		}
	}
}
