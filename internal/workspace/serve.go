package workspace

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/feedmill/feedmill/internal/diag"
)

// Serve is how the file server shows feeds.
type Serve struct {
	Listen string // host:port
	Users  []User // none: every feed is open
	Open   []diag.Text
	TLS    *TLS // of the server: Cert and Key
}

// A User may fetch the feeds whose names fit one of the patterns, in which *
// stands for anything.
type User struct {
	Name     string
	Password string
	Feeds    []diag.Text
}

// DefaultListen is where the file server listens.
const DefaultListen = "127.0.0.1:8080"

var patternForm = regexp.MustCompile(`^[a-z0-9*-]+$`)

func (v value) serve(s *Serve) {
	has := v.object(fields{
		"listen": func(v value) { s.Listen = v.hostPort() },
		"users":  func(v value) { s.Users = v.users() },
		"open":   func(v value) { s.Open = v.patterns() },
		"tls":    func(v value) { s.TLS = v.certificate() },
	})
	users, given := has["users"]
	nobody := !given || users.isMap() && len(users.node.Content) == 0
	all := func(t diag.Text) bool { return t.Value == "*" }
	if _, some := has["open"]; some && nobody && !slices.ContainsFunc(s.Open, all) {
		d := has["open"].head("without users all feeds are open, not only these")
		v.report(d.WithHint("name the users who may fetch the others: users: {NAME: {password: ..., feeds: [...]}}"))
	}
}

// certificate reads what the server shows who it is with.
func (v value) certificate() *TLS {
	t := &TLS{}
	has := v.object(fields{
		"cert": func(v value) { t.Cert = v.file() },
		"key":  func(v value) { t.Key = v.file() },
	})
	v.require(has, "cert", "key")
	return t
}

func (v value) users() []User {
	var out []User
	for _, e := range v.entries() {
		e.userName()
		u := User{Name: e.name.Value}
		has := e.value.object(fields{
			"password": func(v value) { u.Password = v.secret() },
			"feeds":    func(v value) { u.Feeds = v.patterns() },
		})
		e.value.require(has, "password", "feeds")
		out = append(out, u)
	}
	return out
}

// userName reports a name that basic auth cannot carry (RFC 7617, section 2): it
// ends at the first colon and has no control characters.
func (e entry) userName() {
	name := e.name.Value
	hint := ""
	switch {
	case strings.ContainsRune(name, ':'):
		hint = "leave the colon out: basic auth ends the name there"
	case strings.ContainsFunc(name, unicode.IsControl):
		hint = "leave the control character out: basic auth carries none"
	default:
		return
	}
	e.value.report(e.name.At(0, runes(name), "%q cannot be the name of a user", name).WithHint("%s", hint))
}
