package eval_test

import (
	"testing"

	"github.com/feedmill/feedmill/internal/eval"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/workspace"
)

// TestSampleIsVectorised asks no row of the sample workspace's predicates alone.
func TestSampleIsVectorised(t *testing.T) {
	ws, err := workspace.Load("../../deploy/local/feedmill.yaml", func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	var predicates []*predicate.Expr
	for _, f := range ws.Feeds {
		predicates = append(predicates, f.Where)
	}
	for _, e := range ws.Events {
		predicates = append(predicates, e.Where)
	}
	if len(predicates) < 10 {
		t.Fatalf("only %d predicates", len(predicates))
	}
	for _, s := range eval.Compile(predicates).Slow() {
		t.Errorf("%s is decided row by row: %s, in %s", s.Expr.Text(), s.Reason, predicates[s.Predicate].Text())
	}
}
