package predicate

import (
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	_ "cel.dev/expr/conformance/proto2" // the cases' messages, of those that are skipped
	_ "cel.dev/expr/conformance/proto3"
	conformance "cel.dev/expr/conformance/test"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/feedmill/feedmill/internal/diag"
)

// The specification's cases, and how many of them ran when this was written.
const (
	allConformance = 2508
	ranConformance = 1665
)

// TestConformance takes the cases of cel.dev/expr that need no messages through
// parse, check and plan: their values are those of the specification and of
// cel-go's plain program. Variables become fields of a source row. The cases that
// do not apply are listed with the reason in testdata.
func TestConformance(t *testing.T) {
	env, err := newEnv(func(*provider) []root { return []root{{rowRoot, types.DynType}} },
		append(extensions(), ext.Bindings(), ext.TwoVarComprehensions(), ext.Encoders())...)
	if err != nil {
		t.Fatal(err)
	}
	total, ran, left := 0, 0, map[string][]string{}
	for _, file := range conformanceFiles(t) {
		for _, section := range file.Section {
			for _, test := range section.Test {
				total++
				c := conformanceCase{test, env, file.Name + "/" + section.Name + "/" + test.Name}
				if reason := c.run(t); reason != "" {
					left[reason] = append(left[reason], c.name)
				} else {
					ran++
				}
			}
		}
	}
	if total != allConformance || ran != ranConformance {
		t.Errorf("ran %d of %d conformance cases, want %d of %d", ran, total, ranConformance, allConformance)
	}
	compareLeft(t, left)
}

// compareLeft compares the cases that did not run with those known.
func compareLeft(t *testing.T, left map[string][]string) {
	t.Helper()
	var text strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(left)) {
		fmt.Fprintf(&text, "%s: %d\n\t%s\n", reason, len(left[reason]), strings.Join(left[reason], "\n\t"))
	}
	golden(t, "conformance-left.txt", text.String())
}

func conformanceFiles(t *testing.T) []*conformance.SimpleTestFile {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "cel.dev/expr").Output()
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "tests/simple/testdata/*.textproto"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no conformance files: %v", err)
	}
	files := make([]*conformance.SimpleTestFile, len(names))
	for i, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = &conformance.SimpleTestFile{}
		if err := prototext.Unmarshal(text, files[i]); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return files
}

type conformanceCase struct {
	*conformance.SimpleTest
	env  *Env
	name string
}

// Why a case does not run.
const (
	needsMessages  = "it makes messages"
	needsFunction  = "of an extension that we have not: cel.block, network"
	needsMacro     = "of a macro that we have not"
	needsVariable  = "its variables are messages, or have names with dots"
	needsUnchecked = "it must not be checked: we run nothing unchecked"
	needsContainer = "of names in a container"
	needsTypes     = "it declares functions, or messages, of its own"
	nullFields     = "a source row's absent field is null"
)

// run returns why the case could not be run.
func (c conformanceCase) run(t *testing.T) (reason string) {
	if c.name == "fields/map_fields/map_field_select_no_such_key" {
		return nullFields
	}
	row, ok := c.row()
	if !ok {
		return needsVariable
	}
	text := diag.Plain(c.Expr)
	tree, mistakes := c.env.parse(&text)
	if tree == nil {
		if strings.HasPrefix(c.name, "parse/") {
			t.Errorf("%s: %v", c.name, mistakes)
		}
		return needsMacro
	}
	c.bind(tree)
	checked, mistakes := c.env.check(tree)
	switch {
	case len(mistakes) > 0:
		return c.refused(mistakes)
	case c.CheckOnly:
		return c.compareType(t, checked)
	}
	vars := &Vars{Row: row}
	got := c.env.plan(c.Expr, checked).run(vars)
	if !celDiffers(c.name) && !c.compare(t, got) {
		return needsMessages
	}
	c.compareWithCEL(t, checked, row, got)
	return ""
}

// refused returns why the checker refused a case; none where the case wants an
// error, and the mistake is not that we lack something.
func (c conformanceCase) refused(mistakes diag.List) string {
	_, wantsError := c.ResultMatcher.(*conformance.SimpleTest_EvalError)
	lacks := ""
	for _, m := range mistakes {
		switch {
		case strings.Contains(m.Message, "makes no messages"), strings.Contains(m.Message, "TestAllTypes"), strings.Contains(m.Message, "has no value"):
			return needsMessages
		case strings.Contains(m.Message, "there is no function"):
			lacks = needsFunction
		}
	}
	switch {
	case c.DisableCheck && !wantsError:
		return needsUnchecked
	case lacks != "" && c.name != "basic/functions/unbound":
		return lacks
	case c.Container != "" && !wantsError:
		return needsContainer
	case wantsError:
		return ""
	default:
		return needsTypes
	}
}

