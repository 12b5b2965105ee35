package predicate

import (
	"sync"
	"testing"

	"github.com/feedmill/feedmill/internal/diag"
)

// TestConcurrentUse shares an environment, its expressions and a batch among
// goroutines; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	env := OfferEnv(offers(t), OfferOptions{Shared: Shared{"hot": diag.Plain(`offer.tags.exists(t, t == "hot")`)}})
	other := OfferEnv(offers(t), OfferOptions{})
	full, empty := offerVars(t)
	x, y := mustPredicate(t, env, `shared.hot && offer.price > 3`), mustValue(t, other, `offer.prices.map(p, p.gross + 1.0)`)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 200 {
				a, b := *full, *empty
				if outcome, err := x.Decide(&a); outcome != True {
					t.Errorf("%v %v", outcome, err)
				}
				if outcome, err := x.Decide(&b); outcome != False {
					t.Errorf("%v %v", outcome, err)
				}
				if v, err := y.Eval(&a); v != nil || err != nil {
					t.Errorf("%v %v", v, err)
				}
			}
			if z, mistakes := env.Predicate(diag.Plain(`shared.hot || offer.flag`)); z == nil {
				t.Error(mistakes)
			}
		})
	}
	group.Wait()
}
