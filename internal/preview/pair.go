package preview

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/feed"
	"github.com/feedmill/feedmill/internal/predicate"
	"github.com/feedmill/feedmill/internal/template"
	"github.com/feedmill/feedmill/internal/workspace"
)

// A pair is a feed before and now.
type pair struct {
	*Edit
	was, is  *side     // nil: there is none
	contrast *contrast // nil: nothing is rendered
}

// A side is a definition of a feed at a time.
type side struct {
	where    *predicate.Expr
	wording  feed.Wording
	rest     *feed.Feed         // all but the condition; nil: unknown, or not looked at
	template *template.Template // nil: of an event feed
	shared   predicate.Shared
	set      string // which shared expressions of before these are; "": those of now

	number  int // of the predicate; -1: it is not decided
	legs    []leg
	choice  *choose.Choice // nil: it takes all
	contest *Contest       // of the choice
}

// A leg is a condition that has to be true.
type leg struct {
	label  string
	number int
}

// feeds pairs the feeds that are enabled, or published.
func (c *comparison) feeds(past *Past) {
	now, said := map[string]*side{}, feed.NewWordings()
	for _, f := range c.Workspace.Feeds {
		if f.Enabled {
			t := c.Workspace.Templates[f.Template]
			now[f.Name] = &side{where: f.Where, wording: said.Say(f.Wording(), c.Workspace.Shared, t.Text()), rest: f, template: t}
		}
	}
	c.pair("feed", now, past)
}

func (c *comparison) events(past *Past) {
	now, said := map[string]*side{}, feed.NewWordings()
	for _, f := range c.Workspace.Events {
		if f.Enabled {
			now[f.Name] = &side{where: f.Where, wording: said.Say(f.Wording(), c.Workspace.Shared, ""), rest: &feed.Feed{Name: f.Name, Fields: f.Fields, Choose: f.Choose}}
		}
	}
	c.pair("events", now, past)
}

func (c *comparison) pair(kind string, now map[string]*side, past *Past) {
	former := c.Workspace.Former(&past.Wordings)
	names := maps.Clone(past.Published)
	if names == nil {
		names = map[string]bool{}
	}
	for name := range now {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		p := &pair{Edit: &Edit{Feed: name, Kind: kind, Held: past.Held[name]}, is: now[name]}
		if p.is != nil {
			p.is.number, p.is.shared = -1, c.Workspace.Shared
		}
		if past.Published[name] {
			p.before(past.Wordings.Conditions, former)
		}
		c.judge(p)
		c.pairs = append(c.pairs, p)
	}
}

// before compiles the definition of before; what does not fit the columns of today
// cannot be compared.
func (p *pair) before(words map[string]feed.Wording, former *workspace.Former) {
	w, found := words[p.Feed]
	if !found {
		p.State, p.Reason = Unknown, "it was published without its condition: "+p.cure()
		return
	}
	if p.is != nil && w.Whole && w.Equal(p.is.wording) {
		p.State = Same // nothing has to be compiled for it
		return
	}
	x, err := former.Where(w)
	if err != nil {
		p.State, p.Reason = Unknown, err.Error()
		return
	}
	p.was = &side{where: x, wording: w, shared: former.Shared(w.Shared), set: w.Shared, number: -1}
	if !w.Whole {
		p.Reason = "it was published without its template, fields, params and choice: " + p.cure()
	} else if p.was.rest, p.was.template, err = former.Rest(p.Feed, w); err != nil {
		p.was.rest, p.Reason = nil, err.Error()
	}
}

func (p *pair) cure() string {
	if p.Kind == "events" {
		return "run feedmill diff once"
	}
	return "run feedmill generate once"
}

// judge finds what was edited, and what has to be looked at for it.
func (c *comparison) judge(p *pair) {
	switch {
	case p.State == Unknown || p.State == Same:
		return
	case p.was == nil:
		p.State = New
	case p.is == nil && p.Kind == "events":
		p.State, p.Reason = Removed, "its destinations keep what they have, and nothing is sent to them"
		return
	case p.is == nil:
		p.State = Removed
	default:
		p.compare()
	}
	if p.State == Same || p.State == Unknown {
		return
	}
	if p.was != nil && p.was.rest == nil && p.is != nil {
		p.is.rest, p.is.template = nil, nil // the conditions alone are compared
	}
	for _, s := range []*side{p.is, p.was} {
		if s != nil {
			c.decide(p, s)
		}
	}
	if p.was != nil && p.is != nil && p.was.rest != nil {
		c.contrast(p)
	}
}

// compare finds what of the definition differs.
func (p *pair) compare() {
	e, was, is := p.Edit, p.was, p.is
	e.Edited = edits(was, is)
	switch {
	case len(e.Edited) > 0:
		e.State = Edited
		if slices.Contains(e.Edited, destinations) {
			e.Reason = "while " + was.wording.To + " have offers of it, nothing is sent to " + is.wording.To
		}
	case e.Reason != "":
		e.State = Unknown
	default:
		e.State = Same
	}
}

