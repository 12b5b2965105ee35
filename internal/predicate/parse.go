package predicate

import (
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"

	"github.com/feedmill/feedmill/internal/diag"
)

// A place is where a node stands in a text that the user wrote.
type place struct {
	text   *diag.Text
	offset int // in bytes
}

// A tree is a parsed expression whose nodes know their places, also those that
// came out of other texts.
type tree struct {
	*ast.AST
	text   *diag.Text
	places map[int64]place
	nextID int64
	shared map[int64]string // names of the shared expressions that were put in
}

// parse reads an expression. It reports the first mistake in it: those that
// follow are mostly its consequences.
func (e *Env) parse(text *diag.Text) (*tree, diag.List) {
	source := common.NewTextSource(text.Value)
	parsed, errs := e.parser.Parse(source)
	if found := errs.GetErrors(); len(found) > 0 {
		return nil, diag.List{syntaxMistake(text, source, found)}
	}
	for id, call := range parsed.SourceInfo().MacroCalls() {
		parsed.SourceInfo().SetMacroCall(id, inPairs(call)) // they are for texts alone
	}
	t := &tree{AST: parsed, text: text, places: map[int64]place{}, shared: map[int64]string{}, nextID: ast.MaxID(parsed)}
	at := byteOffsets(text.Value)
	t.hideValues(at)
	for id, span := range parsed.SourceInfo().OffsetRanges() {
		t.places[id] = place{text, at(int(span.Start))}
	}
	return t, nil
}

// hideValues has literals written as they are in the text, with ${NAME} in place of the
// value of an environment variable, which may be a secret: the unparser takes what a
// node was written as for its macro call.
func (t *tree) hideValues(at func(points int) int) {
	if len(t.text.Values) == 0 {
		return
	}
	info, factory := t.SourceInfo(), ast.NewExprFactory()
	ast.PostOrderVisit(t.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.LiteralKind {
			return
		}
		span, found := info.GetOffsetRange(e.ID())
		if !found {
			return
		}
		from, to := at(int(span.Start)), at(int(span.Stop))
		if from < len(t.text.Value) && t.text.Value[from] == '-' { // the range of a negative number is its sign
			for to++; to < len(t.text.Value) && strings.IndexByte("0123456789.eExXabcdfABCDF", t.text.Value[to]) >= 0; to++ {
				continue
			}
			to = min(to, len(t.text.Value))
		}
		if written, differs := t.text.WrittenPart(from, to); differs {
			info.SetMacroCall(e.ID(), factory.NewIdent(0, verbatim(written)))
		}
	}))
}

// byteOffsets returns the function from code points to bytes of a text.
func byteOffsets(text string) func(points int) int {
	if utf8.RuneCountInString(text) == len(text) {
		return func(points int) int { return min(max(points, 0), len(text)) }
	}
	offsets := make([]int, 0, len(text)+1)
	for i := range text {
		offsets = append(offsets, i)
	}
	return func(points int) int {
		if points < len(offsets) {
			return offsets[max(points, 0)]
		}
		return len(text)
	}
}

// mistake is a diagnostic underlining length code points at a node.
func (t *tree) mistake(id int64, shift, length int, format string, args ...any) diag.Diagnostic {
	p, ok := t.places[id]
	if !ok {
		p = place{text: t.text}
	}
	return p.text.At(p.offset+shift, length, format, args...)
}

// graft puts a copy of another tree in the place of node e, which keeps its id
// and place: what is wrong inside is found in the other text, what is wrong with
// the whole where it stands here.
func (t *tree) graft(e ast.Expr, other *tree) {
	copied := ast.NewExprFactory().CopyExpr(other.Expr())
	copied.RenumberIDs(func(id int64) int64 {
		t.places[t.nextID+id] = other.places[id]
		return t.nextID + id
	})
	t.putIntoMacros(e, copied)
	t.addMacroCalls(e, other)
	for id, name := range other.shared {
		t.shared[t.nextID+id] = name
	}
	t.nextID += other.nextID
	e.SetKindCase(copied)
}

// putIntoMacros puts what node e becomes into how macros around it were written.
func (t *tree) putIntoMacros(e, becomes ast.Expr) {
	for _, call := range t.SourceInfo().MacroCalls() {
		ast.PostOrderVisit(call, ast.NewExprVisitor(func(n ast.Expr) {
			if n.ID() == e.ID() && becomes.Kind() != ast.ComprehensionKind {
				n.SetKindCase(inPairs(becomes))
			}
		}))
	}
}

// addMacroCalls adds how the macros of a tree were written that is put in the place of
// node e.
func (t *tree) addMacroCalls(e ast.Expr, other *tree) {
	for id, call := range other.SourceInfo().MacroCalls() {
		call = ast.NewExprFactory().CopyExpr(call)
		call.RenumberIDs(func(id int64) int64 {
			if id == 0 { // the call itself
				return 0
			}
			return t.nextID + id
		})
		at := t.nextID + id
		if id == other.Expr().ID() {
			at = e.ID()
		}
		t.SourceInfo().SetMacroCall(at, call)
	}
}
