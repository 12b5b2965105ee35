package template

import (
	"bytes"
	"text/template"
)

// An execution renders blocks with text/template: header and footer, which stand
// once in a feed, and in tests the item, as what a press has to equal.
type execution struct {
	set  *template.Template
	run  *run
	root map[string]any
	out  bytes.Buffer
}

func (t *Template) execution(params map[string]string) *execution {
	set, err := t.set.Clone()
	if err != nil {
		panic(err) // only html/template refuses to be cloned
	}
	e := &execution{run: &run{}, root: map[string]any{"params": boxedParams(params)}}
	e.set = set.Funcs(e.run.functions())
	return e
}

// execute renders a block; the text is good until the next call.
func (e *execution) execute(block string) ([]byte, error) {
	e.out.Reset()
	err := e.set.ExecuteTemplate(&e.out, block, e.root)
	return e.out.Bytes(), err
}

// A run is what the functions of an execution note.
type run struct{ dropped int64 }

func (r *run) functions() map[string]any {
	return map[string]any{
		textFunction:    func(v any) string { return r.print(inText, v) },
		valueFunction:   func(v any) string { return r.print(inAttribute, v) },
		sectionFunction: func(v any) string { return r.print(inSection, v) },
		"required": func(name, v any) (any, error) {
			if s, ok := v.(string); empty(v) || ok && hollow(s) {
				return nil, missing(text(name))
			}
			return v, nil
		},
	}
}

func (r *run) print(in context, v any) string {
	escaped, dropped := escape(in, text(v))
	r.dropped += dropped
	return escaped
}
