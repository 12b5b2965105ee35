package serve

import "errors"

var errBusy = errors.New("too many downloads at once")

// A ticket is the place of a download among those that there may be at once.
type ticket struct {
	limiter chan struct{}
	held    bool
	refused bool
}

// take takes the place, or says that there is none.
func (t *ticket) take() error {
	select {
	case t.limiter <- struct{}{}:
		t.held = true
		return nil
	default:
		t.refused = true
		return errBusy
	}
}

// giveBack gives the place to others, if it was taken. It is called once.
func (t *ticket) giveBack() {
	if t.held {
		<-t.limiter
	}
}
