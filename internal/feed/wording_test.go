package feed

import (
	"encoding/json"
	"testing"
)

func TestWordingEqual(t *testing.T) {
	one := Wording{Where: "true", Shared: "1", Whole: true, Template: "a", Text: "2", Choose: &Choosing{By: []Ordering{{"offer.price", true}}, Take: 1}}
	data, err := json.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	var same Wording
	if err := json.Unmarshal(data, &same); err != nil {
		t.Fatal(err)
	}
	same.Fields = map[string]string{}
	if !one.Equal(same) {
		t.Errorf("%+v and %+v", one, same)
	}
	for name, change := range map[string]func(*Wording){
		"where":     func(w *Wording) { w.Where = "false" },
		"shared":    func(w *Wording) { w.Shared = "" },
		"whole":     func(w *Wording) { w.Whole = false },
		"template":  func(w *Wording) { w.Template = "b" },
		"text":      func(w *Wording) { w.Text = "" },
		"field":     func(w *Wording) { w.Fields = map[string]string{"a": "1"} },
		"param":     func(w *Wording) { w.Params = map[string]string{"a": ""} },
		"to":        func(w *Wording) { w.To = "meta in catalog hk" },
		"choose":    func(w *Wording) { w.Choose = nil },
		"direction": func(w *Wording) { w.Choose = &Choosing{By: []Ordering{{"offer.price", false}}, Take: 1} },
	} {
		other := one
		if change(&other); one.Equal(other) {
			t.Errorf("%s makes no difference", name)
		}
	}
}

// What several feeds share is kept once, and what is decided about a hold is what is
// published afterwards.
func TestWordings(t *testing.T) {
	was := NewWordings()
	for _, name := range []string{"a", "b", "gone"} {
		was.Publish(name, was.Say(Wording{Where: name, Whole: true}, nil, "text"))
	}
	if len(was.Shared) != 1 || len(was.Templates) != 1 {
		t.Errorf("%+v", was)
	}
	now := NewWordings()
	now.Carry("a", &was)
	now.Hold("b", now.Say(Wording{Where: "b2", Whole: true}, nil, "other text"), &was)
	if now.Conditions["b"].Where != "b" || now.Held["b"].Where != "b2" || len(now.Conditions) != 2 || len(now.Templates) != 2 || !now.Whole("b") || now.Whole("gone") {
		t.Errorf("%+v", now)
	}
	for approved, want := range map[bool]string{true: "b2", false: "b"} {
		if d := now.Decide("b", approved); d.Conditions["b"].Where != want || len(d.Held) > 0 {
			t.Errorf("approved %v: %+v", approved, d)
		}
	}
	if now.Held["b"].Where != "b2" {
		t.Error("a decision changed what it was made of")
	}
}
