package preview

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/feedmill/feedmill/internal/bitmap"
	"github.com/feedmill/feedmill/internal/choose"
	"github.com/feedmill/feedmill/internal/eval"
)

// A pass is one partition gone through for all pairs.
type pass struct {
	*comparison
	won     map[*Contest][]choose.Rows
	shows   map[*contrast]*show
	tallies []*tally // by pair
}

func (c *comparison) pass(ctx context.Context, partition int, program *eval.Program, columns []string) (*pass, error) {
	p := &pass{comparison: c, won: map[*Contest][]choose.Rows{}, shows: map[*contrast]*show{}}
	for _, t := range c.contests {
		var err error
		if p.won[t], err = t.Won(ctx, partition); err != nil {
			return nil, err
		}
	}
	for range c.pairs {
		p.tallies = append(p.tallies, newTally())
	}
	return p, c.Snapshot.Each(ctx, partition, columns, func(batch arrow.RecordBatch, first int64) error {
		return p.batch(batch, first, program.Run(batch, c.At))
	})
}

// A turn is the rows of a batch of a pair.
type turn struct {
	pair               *pair
	tally              *tally
	was, is            bitmap.Bitmap // that it takes
	stay, lost, gained bitmap.Bitmap
}

func (p *pass) batch(batch arrow.RecordBatch, first int64, r *eval.Result) error {
	ids := batch.Column(0).(*array.String)
	var order []*contrast
	together := map[*contrast][]*turn{}
	for k, pair := range p.pairs {
		if !pair.decided() {
			continue
		}
		t := p.turn(pair, p.tallies[k], first, r, ids.Len())
		if pair.contrast == nil {
			t.count(r, ids, nil)
			continue
		}
		if together[pair.contrast] == nil {
			order = append(order, pair.contrast)
		}
		together[pair.contrast] = append(together[pair.contrast], t)
	}
	for _, c := range order {
		seen, err := p.look(c, batch, together[c])
		if err != nil {
			return fmt.Errorf("render feed %s: %w", together[c][0].pair.Feed, err)
		}
		for _, t := range together[c] {
			t.count(r, ids, seen)
		}
	}
	return nil
}

func (p *pair) decided() bool {
	return p.is != nil && p.is.number >= 0 || p.was != nil && p.was.number >= 0
}

// look shows the rows of all turns of a contrast, each once.
func (p *pass) look(c *contrast, batch arrow.RecordBatch, turns []*turn) (*seen, error) {
	if p.shows[c] == nil {
		p.shows[c] = c.show(p.At)
	}
	n := int(batch.NumRows())
	stay, lost, gained := bitmap.New(n), bitmap.New(n), bitmap.New(n)
	for _, t := range turns {
		stay.Or(t.stay)
		lost.Or(t.lost)
		gained.Or(t.gained)
	}
	return p.shows[c].look(batch, stay, lost, gained)
}

// turn finds the rows that a pair takes before and now.
func (p *pass) turn(of *pair, tally *tally, first int64, r *eval.Result, n int) *turn {
	t := &turn{pair: of, tally: tally, was: p.taken(of.was, first, r, n), is: p.taken(of.is, first, r, n)}
	t.gained, t.lost, t.stay = t.is.Clone(), t.was.Clone(), t.is.Clone()
	t.gained.AndNot(t.was)
	t.lost.AndNot(t.is)
	t.stay.And(t.was)
	return t
}

func (p *pass) taken(s *side, first int64, r *eval.Result, n int) bitmap.Bitmap {
	switch {
	case s == nil || s.number < 0:
		return bitmap.New(n)
	case s.choice == nil:
		return r.Selected[s.number]
	default:
		return p.won[s.contest][s.choice.Number].Of(r.Selected[s.number], first)
	}
}

