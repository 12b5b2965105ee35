package feed

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/feedmill/feedmill/internal/predicate"
)

// A Wording is a definition of a feed or event feed as it was written, to be kept
// beside what was made by it. References such as ${NAME} stand in it as they were
// written: what an environment variable holds may be a secret.
type Wording struct {
	Where    string            `json:"where"`
	Shared   string            `json:"shared"`             // the digest of the shared expressions
	Whole    bool              `json:"whole,omitempty"`    // what follows is kept, too; runs of before did not
	Template string            `json:"template,omitempty"` // its name; an event feed has none
	Text     string            `json:"text,omitempty"`     // the digest of the template's text
	Fields   map[string]string `json:"fields,omitempty"`
	Params   map[string]string `json:"params,omitempty"`
	Choose   *Choosing         `json:"choose,omitempty"`
	To       string            `json:"to,omitempty"` // whom an event feed is for; runs of before did not keep it
}

// Equal reports whether two wordings say the same of all that is kept.
func (w Wording) Equal(o Wording) bool {
	return w.Where == o.Where && w.Shared == o.Shared && w.Whole == o.Whole && w.Template == o.Template && w.Text == o.Text &&
		maps.Equal(w.Fields, o.Fields) && maps.Equal(w.Params, o.Params) && w.Choose.String() == o.Choose.String() && w.To == o.To
}

// A Choosing is a `choose` as it was written.
type Choosing struct {
	Per  string     `json:"per,omitempty"`
	By   []Ordering `json:"by"`
	Take int        `json:"take"`
}

// An Ordering is one sort key of a Choosing.
type Ordering struct {
	Value string `json:"value"`
	Desc  bool   `json:"desc,omitempty"`
}

// String is the choice as people write it.
func (c *Choosing) String() string {
	if c == nil {
		return ""
	}
	var keys []string
	for _, o := range c.By {
		direction := "asc"
		if o.Desc {
			direction = "desc"
		}
		keys = append(keys, o.Value+" "+direction)
	}
	text := fmt.Sprintf("by [%s], take %d", strings.Join(keys, ", "), c.Take)
	if c.Per != "" {
		text = "per " + c.Per + ", " + text
	}
	return text
}

// Wording returns the feed as it was written, but for the digests.
func (f *Feed) Wording() Wording {
	return Wording{
		Where: f.Condition.Written(), Whole: true, Template: f.Template,
		Fields: fieldTexts(f.Fields), Params: f.Written, Choose: f.Choose.wording(),
	}
}

// Wording returns the event feed as it was written, but for the digest.
func (f *EventFeed) Wording() Wording {
	return Wording{Where: f.Condition.Written(), Whole: true, Fields: fieldTexts(f.Fields), Choose: f.Choose.wording(), To: f.Audience().String()}
}

func fieldTexts(fields []Field) map[string]string {
	out := map[string]string{}
	for _, f := range fields {
		out[f.Name] = f.Value.Text()
	}
	return out
}

func (c *Choose) wording() *Choosing {
	if c == nil {
		return nil
	}
	out := &Choosing{Take: c.Take}
	if c.Per != nil {
		out.Per = c.Per.Text()
	}
	for _, o := range c.By {
		out.By = append(out.By, Ordering{o.Value.Text(), o.Desc})
	}
	return out
}

// Wordings are the definitions that a run's feeds were made by. What many of them
// share stands in it once.
type Wordings struct {
	Conditions map[string]Wording           `json:"conditions,omitempty"`      // of what is published, by feed
	Held       map[string]Wording           `json:"held_conditions,omitempty"` // of what a guard holds, by feed
	Shared     map[string]map[string]string `json:"shared,omitempty"`          // sets of shared expressions, by their digests
	Templates  map[string]string            `json:"templates,omitempty"`       // texts of templates, by their digests
}

// NewWordings returns wordings of no feeds.
func NewWordings() Wordings {
	return Wordings{
		Conditions: map[string]Wording{}, Held: map[string]Wording{},
		Shared: map[string]map[string]string{}, Templates: map[string]string{},
	}
}

// Say completes a wording with the digests of what it shares with others, and keeps
// that. An event feed has no template.
func (w *Wordings) Say(one Wording, shared predicate.Shared, template string) Wording {
	texts := map[string]string{}
	for name, text := range shared {
		texts[name] = text.Written()
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(&b, "%s %q\n", name, texts[name])
	}
	one.Shared = fmt.Sprintf("%016x", xxh3.HashString(b.String()))
	w.Shared[one.Shared] = texts
	if template != "" {
		digest := xxh3.HashString128(template).Bytes()
		one.Text = fmt.Sprintf("%x", digest)
		w.Templates[one.Text] = template
	}
	return one
}

// Publish keeps the wording of what is published of a feed, of which nothing is held
// any more.
func (w *Wordings) Publish(name string, one Wording) {
	w.Conditions[name] = one
	delete(w.Held, name)
}

// Hold keeps the wording of what is held of a feed, beside that of what is
// published, which others have.
func (w *Wordings) Hold(name string, one Wording, others *Wordings) {
	w.Held[name] = one
	if was, found := others.Conditions[name]; found {
		w.Conditions[name] = was
		w.lend(was, others)
	}
}

// Carry keeps of a feed what others have of it.
func (w *Wordings) Carry(name string, others *Wordings) {
	if was, found := others.Conditions[name]; found {
		w.Conditions[name] = was
		w.lend(was, others)
	}
	if held, found := others.Held[name]; found {
		w.Held[name] = held
		w.lend(held, others)
	}
}

// lend keeps what a wording of others refers to.
func (w *Wordings) lend(one Wording, others *Wordings) {
	if shared, found := others.Shared[one.Shared]; found {
		w.Shared[one.Shared] = shared
	}
	if text, found := others.Templates[one.Text]; found {
		w.Templates[one.Text] = text
	}
}

// Decide returns the wordings once something was decided about what is held of a
// feed: approved, it is published.
func (w Wordings) Decide(name string, approved bool) Wordings {
	held, found := w.Held[name]
	if !found {
		return w
	}
	w.Conditions, w.Held = maps.Clone(w.Conditions), maps.Clone(w.Held)
	delete(w.Held, name)
	if approved {
		if w.Conditions == nil {
			w.Conditions = map[string]Wording{}
		}
		w.Conditions[name] = held
	}
	return w
}

// Whole reports whether all of what is known of a feed is kept.
func (w *Wordings) Whole(name string) bool {
	if held, found := w.Held[name]; found {
		return held.Whole
	}
	return w.Conditions[name].Whole
}