// compareType compares what the checker found with what is wanted.
func (c conformanceCase) compareType(t *testing.T, checked *ast.AST) string {
	if len(c.TypeEnv) > 0 {
		return needsTypes
	}
	want, err := types.ProtoAsType(c.GetTypedResult().GetDeducedType())
	if err != nil {
		t.Errorf("%s: %v", c.name, err)
	} else if got := checked.GetType(checked.Expr().ID()); !got.IsExactType(want) && !celDiffers(c.name) {
		t.Errorf("%s: %s is a %s, want %s", c.name, c.Expr, got, want)
	}
	return ""
}

// celDiffers names the cases in which cel-go differs from the specification; we
// go with cel-go.
func celDiffers(name string) bool {
	return slices.Contains([]string{
		"fields/qualified_identifier_resolution/map_value_repeat_key",
		"fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous",
		"optionals/optionals/map_null_entry_no_such_key",
		"optionals/optionals/map_present_key_invalid_field",
		"string_ext/value_errors/indexof_out_of_range",
		"string_ext/value_errors/lastindexof_out_of_range",
		"timestamps/duration_converters/get_milliseconds",
		"type_deductions/legacy_nullable_types/null_assignable_to_abstract_parameter_candidate",
	}, name)
}

// compareWithCEL checks a value against cel-go's plain program, but not an error:
// cel-go lets a double be a map's key, which the specification refuses.
func (c conformanceCase) compareWithCEL(t *testing.T, checked *ast.AST, row map[string]any, got ref.Val) {
	program, err := c.env.cel.PlanProgram(checked)
	if err != nil || types.IsError(got) {
		return
	}
	want, _, err := program.Eval(map[string]any{rowRoot: newObject(row)})
	if err != nil || !identical(got, want) {
		t.Errorf("%s: %s = %v, cel-go says %v, %v", c.name, c.Expr, got, want, err)
	}
}

// row returns the bindings as a source row, if plain values can hold them.
func (c conformanceCase) row() (map[string]any, bool) {
	row := map[string]any{}
	for name, v := range c.Bindings {
		value, err := cel.ProtoAsValue(adapter{}, v.GetValue())
		if err != nil || strings.Contains(name, ".") {
			return nil, false
		}
		if row[name], err = plain(value); err != nil {
			return nil, false
		}
	}
	return row, true
}

// bind makes row.x of a variable x.
func (c conformanceCase) bind(t *tree) {
	bound := map[string]bool{}
	ast.PostOrderVisit(t.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			bound[e.AsComprehension().IterVar()], bound[e.AsComprehension().IterVar2()], bound[e.AsComprehension().AccuVar()] = true, true, true
		}
	}))
	make := ast.NewExprFactory()
	ast.PostOrderVisit(t.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.IdentKind || bound[e.AsIdent()] {
			return
		}
		if _, isVariable := c.Bindings[e.AsIdent()]; isVariable {
			t.nextID++
			e.SetKindCase(make.NewSelect(e.ID(), make.NewIdent(t.nextID, rowRoot), e.AsIdent()))
		}
	}))
}

// compare returns false where what is wanted cannot be said in plain values.
func (c conformanceCase) compare(t *testing.T, got ref.Val) bool {
	switch c.ResultMatcher.(type) {
	case *conformance.SimpleTest_EvalError, *conformance.SimpleTest_AnyEvalErrors:
		if !types.IsError(got) {
			t.Errorf("%s: %s = %v, want an error", c.name, c.Expr, got)
		}
		return true
	case *conformance.SimpleTest_Unknown, *conformance.SimpleTest_AnyUnknowns:
		return false
	}
	value := c.GetValue()
	if typed := c.GetTypedResult(); typed != nil {
		value = typed.GetResult()
	}
	var want ref.Val = types.True
	if value != nil {
		var err error
		if want, err = cel.ProtoAsValue(types.DefaultTypeAdapter, value); err != nil || value.GetObjectValue() != nil {
			return false
		}
	}
	if !identical(got, want) {
		t.Errorf("%s: %s = %v, want %v", c.name, c.Expr, got, want)
	}
	return true
}

// identical compares values with their types; NaN is itself.
func identical(a, b ref.Val) bool {
	x, okX := a.(types.Double)
	y, okY := b.(types.Double)
	if okX && okY && math.IsNaN(float64(x)) && math.IsNaN(float64(y)) {
		return true
	}
	return fmt.Sprint(a.Type()) == fmt.Sprint(b.Type()) && types.Equal(a, b) == types.True
}
