package aggregate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A join as many by a list takes the rows of each of its keys once: as `order`
// says, and without it in the order of the list.
func TestJoinByAList(t *testing.T) {
	const yaml = `
warehouse: ./warehouse
partitions: 2
sources:
  offers: {path: data/offers.jsonl, format: jsonl, key: row.id, columns: {tags: list(string), numbers: list(int), path: string}}
  words:
    path: data/words.jsonl
    format: jsonl
    key: row.id
    columns: {name: string, number: int, weight: int}
offer:
  from: offers
  join: {words: {source: words, many: true, %s}}
  columns: {got: {type: string, value: 'offer.words.map(w, w.name).join(" ")'}}
  hidden: [words]
`
	offers := `{"id":"a","tags":["z","x"],"numbers":[3,1],"path":"z/x"}
{"id":"b","tags":["x","y","x"],"numbers":[1,2,1],"path":"x/y/x"}
{"id":"c","tags":[null,"nobody","y"],"numbers":[null,9,2],"path":"/nobody/y"}
{"id":"d","tags":[],"numbers":[],"path":""}
{"id":"e"}`
	words := `{"id":"y","name":"y","number":2,"weight":1}
{"id":"z","name":"z","number":3,"weight":2}
{"id":"x","name":"x","number":1,"weight":2}
{"id":"x2","name":"x","number":1,"weight":0}`
	for _, c := range []struct {
		join string
		want map[string]string
	}{
		{"on: offer.tags", map[string]string{"a": "z x", "b": "x y", "c": "y"}},
		{"on: offer.tags, by: name", map[string]string{"a": "z x x", "b": "x x y", "c": "y"}},
		{"on: offer.numbers, by: number", map[string]string{"a": "z x x", "b": "x x y", "c": "y"}},
		{"on: 'offer.path.split(\"/\")'", map[string]string{"a": "z x", "b": "x y", "c": "y"}},
		{"on: 'offer.numbers.map(n, n + 1)', by: number", map[string]string{"a": "y", "b": "y z"}},
		{"on: offer.tags, by: name, order: [it.weight asc]", map[string]string{"a": "x z x", "b": "x y x", "c": "y"}},
		{"on: offer.tags, by: name, order: [it.weight desc]", map[string]string{"a": "z x x", "b": "x y x", "c": "y"}},
		{"on: 'offer.path.split(\"/\")', by: name, order: [it.weight desc, it.name desc]", map[string]string{"a": "z x x", "b": "x y x", "c": "y"}},
		{"on: offer.tags, by: name, where: it.weight == 2", map[string]string{"a": "z x", "b": "x"}},
		{"on: offer.tags, by: name, limit: 3", map[string]string{"a": "z x x", "b": "x x y", "c": "y"}},
	} {
		s := newShop(t, fmt.Sprintf(yaml, c.join))
		s.put("offers.jsonl", offers)
		s.put("words.jsonl", words)
		got := map[string]string{}
		for id, offer := range plain(t, s.offers(s.must("done").Snapshot)) {
			if text, ok := offer["got"].(string); ok {
				got[id] = text
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.join, diff)
		}
	}
	s := newShop(t, fmt.Sprintf(yaml, "on: offer.tags, by: name, limit: 2"))
	s.put("offers.jsonl", offers)
	s.put("words.jsonl", words)
	s.fails(`join words: source words has 3 rows for "`, `more than `+"`limit: 2`")
}
