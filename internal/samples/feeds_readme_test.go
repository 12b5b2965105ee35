package samples

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/trial"
	"github.com/feedmill/feedmill/internal/workspace"
)

// What feeds/README.md teaches loads, its feed tests pass, its mistakes are
// reported in its words, and its expressions have the values that it says.
func TestFeedsReadme(t *testing.T) {
	p := readPage(t, "../../feeds/README.md")
	p.count(t, 12, 35)
	seen := 0
	p.follow(t, sampleFiles(t), func(blocks int, files map[string]string) {
		ws, err := loadFiles(t, files)
		if err != nil {
			t.Fatalf("with the block at line %d: %v", p.blocks[blocks-1].line, err)
		}
		failed := tests(ws)
		if replaced := p.replacesTest(blocks, files); replaced != (failed != nil) {
			t.Errorf("with the block at line %d, replaced %v, the feed tests give %v", p.blocks[blocks-1].line, replaced, failed)
		}
		for _, r := range p.rows {
			if r.after == blocks {
				expression(t, ws, r)
				seen++
			}
		}
	})
	if seen != len(p.rows) {
		t.Errorf("%d of %d expressions were tried", seen, len(p.rows))
	}
}

// tests runs the feed tests of a workspace.
func tests(ws *workspace.Workspace) error {
	var failed diag.List
	for _, test := range ws.Tests {
		failed = append(failed, trial.Run(ws, test, now)...)
	}
	return failed.Err()
}

// replacesTest reports whether the next block is another version of a feed test
// that is there: the page says that the old one fails now.
func (p page) replacesTest(blocks int, files map[string]string) bool {
	if blocks == len(p.blocks) {
		return false
	}
	path, _ := p.blocks[blocks].file()
	return strings.HasSuffix(path, ".test.yaml") && files[path] != ""
}

// example is the offer that the page's examples look at.
func example(t *testing.T, ws *workspace.Workspace) (*feed.Test, map[string]any) {
	t.Helper()
	for _, test := range ws.Tests {
		if strings.HasSuffix(test.Place.File.Name, "example.test.yaml") {
			values := map[string]any{"id": test.Offers[0].ID}
			for name, v := range test.Offers[0].Values {
				values[name] = v.Value
			}
			return test, values
		}
	}
	t.Fatal("there is no example.test.yaml")
	return nil, nil
}

func expression(t *testing.T, ws *workspace.Workspace, r row) {
	t.Helper()
	test, values := example(t, ws)
	batch := batchOf(t, ws.Schema, []map[string]any{values})
	defer batch.Release()
	env := predicate.OfferEnv(ws.Schema, predicate.OfferOptions{Now: true, Shared: ws.Shared})
	expr, mistakes := env.Value(diag.Plain(r.example))
	if len(mistakes) > 0 {
		t.Errorf("line %d: %v", r.line, mistakes)
		return
	}
	value, err := expr.Eval(&predicate.Vars{Offer: predicate.Row{Batch: predicate.NewBatch(batch)}, Now: test.Now})
	if got := written(value); err != nil || got != r.result {
		t.Errorf("line %d: %s is %s, not %s: %v", r.line, r.example, got, r.result, err)
	}
}

// written is a value as the page writes it.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(v)
	case float64:
		return strconv.FormatFloat(v, 'g', 10, 64)
	default:
		return fmt.Sprint(v)
	}
}
