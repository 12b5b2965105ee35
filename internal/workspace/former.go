package workspace

import (
	"fmt"
	"maps"
	"slices"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/template"
)

// Former compiles definitions as they were written before, over the offers of now
// and with the environment of now. It is for one goroutine.
type Former struct {
	ws        *Workspace
	words     *feed.Wordings
	scope     scope
	envs      map[string]*predicate.Env // by the digest of shared expressions
	shared    map[string]predicate.Shared
	templates map[string]*template.Template // by digest
}

// Former returns what compiles wordings.
func (w *Workspace) Former(words *feed.Wordings) *Former {
	return &Former{
		ws: w, words: words, scope: scope{env: w.env},
		envs: map[string]*predicate.Env{}, shared: map[string]predicate.Shared{}, templates: map[string]*template.Template{},
	}
}

// Shared returns the shared expressions that a wording uses, which may not be kept.
func (f *Former) Shared(digest string) predicate.Shared { return f.shared[digest] }

// Where compiles the condition of a wording. Its error says to people why it has
// none now.
func (f *Former) Where(w feed.Wording) (*predicate.Expr, error) {
	env, err := f.env(w.Shared)
	if err != nil {
		return nil, err
	}
	return f.compile("the condition", w.Where, env.Predicate)
}

// Published compiles the condition of what is published of a feed; nil: it is not
// known, or does not fit now.
func (f *Former) Published(name string) *predicate.Expr {
	w, found := f.words.Conditions[name]
	if !found {
		return nil
	}
	x, err := f.Where(w)
	if err != nil {
		return nil
	}
	return x
}

// Rest compiles all but the condition of a wording: fields, params and choice, and
// the template, nil of an event feed.
func (f *Former) Rest(name string, w feed.Wording) (*feed.Feed, *template.Template, error) {
	env, err := f.env(w.Shared)
	if err != nil {
		return nil, nil, err
	}
	out := &feed.Feed{Name: name, Template: w.Template, Params: map[string]string{}, Written: w.Params}
	for _, name := range slices.Sorted(maps.Keys(w.Fields)) {
		x, err := f.compile("field "+name, w.Fields[name], env.Value)
		if err != nil {
			return nil, nil, err
		}
		out.Fields = append(out.Fields, feed.Field{Name: name, Value: x})
	}
	for name, text := range w.Params {
		t, err := f.expand("param "+name, text)
		if err != nil {
			return nil, nil, err
		}
		out.Params[name] = t.Value
	}
	if out.Choose, err = f.choose(w.Choose, env); err != nil || w.Text == "" {
		return out, nil, err
	}
	t, err := f.template(w.Text, out)
	return out, t, err
}

func (f *Former) env(digest string) (*predicate.Env, error) {
	if env, known := f.envs[digest]; known {
		return env, nil
	}
	texts, found := f.words.Shared[digest]
	if !found {
		return nil, fmt.Errorf("the shared expressions of before are not kept")
	}
	shared := predicate.Shared{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		t, err := f.expand("shared."+name, texts[name])
		if err != nil {
			return nil, err
		}
		shared[name] = t
	}
	f.shared[digest] = shared
	f.envs[digest] = predicate.OfferEnv(f.ws.Schema, predicate.OfferOptions{Now: true, Shared: shared})
	return f.envs[digest], nil
}

// expand puts values in the place of references, as the loader does. The text has no
// place.
func (f *Former) expand(what, text string) (diag.Text, error) {
	t, mistakes := f.scope.expand(diag.Plain(text))
	if len(mistakes) > 0 {
		return t, unfit(what, mistakes)
	}
	return diag.Text{Value: t.Value, Raw: t.Raw}, nil
}

func (f *Former) compile(what, text string, compile func(diag.Text) (*predicate.Expr, diag.List)) (*predicate.Expr, error) {
	t, err := f.expand(what, text)
	if err != nil {
		return nil, err
	}
	x, mistakes := compile(t)
	if len(mistakes) > 0 {
		return nil, unfit(what, mistakes)
	}
	return x, nil
}

func (f *Former) choose(c *feed.Choosing, env *predicate.Env) (*feed.Choose, error) {
	if c == nil {
		return nil, nil
	}
	out := &feed.Choose{Take: c.Take}
	var err error
	if c.Per != "" {
		if out.Per, err = f.compile("choose per", c.Per, env.Value); err != nil {
			return nil, err
		}
	}
	value := func(t diag.Text) (*predicate.Expr, diag.List) { return env.Value(sortKey(t).text) }
	for _, o := range c.By {
		x, err := f.compile("choose by", o.Value, value)
		if err != nil {
			return nil, err
		}
		out.By = append(out.By, feed.Order{Value: x, Desc: o.Desc})
	}
	return out, nil
}

// template parses a template of before, and checks it with a feed's fields.
func (f *Former) template(digest string, of *feed.Feed) (*template.Template, error) {
	t, known := f.templates[digest]
	if !known {
		text, found := f.words.Templates[digest]
		if !found {
			return nil, fmt.Errorf("the template of before is not kept")
		}
		var mistakes diag.List
		if t, mistakes = template.Parse(diag.NewFile(of.Template+".xml", []byte(text)), f.ws.Schema, nil); len(mistakes) > 0 {
			return nil, unfit("template "+of.Template, mistakes)
		}
		f.templates[digest] = t
	}
	if mistakes := t.Check(fieldTypes(of.Fields)); len(mistakes) > 0 {
		return nil, unfit("template "+of.Template, mistakes)
	}
	return t, nil
}

func unfit(what string, mistakes diag.List) error {
	return fmt.Errorf("%s of before does not fit: %s", what, mistakes[0].Message)
}
