package workspace

import "github.com/feedmill/feedmill/internal/diag"

// Engine says what runs the tasks.
type Engine struct {
	Kind    string            // local, spark or command
	Submit  string            // spark: the program that submits
	Master  string            // spark
	Conf    map[string]string // spark
	Command []string          // command: the program that starts the tasks, and its arguments
}

// The kinds of engines.
const (
	LocalEngine   = "local"
	SparkEngine   = "spark"
	CommandEngine = "command"
)

func (v value) engine(e *Engine) {
	has := v.object(fields{
		"kind":    func(v value) { e.Kind = v.choice(LocalEngine, SparkEngine, CommandEngine) },
		"submit":  func(v value) { e.Submit = v.word() },
		"master":  func(v value) { e.Master = v.word() },
		"conf":    func(v value) { e.Conf = v.texts() },
		"command": func(v value) { e.Command = v.words() },
	})
	if !v.require(has, "kind") {
		return
	}
	switch e.Kind {
	case LocalEngine:
		v.only(has, "the local engine", "kind")
	case SparkEngine:
		v.only(has, "the spark engine", "kind", "submit", "master", "conf")
	case CommandEngine:
		v.require(has, "command")
		v.only(has, "the command engine", "kind", "command")
	}
}

// A Destination is a partner's API and what its connector needs to reach it.
type Destination struct {
	Name     string
	Kind     string
	Settings map[string]diag.Text // by key; what they mean is up to the connector of this kind
}

func (v value) destinations() []Destination {
	var out []Destination
	for _, e := range v.entries() {
		if e.identifier("destination", sourceName, "small letters, digits, _ and -, beginning with a letter") {
			out = append(out, e.value.destination(e.name.Value))
		}
	}
	return out
}

func (v value) destination(name string) Destination {
	d := Destination{Name: name, Settings: map[string]diag.Text{}}
	for _, e := range v.entries() {
		t, ok := e.value.text()
		switch {
		case !ok:
		case e.name.Value == "kind":
			d.Kind = t.Value
		default:
			d.Settings[e.name.Value] = t
		}
	}
	if d.Kind == "" && v.isMap() {
		v.report(v.head("%s has no kind", name))
	}
	return d
}
