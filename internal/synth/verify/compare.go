package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// An item is what is compared of an offer.
type item struct{ price, title string }

// shown is how many differences are printed.
const shown = 20

// compare lists the differences of two feeds, by id.
func compare(want, got map[string]item) error {
	all := maps.Clone(want)
	maps.Copy(all, got)
	var differences []error
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if err := differ(want, got, id); err != nil {
			differences = append(differences, err)
		}
	}
	if len(differences) > shown {
		more := fmt.Errorf("and %d more", len(differences)-shown)
		differences = append(differences[:shown], more)
	}
	return errors.Join(differences...)
}

func differ(want, got map[string]item, id string) error {
	w, wanted := want[id]
	g, there := got[id]
	switch {
	case !there:
		return fmt.Errorf("%s is missing: %q", id, w)
	case !wanted:
		return fmt.Errorf("%s should not be there: %q", id, g)
	case w != g:
		return fmt.Errorf("%s is %q, should be %q", id, g, w)
	}
	return nil
}
