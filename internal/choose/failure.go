package choose

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/feedmill/feedmill/internal/section"
	"github.com/feedmill/feedmill/internal/storage"
)

// A Failure is a key of a choice that could not be computed for some offers, for
// another reason than null. It counts as null.
type Failure struct {
	Key    string `json:"key"`    // as "choose by offer.price / offer.size asc"
	Offers int64  `json:"offers"` // that compete
	Offer  string `json:"offer"`  // one of them
	Reason string `json:"reason"` // of this one
}

// Failures returns what the candidates' tasks could not compute, by the numbers of
// choices.
func (j *Job) Failures(ctx context.Context) ([][]Failure, error) {
	if j.Plan.Empty() {
		return nil, nil
	}
	out := make([][]Failure, len(j.Plan.choices))
	all := make([][][]Failure, j.Partitions)
	err := storage.Each(ctx, j.Partitions, func(ctx context.Context, partition int) (err error) {
		all[partition], err = j.failures(ctx, partition)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, failures := range all {
		for i, of := range failures {
			for _, f := range of {
				out[i] = count(out[i], f)
			}
		}
	}
	return out, nil
}

// failures returns those of a task, by the numbers of choices.
func (j *Job) failures(ctx context.Context, partition int) ([][]Failure, error) {
	n, name := j.candidateSections(), j.Candidates(partition)
	data, err := section.Read(ctx, j.Store, name, n, n-1, n)
	if err != nil {
		return nil, err
	}
	var out [][]Failure
	if err := json.Unmarshal(data[0], &out); err != nil {
		return nil, fmt.Errorf("decode the failures of %s: %w", name, err)
	}
	if len(out) != len(j.Plan.choices) {
		return nil, fmt.Errorf("%s has failures of %d choices, not of %d", name, len(out), len(j.Plan.choices))
	}
	return out, nil
}

// count adds a failure to those of a choice.
func count(failures []Failure, f Failure) []Failure {
	at := slices.IndexFunc(failures, func(other Failure) bool { return other.Key == f.Key })
	if at < 0 {
		return append(failures, f)
	}
	failures[at].Offers += f.Offers
	return failures
}

// nameOf is a key, by its number, as people write it.
func (r *ranking) nameOf(key int) string {
	if r.per != nil {
		if key == 0 {
			return "choose per " + r.per.Text()
		}
		key--
	}
	if o := r.by[key]; o.Desc {
		return "choose by " + o.Value.Text() + " desc"
	}
	return "choose by " + r.by[key].Value.Text() + " asc"
}
