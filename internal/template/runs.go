package template

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
)

// A sharedItem is the item of a renderer that shares. What several of them have
// alike are runs of atoms, kept as one: a tenth of the look-ups of atoms kept each
// on its own, and copies that are worth their while.
type sharedItem struct {
	atoms []atom
	steps []step
}

// item returns the step that renders an item: without sharing until the next
// turn.
func (s *Shared) item(atoms []atom) step {
	i := &sharedItem{atoms: atoms}
	for _, a := range atoms {
		i.steps = append(i.steps, a.render)
	}
	s.items = append(s.items, i)
	return func(p *press) {
		for _, step := range i.steps {
			if step(p); p.err != nil {
				return
			}
		}
	}
}

// link finds the runs, and which runs and atoms several have.
func (s *Shared) link() {
	s.units, s.linked = map[string]*unit{}, len(s.items)
	circles := s.circles()
	runs := make([][][]atom, len(s.items))
	for i, item := range s.items {
		runs[i] = item.runs(circles.with(i))
		for _, run := range runs[i] {
			s.unit(run).users++
		}
	}
	s.count(runs)
	for i, item := range s.items {
		item.steps = s.steps(runs[i])
	}
}

// count counts who renders atoms of longer runs: a run once, if it is kept.
func (s *Shared) count(items [][][]atom) {
	counted := map[*unit]bool{}
	for _, runs := range items {
		for _, run := range runs {
			u := s.unit(run)
			if len(run) == 1 || u.users > 1 && counted[u] {
				continue
			}
			counted[u] = true
			for i := range run {
				s.unit(run[i:i+1]).users++
			}
		}
	}
}

// unit finds or makes the unit of a run.
func (s *Shared) unit(run []atom) *unit {
	var key strings.Builder
	for _, a := range run {
		key.WriteString(a.key)
		key.WriteByte(0)
	}
	u := s.units[key.String()]
	if u == nil {
		u = &unit{}
		s.units[key.String()] = u
	}
	return u
}

func (s *Shared) steps(runs [][]atom) []step {
	var steps []step
	for _, run := range runs {
		if u := s.unit(run); len(run) > 1 && u.users > 1 {
			steps = append(steps, u.step(s, sequence(s.single(run))))
		} else {
			steps = append(steps, s.single(run)...)
		}
	}
	return steps
}

// single are the steps of atoms that are kept each on its own.
func (s *Shared) single(run []atom) []step {
	var steps []step
	for i, a := range run {
		if u := s.unit(run[i : i+1]); a.keeps && u.users > 1 {
			steps = append(steps, u.step(s, a.render))
		} else {
			steps = append(steps, a.render)
		}
	}
	return steps
}

// A circle is items that have pairs of neighbouring atoms alike.
type circle struct {
	items big.Int // bits
	size  int
	pairs int // that these have, and no others
	score int // copies that it saves
}

type pair struct{ first, second string }

// circles are those of the pairs, and by pair the items that have it.
type circles struct {
	of   map[pair]*big.Int
	best []*circle // best first
}

// maxCircles bounds the time that linking takes.
const maxCircles = 64

func (s *Shared) circles() circles {
	fs := circles{of: map[pair]*big.Int{}}
	for i, item := range s.items {
		for p := range item.pairs {
			if fs.of[p] == nil {
				fs.of[p] = new(big.Int)
			}
			fs.of[p].SetBit(fs.of[p], i, 1)
		}
	}
	known := map[string]*circle{}
	for _, items := range fs.of {
		key := string(items.Bytes())
		if known[key] == nil {
			known[key] = newCircle(items)
		}
		known[key].pairs++
	}
	for _, f := range known {
		if f.size > 1 {
			f.score = f.pairs * (f.size - 1)
			fs.best = append(fs.best, f)
		}
	}
	fs.choose()
	return fs
}

// pairs yields pairs of neighbours that others may have.
func (item *sharedItem) pairs(yield func(pair) bool) {
	for i := 1; i < len(item.atoms); i++ {
		p := pair{item.atoms[i-1].key, item.atoms[i].key}
		if p.first != "" && p.second != "" && !yield(p) {
			return
		}
	}
}

func newCircle(items *big.Int) *circle {
	f := &circle{}
	f.items.Set(items)
	for i := range items.BitLen() {
		f.size += int(items.Bit(i))
	}
	return f
}

// choose puts the circles in order, by the pairs that they and others have.
func (fs *circles) choose() {
	slices.SortFunc(fs.best, (*circle).compare)
	fs.best = fs.best[:min(len(fs.best), maxCircles)]
	for _, f := range fs.best {
		f.score = 0
		for _, g := range fs.best {
			if within(&f.items, &g.items) {
				f.score += g.pairs * (f.size - 1)
			}
		}
	}
	slices.SortFunc(fs.best, (*circle).compare)
}

func (f *circle) compare(g *circle) int {
	return cmp.Or(cmp.Compare(g.score, f.score), f.items.Cmp(&g.items))
}

// within reports whether all of a are in b.
func within(a, b *big.Int) bool { return new(big.Int).AndNot(a, b).Sign() == 0 }

// with returns the circles that an item is in.
func (fs circles) with(item int) circles {
	fs.best = slices.DeleteFunc(slices.Clone(fs.best), func(f *circle) bool { return f.items.Bit(item) == 0 })
	return fs
}

// have reports whether all items of a circle have two atoms side by side.
func (fs circles) have(f *circle, first, second atom) bool {
	items := fs.of[pair{first.key, second.key}]
	return items != nil && within(&f.items, items)
}

// runs cuts the item's atoms into runs, those of the best circles first. Atoms
// that are in none are alone.
func (item *sharedItem) runs(fs circles) [][]atom {
	free, ends := make([]bool, len(item.atoms)), make([]int, len(item.atoms))
	for i := range item.atoms {
		free[i], ends[i] = true, i+1
	}
	for _, f := range fs.best {
		for _, s := range item.stretches(fs, f, free) {
			for _, s := range balanced(item.atoms, s) {
				if slices.ContainsFunc(item.atoms[s.from:s.to], func(a atom) bool { return a.keeps }) {
					ends[s.from] = s.to
					for i := s.from; i < s.to; i++ {
						free[i] = false
					}
				}
			}
		}
	}
	var runs [][]atom
	for at := 0; at < len(ends); at = ends[at] {
		runs = append(runs, item.atoms[at:ends[at]])
	}
	return runs
}

// stretches are where all items of a circle have several free atoms one behind
// the other.
func (item *sharedItem) stretches(fs circles, f *circle, free []bool) []stretch {
	var out []stretch
	for from := 0; from < len(item.atoms); {
		to := from + 1
		for to < len(item.atoms) && free[to-1] && free[to] && fs.have(f, item.atoms[to-1], item.atoms[to]) {
			to++
		}
		if to > from+1 {
			out = append(out, stretch{from, to})
		}
		from = to
	}
	return out
}
