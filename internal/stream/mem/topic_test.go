package mem_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/stream"
	"github.com/feedmill/feedmill/internal/stream/mem"
	"github.com/feedmill/feedmill/internal/stream/streamtest"
)

func TestTopic(t *testing.T) {
	t.Parallel()
	streamtest.Run(t, func(*testing.T) streamtest.Topic {
		topic := mem.New(3)
		return streamtest.Topic{
			Producer: func(*testing.T) stream.Producer { return topic.Producer() },
			Consumer: func(_ *testing.T, group string) stream.Consumer { return topic.Consumer(group) },
		}
	})
}

func TestFailAfter(t *testing.T) {
	t.Parallel()
	first, second := errors.New("first"), errors.New("second")
	topic := mem.New(1)
	topic.FailAfter(2, first)
	topic.FailAfter(0, second)
	records := []stream.Record{{Key: []byte("a")}, {Key: []byte("b")}, {Key: []byte("c")}}
	var got []error
	for range 3 {
		got = append(got, topic.Producer().Send(t.Context(), records))
	}
	if got[0] != first || got[1] != second || got[2] != nil {
		t.Errorf("errors %v", got)
	}
	var keys string
	for _, r := range topic.Records() {
		keys += string(r.Key)
	}
	if diff := cmp.Diff("ababc", keys); diff != "" {
		t.Error(diff)
	}
}