// destinations is the edit of whom an event feed is for.
const destinations = "destinations"

func edits(was, is *side) []string {
	var out []string
	if was.where.Text() != is.where.Text() {
		out = append(out, "where")
	}
	for _, name := range usedBy(was, is) {
		if was.shared[name].Written() != is.shared[name].Written() {
			out = append(out, "shared."+name)
		}
	}
	if was.rest == nil {
		return out
	}
	out = append(out, differing("field ", was.wording.Fields, is.wording.Fields)...)
	out = append(out, differing("param ", was.wording.Params, is.wording.Params)...)
	if was.wording.Template != is.wording.Template {
		out = append(out, "template")
	}
	if was.template != nil && is.template != nil {
		for _, block := range is.template.Differences(was.template) {
			out = append(out, "template "+block)
		}
	}
	if was.wording.Choose.String() != is.wording.Choose.String() {
		out = append(out, "choose")
	}
	if was.wording.To != "" && was.wording.To != is.wording.To {
		out = append(out, destinations)
	}
	return out
}

// differing names what differs in two maps of texts.
func differing(what string, was, is map[string]string) []string {
	var out []string
	all := maps.Clone(is)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, was)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		before, there := was[name]
		now, here := is[name]
		if there != here || before != now {
			out = append(out, what+name)
		}
	}
	return out
}

// usedBy returns the shared expressions that two sides use.
func usedBy(sides ...*side) []string {
	used := map[string]bool{}
	for _, s := range sides {
		texts := []string{s.where.Text()}
		if s.rest != nil {
			for _, x := range expressions(s.rest) {
				texts = append(texts, x.Text())
			}
		}
		for _, text := range texts {
			uses(used, text, s.shared)
		}
	}
	return slices.Sorted(maps.Keys(used))
}

// expressions are those of a feed but for its condition.
func expressions(f *feed.Feed) []*predicate.Expr {
	out := f.Choose.Expressions()
	for _, field := range f.Fields {
		out = append(out, field.Value)
	}
	return out
}

var use = regexp.MustCompile(`\bshared\s*\.\s*(\w+)`)

// uses adds the shared expressions that a text uses, however they are nested.
func uses(found map[string]bool, text string, shared predicate.Shared) {
	for _, m := range use.FindAllStringSubmatch(text, -1) {
		if !found[m[1]] {
			found[m[1]] = true
			uses(found, shared[m[1]].Value, shared)
		}
	}
}

// meaning is equal for expressions that say the same: their text, with those of the
// shared expressions that they use.
func meaning(x *predicate.Expr, shared predicate.Shared) string {
	used := map[string]bool{}
	uses(used, x.Text(), shared)
	var b strings.Builder
	fmt.Fprintf(&b, "%q", x.Text())
	for _, name := range slices.Sorted(maps.Keys(used)) {
		fmt.Fprintf(&b, " %s %q", name, shared[name].Value)
	}
	return b.String()
}

// decide adds what decides which offers a side takes.
func (c *comparison) decide(p *pair, s *side) {
	s.number = c.number(s.where, s.shared)
	if p.was != nil && p.is != nil && meaning(p.was.where, p.was.shared) != meaning(p.is.where, p.is.shared) {
		s.legs = c.legs(s)
	}
	if s.rest == nil || s.rest.Choose == nil {
		return
	}
	if p.is != nil && s == p.was && p.is.choice != nil && competition(s) == competition(p.is) {
		s.choice, s.contest = p.is.choice, p.is.contest
		return
	}
	if c.contests[s.set] == nil {
		c.contests[s.set] = NewContest(c.Search, fmt.Sprintf("%d", len(c.contests)))
	}
	s.contest = c.contests[s.set]
	s.choice = s.contest.Add(s.rest.Choose, s.where)
}

// competition is equal for sides whose choices are the same.
func competition(s *side) string {
	text := fmt.Sprint(s.wording.Choose.Take, " ", meaning(s.where, s.shared))
	for _, x := range s.rest.Choose.Expressions() {
		text += " " + meaning(x, s.shared)
	}
	for _, o := range s.rest.Choose.By {
		text += fmt.Sprint(" ", o.Desc)
	}
	return fmt.Sprint(text, s.rest.Choose.Per == nil)
}

func (c *comparison) legs(s *side) []leg {
	var out []leg
	for _, l := range s.where.Legs().Conjuncts() {
		label := l.Text()
		if l.Shared != "" {
			label = "shared." + l.Shared
		}
		out = append(out, leg{label, c.number(l.Expr, s.shared)})
	}
	return out
}
