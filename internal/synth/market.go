// Package synth makes a marketplace of any size with its sources: offers as a
// log of deliveries, sellers, categories, statistics and campaigns.
//
// Its promise: everything follows from Options.Seed and Options.Offers alone, so
// that the same options give the same bytes whatever the number of workers, and
// a later call with more days adds objects without touching those that exist.
//
// The objects, below one prefix of a store:
//
//	_synth.json                                   the options, so that two markets are never mixed
//	offers/2026-01-01/06/part-0000.parquet        the log: four deliveries a day, named by day and hour; _SUCCESS is written last
//	statistics/2026-01-01/part-0000.parquet       one row per offer with traffic, a whole dump a day; _SUCCESS is written last
//	sellers/sellers_2026-01-01.csv.gz             a whole dump a day: semicolons, decimal commas
//	campaigns/campaigns_2026-01-01.json           a whole dump a day: an array inside an object
//	categories/categories.jsonl.gz                once
//
// An offer has three rows in the log of its first day; two processors write some
// 120,000 offers a second with all their sources. About 15 % of the offers change
// on each later day.
package synth

import (
	"fmt"
	"runtime"
	"time"
)

// Options say which market to make.
type Options struct {
	Offers  int       // in the catalogue of day 0, at least 1; later days add about 1 % each
	Seed    uint64    // another seed is another market
	From    int       // the first day to write
	Days    int       // days that exist: From to Days-1 are written
	Start   time.Time // day 0, cut to a day of UTC; zero: 2026-01-01
	Workers int       // files written side by side; below 1: as many as processors
}

func (o Options) check() error {
	switch {
	case o.Offers < 1:
		return fmt.Errorf("offers %d: at least 1 is needed", o.Offers)
	case o.From < 0 || o.Days < 1 || o.From >= o.Days:
		return fmt.Errorf("days %d to %d: there is none", o.From, o.Days-1)
	case o.Days > maxDays:
		return fmt.Errorf("days %d: at most %d", o.Days, maxDays)
	}
	return nil
}

const maxDays = 3650

// A Market is the truth about a generated marketplace. It is immutable and safe
// for concurrent use.
type Market struct {
	seed     uint64
	start    time.Time
	offers   int // of day 0
	daily    int // new ones of every later day
	products int
	sellers  int // of day 0

	languages  [len(languages)]*language
	categories []category
	brands     []string

	values                                                []string            // of properties
	colorValues, materialValues                           [len(languages)]int // where a language's begin in values
	sizeValues, warrantyValues, originValues, classValues int
}

// New returns the market of o; its From and Days do not matter.
func New(o Options) (*Market, error) {
	if o.Offers < 1 {
		return nil, fmt.Errorf("offers %d: at least 1 is needed", o.Offers)
	}
	o = o.complete()
	m := &Market{
		seed: o.Seed, start: o.Start, offers: o.Offers, daily: max(1, o.Offers/100),
		products: max(1, o.Offers*2/5), sellers: max(20, o.Offers/500), categories: readCategories(),
	}
	for i, code := range languages {
		m.languages[i] = readLanguage(code)
	}
	m.brands = m.readBrands()
	m.gatherValues()
	return m, nil
}

func (o Options) complete() Options {
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	o.Start = o.Start.UTC().Truncate(24 * time.Hour)
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

func (m *Market) gatherValues() {
	add := func(list []string) int {
		at := len(m.values)
		m.values = append(m.values, list...)
		return at
	}
	for i, l := range m.languages {
		m.colorValues[i], m.materialValues[i] = add(l.colors), add(l.materials)
	}
	m.sizeValues, m.warrantyValues, m.originValues, m.classValues = add(sizes), add(warranties), add(origins), add(classes)
}

// time returns the instant so many microseconds after the beginning of day 0.
func (m *Market) time(micros int64) time.Time {
	return m.start.Add(time.Duration(micros) * time.Microsecond)
}