// count counts the rows; seen is nil where nothing was rendered.
func (t *turn) count(r *eval.Result, ids *array.String, seen *seen) {
	before, now := t.was.Count(), t.is.Count()
	gained, lost, changed := t.gained, t.lost, bitmap.New(ids.Len())
	if seen != nil {
		leftOut := t.leftOut(seen)
		before -= leftOut[0].Count()
		now -= leftOut[1].Count()
		gained, lost = t.obey(seen, leftOut)
		changed = t.look(seen)
	}
	c := t.tally
	c.before, c.now = c.before+int64(before), c.now+int64(now)
	c.gained, c.lost, c.changed = c.gained+int64(gained.Count()), c.lost+int64(lost.Count()), c.changed+int64(changed.Count())
	c.gainedE, c.lostE, c.changedE = some(c.gainedE, ids, gained), some(c.lostE, ids, lost), some(c.changedE, ids, changed)
	if t.pair.is == nil || t.pair.was == nil {
		return
	}
	t.explain(t.pair.is, both(lost, t.lost), loses, r)
	t.explain(t.pair.was, both(gained, t.gained), keptOut, r)
}

// leftOut returns the rows that the rules leave out of what the pair took before and
// takes now. What another pair had rendered on one side only says nothing of a row
// that stays here.
func (t *turn) leftOut(seen *seen) [2]bitmap.Bitmap {
	var out [2]bitmap.Bitmap
	for i, alone := range []bitmap.Bitmap{t.lost, t.gained} {
		out[i] = both(t.stay, seen.shown)
		out[i].Or(alone)
		out[i].And(seen.leftOut[i])
	}
	return out
}

// obey returns the rows that are gained and lost when the rules of the template are
// obeyed, and counts what they do.
func (t *turn) obey(seen *seen, leftOut [2]bitmap.Bitmap) (gained, lost bitmap.Bitmap) {
	in, out := both(t.stay, leftOut[0]), both(t.stay, leftOut[1]) // by the rules alone
	in.AndNot(leftOut[1])
	out.AndNot(leftOut[0])
	t.rules(in, seen.left[0], keptOut)
	t.rules(out, seen.left[1], loses)
	t.rules(both(t.gained, leftOut[1]), seen.left[1], leavesOut)
	gained, lost = t.gained.Clone(), t.lost.Clone()
	gained.AndNot(leftOut[1])
	gained.Or(in)
	lost.AndNot(leftOut[0])
	lost.Or(out)
	return gained, lost
}

func (t *turn) rules(rows bitmap.Bitmap, rules map[int]string, effect string) {
	for row := range rows.All() {
		t.tally.add(ruleLabel(rules[row]), effect, 1)
	}
}

// look returns the rows that stay and look otherwise, and counts why.
func (t *turn) look(seen *seen) bitmap.Bitmap {
	changed := both(t.stay, seen.changed)
	n := changed.Count()
	if n == 0 {
		return changed
	}
	for _, what := range t.pair.contrast.item {
		t.tally.add(what, changes, n)
	}
	for name, rows := range seen.fields {
		t.tally.add("field "+name, changes, both(changed, rows).Count())
	}
	return changed
}

// explain counts by which conditions of a side rows are not in it.
func (t *turn) explain(s *side, rows bitmap.Bitmap, effect string, r *eval.Result) {
	if rows.Empty() {
		return
	}
	for _, l := range s.legs {
		out := rows.Clone()
		out.AndNot(r.Selected[l.number])
		t.tally.add(l.label, effect, out.Count())
	}
	if s.choice != nil {
		t.tally.add("choose", effect, both(rows, r.Selected[s.number]).Count())
	}
}

func both(a, b bitmap.Bitmap) bitmap.Bitmap {
	out := a.Clone()
	out.And(b)
	return out
}

// some names rows, as long as there is room for samples.
func some(dst []string, ids *array.String, rows bitmap.Bitmap) []string {
	if len(dst) == Samples {
		return dst
	}
	for row := range rows.All() {
		if len(dst) == Samples {
			break
		}
		dst = append(dst, strings.Clone(ids.Value(row)))
	}
	return dst
}
