package synth

import "slices"

const (
	slotsPerDay = 4 // deliveries of the log
	dayMicros   = 24 * 60 * 60 * 1_000_000
	slotMicros  = dayMicros / slotsPerDay
)

// A state is which revision of each of its parts an offer has.
type state struct {
	born               int64 // microseconds since day 0, of the last insert
	price, stock, text int
	op                 uint8 // of the row that brought the state
}

// The operations of the log, as codes of the column op.
const (
	inserted uint8 = iota
	updated
	deleted
)

// A moment is one row of the log: the state of an offer from a time on, and the
// delivery it arrives in. Of two moments of one time the later delivery holds.
type moment struct {
	at   int64 // microseconds since day 0
	slot int   // day * slotsPerDay + delivery of the day
	state
}

// life appends everything that happens to the i-th offer up to the end of a
// day, in order of time. Arrivals may be as late as the end of the second day after.
func (m *Market) life(dst []moment, i, day int) []moment {
	first := m.firstDay(i)
	if first > day {
		return dst
	}
	w := biography{moments: dst}
	for d := first; d <= day; d++ {
		w.dice = m.dice(aboutLife, i, d)
		if d == first {
			w.birth(d)
		} else if w.dice.share(140) {
			w.changes(d, 1+w.dice.pick(85, 15), 0)
		}
	}
	return w.moments
}

// firstDay returns the day the i-th offer is inserted on.
func (m *Market) firstDay(i int) int {
	if i < m.offers {
		return 0
	}
	return 1 + (i-m.offers)/m.daily
}

// Indexes returns how many offers were ever inserted up to the end of a day:
// Offer has something to say about 0 to Indexes-1.
func (m *Market) Indexes(day int) int { return m.offers + day*m.daily }

type biography struct {
	moments []moment
	dice    dice
	now     state
}

// birth is an insert; on day 0 it stands in the first delivery and about two
// changes follow in the others.
func (w *biography) birth(day int) {
	at := int64(day) * dayMicros
	if day > 0 {
		at += int64(w.dice.below(dayMicros))
		w.now = state{born: at}
		w.happen(at)
		return
	}
	at += int64(w.dice.below(slotMicros))
	w.now = state{born: at}
	w.happen(at)
	w.changes(day, w.dice.pick(9, 24, 36, 21, 10), slotMicros)
}

// changes lets so many things happen on a day, not before an hour of it.
func (w *biography) changes(day, count int, from int64) {
	var times [4]int64
	for i := range times[:count] {
		times[i] = int64(day)*dayMicros + from + int64(w.dice.below(int(dayMicros-from)))
	}
	slices.Sort(times[:count])
	for i, at := range times[:count] {
		if i > 0 && at == times[i-1] {
			continue
		}
		if w.change(at) {
			w.happen(at)
		}
	}
}

// change is a deletion, an insert of what was deleted, or new values; of the
// deleted offers half stay deleted.
func (w *biography) change(at int64) bool {
	if w.now.op == deleted {
		if w.dice.share(500) {
			return false
		}
		w.now = state{born: at, price: w.now.price + 1, stock: w.now.stock + 1, text: w.now.text + 1}
		return true
	}
	w.now.op = updated
	switch w.dice.pick(4, 8, 38, 40, 10) {
	case 0:
		w.now.op = deleted
	case 1:
		w.now.text++
	case 2:
		w.now.price++
	case 3:
		w.now.stock++
	default:
		w.now.price++
		w.now.stock++
	}
	return true
}

// happen records the present state: 3 % arrive late, 1 % twice, and of 0.5 % the
// price is corrected without a new time.
func (w *biography) happen(at int64) {
	slot := int(at / slotMicros)
	if w.dice.share(30) {
		slot += w.dice.between(1, slotsPerDay)
	}
	w.moments = append(w.moments, moment{at: at, slot: slot, state: w.now})
	if w.now.op == deleted {
		return
	}
	switch again := w.dice.below(1000); {
	case again < 5:
		w.now.price++
		w.moments = append(w.moments, moment{at: at, slot: slot + 1, state: w.now})
	case again < 15:
		w.moments = append(w.moments, moment{at: at, slot: slot + w.dice.between(1, 3), state: w.now})
	}
}

// last returns the moment that holds at the end of a day, by what was delivered
// until then.
func last(life []moment, day int) (moment, bool) {
	best := -1
	for i, m := range life {
		if m.slot >= (day+1)*slotsPerDay {
			continue
		}
		if best < 0 || m.at > life[best].at || m.at == life[best].at && m.slot > life[best].slot {
			best = i
		}
	}
	if best < 0 {
		return moment{}, false
	}
	return life[best], true
}
