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
package synth

import (
	"fmt"
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
type Market struct{}

// An Offer is the values of the log's columns, by name: string, int64, float64,
// bool, time.Time (UTC; dates at midnight), []any, map[string]any, nil; decimals
// are their exact text, such as "12.30".
type Offer map[string]any
