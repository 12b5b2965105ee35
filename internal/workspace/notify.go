package workspace

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
)

// A Notice says whom to tell of what. It is sent once per problem, not per run.
type Notice struct {
	Name    string   // its kind and its line in the file: it tells nothing of the target, which may be a secret
	ID      string   // a digest of its kind and its target as they are written, before variables are expanded
	Kind    string   // webhook, command, mail or slack
	On      []string // held, failed, recovered
	URL     string   // of a webhook or slack
	Command []string // the program and its arguments
	To      []string // of a mail
	From    string
	SMTP    string // host:port
	User    string
	// Password is for the mail server.
	Password string
}

// The kinds of a Notice.
const (
	Webhook = "webhook"
	Command = "command"
	Mail    = "mail"
	Slack   = "slack"
)

func (v value) notices() []Notice {
	var out []Notice
	for _, e := range v.items() {
		out = append(out, e.notice())
	}
	return out
}

func (v value) notice() Notice {
	n := Notice{On: []string{"held", "failed", "recovered"}}
	has := v.object(fields{
		"kind":     func(v value) { n.Kind = v.choice(Webhook, Command, Mail, Slack) },
		"on":       func(v value) { n.On = v.choices("held", "failed", "recovered") },
		"url":      func(v value) { n.URL = v.address() },
		"command":  func(v value) { n.Command = v.words() },
		"to":       func(v value) { n.To = v.words() },
		"from":     func(v value) { n.From = v.word() },
		"smtp":     func(v value) { n.SMTP = v.hostPort() },
		"user":     func(v value) { n.User = v.word() },
		"password": func(v value) { n.Password = v.secret() },
	})
	if v.require(has, "kind") {
		v.fitting(has, n.Kind)
	}
	line, _ := v.place()
	n.Name = fmt.Sprintf("%s of %s, line %d", n.Kind, filepath.Base(v.page.Name), line)
	n.ID = written(has, "kind", "url", "command", "to")
	return n
}

// written digests values as they stand in the file.
func written(has map[string]value, keys ...string) string {
	digest := sha256.New()
	for _, key := range keys {
		if v, found := has[key]; found {
			fmt.Fprintf(digest, "%s %s\n", key, strings.Join(v.scalars(), "\x00"))
		}
	}
	return fmt.Sprintf("%x", digest.Sum(nil))[:16]
}

// scalars returns the texts in a value before their variables are expanded.
func (v value) scalars() []string {
	if !v.isList() {
		return []string{v.node.Value}
	}
	var out []string
	for _, n := range v.node.Content {
		out = append(out, n.Value)
	}
	return out
}

// noticeKeys are the keys that each kind needs, and those that it may have.
var noticeKeys = map[string]struct{ needs, may []string }{
	Webhook: {needs: []string{"url"}},
	Slack:   {needs: []string{"url"}},
	Command: {needs: []string{"command"}},
	Mail:    {needs: []string{"to", "from", "smtp"}, may: []string{"user", "password"}},
}

func (v value) fitting(has map[string]value, kind string) {
	keys, known := noticeKeys[kind]
	if !known {
		return
	}
	v.require(has, keys.needs...)
	v.only(has, "a notice of kind "+kind, append(append([]string{"kind", "on"}, keys.needs...), keys.may...)...)
}

// choices reads a list of words out of a few.
func (v value) choices(words ...string) []string {
	var out []string
	for _, e := range v.items() {
		if w := e.choice(words...); w != "" {
			out = append(out, w)
		}
	}
	return out
}
