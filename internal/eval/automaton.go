package eval

import (
	"encoding/binary"
	"regexp"
	"regexp/syntax"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"
)

// Bounds of an automaton: states, and stretches of runes beyond ASCII that a
// pattern tells apart. What needs more is left to package regexp.
const (
	maxStates  = 256
	maxClasses = 64
)

// rowShift is the length of a state's row, as a power of two: a class for each rune
// of ASCII, for each stretch beyond, and for the end of the text.
const rowShift = 8

// States of every automaton; 0 is what a table does not know yet.
const (
	matchedState int32 = 1 + iota
	endState           // the text has ended without a match
	startState
)

// An automaton says whether a pattern matches a text, as package regexp does, with
// one look into a table for each rune. The table is filled as texts need it, by
// the program that regexp runs. It is for one goroutine.
type automaton struct {
	re     *regexp.Regexp
	prog   *syntax.Prog
	bounds []rune  // where runes beyond ASCII begin to be told apart, sorted
	end    int     // the class of the end
	next   []int32 // by state, a row each, and class of rune
	states []reached
	ids    map[string]int32
}

// A reached is a state: where in the program a match may be, and what rune was
// before, as far as it matters.
type reached struct {
	at     []uint32
	before rune
}

func newAutomaton(pattern string) *automaton {
	a := &automaton{re: regexp.MustCompile(pattern), ids: map[string]int32{}}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return a
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return a
	}
	a.findBounds(prog)
	if len(a.bounds) > maxClasses {
		return a
	}
	a.prog, a.end = prog, utf8.RuneSelf+len(a.bounds)+1
	a.states = make([]reached, startState)
	a.next = make([]int32, startState<<rowShift)
	a.state(nil, -1)
	return a
}

func (a *automaton) findBounds(prog *syntax.Prog) {
	for i := range prog.Inst {
		in := &prog.Inst[i]
		switch in.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		default:
			continue
		}
		for k, r := range in.Rune {
			if len(in.Rune) > 1 {
				a.bound(r + rune(k&1)) // pairs: from, to
				continue
			}
			a.bound(r)
			a.bound(r + 1)
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				a.bound(f)
				a.bound(f + 1)
			}
		}
	}
	slices.Sort(a.bounds)
	a.bounds = slices.Compact(a.bounds)
}

func (a *automaton) bound(r rune) {
	if r > utf8.RuneSelf && r <= unicode.MaxRune {
		a.bounds = append(a.bounds, r)
	}
}

// matches reports whether the pattern matches a text.
func (a *automaton) matches(text string) bool {
	if a.prog == nil {
		return a.re.MatchString(text)
	}
	s := startState
	for i := a.stays(s, text, 0); i < len(text); {
		r, size := rune(text[i]), 1
		class := int(r)
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
			class = utf8.RuneSelf + sort.Search(len(a.bounds), func(k int) bool { return a.bounds[k] > r })
		}
		next := a.next[int(s)<<rowShift|class]
		if next >= startState {
			if i += size; next == s {
				i = a.stays(s, text, i)
			}
			s = next
			continue
		}
		if next == 0 {
			next = a.step(s, r, class)
		}
		switch next {
		case 0:
			return a.re.MatchString(text)
		case matchedState:
			return true
		}
		s, i = next, i+size
	}
	next := a.next[int(s)<<rowShift|a.end]
	if next == 0 {
		next = a.step(s, -1, a.end)
	}
	return next == matchedState
}

// stays returns where the bytes of a text from one on end that are all ASCII and
// leave the automaton in the same state. To look for that is faster than to go from
// state to state, where each look waits for the one before.
func (a *automaton) stays(s int32, text string, from int) int {
	row := (*[1 << rowShift]int32)(a.next[int(s)<<rowShift:])
	for from < len(text) && text[from] < utf8.RuneSelf && row[text[from]] == s {
		from++
	}
	return from
}

// step works out the state after a rune, or the end, and writes it down; 0 when
// there are too many.
func (a *automaton) step(from int32, r rune, class int) int32 {
	to := endState
	if at, matched := a.follow(a.states[from], r); matched {
		to = matchedState
	} else if r >= 0 {
		if to = a.state(at, r); to == 0 {
			return 0
		}
	}
	a.next[int(from)<<rowShift|class] = to
	return to
}

// follow returns where in the program a match may be after a rune, or that there
// is one before it.
func (a *automaton) follow(s reached, r rune) (at []uint32, matched bool) {
	flags := syntax.EmptyOpContext(s.before, r)
	a.walk(s.at, func(in *syntax.Inst) bool {
		switch in.Op {
		case syntax.InstMatch:
			matched = true
		case syntax.InstEmptyWidth:
			return syntax.EmptyOp(in.Arg)&^flags == 0
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if r >= 0 && in.MatchRune(r) {
				at = append(at, in.Out)
			}
		}
		return false
	})
	return at, matched
}

// looksBack reports whether what comes next depends on the rune before.
func (a *automaton) looksBack(at []uint32) (looks bool) {
	a.walk(at, func(in *syntax.Inst) bool {
		looks = looks || in.Op == syntax.InstEmptyWidth
		return false
	})
	return looks
}

// walk goes through the program from some places and the start, as far as no rune is
// needed. Instructions that do more than lead on are given to do, which says whether
// to go on behind them.
func (a *automaton) walk(at []uint32, do func(in *syntax.Inst) bool) {
	seen := make([]bool, len(a.prog.Inst))
	for open := append(slices.Clone(at), uint32(a.prog.Start)); len(open) > 0; {
		pc := open[len(open)-1]
		open = open[:len(open)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &a.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			open = append(open, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			open = append(open, in.Out)
		default:
			if do(in) {
				open = append(open, in.Out)
			}
		}
	}
}

// state returns the number of a state, 0 when there are too many.
func (a *automaton) state(at []uint32, before rune) int32 {
	switch {
	case !a.looksBack(at):
		before = ' '
	case before < 0 || before == '\n':
	case syntax.IsWordChar(before):
		before = 'a'
	default:
		before = ' '
	}
	slices.Sort(at)
	at = slices.Compact(at)
	key := binary.AppendVarint(nil, int64(before))
	for _, pc := range at {
		key = binary.AppendUvarint(key, uint64(pc))
	}
	if id, ok := a.ids[string(key)]; ok {
		return id
	}
	if len(a.states) == maxStates {
		return 0
	}
	id := int32(len(a.states))
	a.states, a.ids[string(key)] = append(a.states, reached{at, before}), id
	a.next = append(a.next, make([]int32, 1<<rowShift)...)
	return id
}
