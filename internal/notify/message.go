package notify

import (
	"fmt"
	"strings"
	"time"
)

// A message is what a target gets. As JSON it is the body of a webhook and the
// input of a command.
type message struct {
	Event     string    `json:"event"` // held, failed, recovered
	Stage     string    `json:"stage"`
	Run       string    `json:"run,omitempty"`
	Workspace string    `json:"workspace"`
	Host      string    `json:"host"`
	Time      time.Time `json:"time"`
	Title     string    `json:"title"`
	Text      string    `json:"text"`
	Problems  []Problem `json:"problems"`
	Commands  []string  `json:"commands,omitempty"` // to look at it, and to approve it
}

// listed bounds the problems that the text of one message tells.
const listed = 20

// finish writes the texts of a message from its facts.
func (m *message) finish() {
	m.Title = "feedmill " + m.Stage + ": " + m.headline()
	if m.Event != Recovered {
		m.Commands = m.commands()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nworkspace %s on %s\n", m.Title, m.Workspace, m.Host)
	for i, p := range m.Problems {
		if i == listed {
			fmt.Fprintf(&b, "\nand %d more\n", len(m.Problems)-listed)
			break
		}
		b.WriteString("\n" + m.line(&p) + "\n")
		if m.Event == Recovered {
			continue
		}
		for _, r := range p.Reasons {
			b.WriteString("  " + r.Text + "\n")
		}
	}
	if len(m.Commands) > 0 {
		b.WriteString("\n" + strings.Join(m.Commands, "\n") + "\n")
	}
	m.Text = b.String()
}

func (m *message) headline() string {
	if len(m.Problems) > 1 {
		return fmt.Sprintf("%d %s", len(m.Problems), m.Event)
	}
	return strings.TrimSpace(m.Problems[0].Name + " " + m.Event)
}

// line says of one problem since when it is, or was.
func (m *message) line(p *Problem) string {
	name := p.Name
	if name == "" {
		name = "the stage"
	}
	if p.Until != nil {
		return fmt.Sprintf("%s is well again: from %s to %s it was not", name, stamp(p.Since), stamp(*p.Until))
	}
	return fmt.Sprintf("%s %s since %s", name, m.Event, stamp(p.Since))
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// commands names each run once.
func (m *message) commands() []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range m.Problems {
		if p.Run == "" || seen[p.Run] {
			continue
		}
		seen[p.Run] = true
		out = append(out, fmt.Sprintf("feedmill -c %s show %s", m.Workspace, p.Run))
		if p.Approvable {
			out = append(out, fmt.Sprintf("feedmill -c %s approve %s --by NAME --reason TEXT", m.Workspace, p.Run))
		}
	}
	return out
}
