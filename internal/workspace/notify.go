package workspace

// A Notice says whom to tell of what. It is sent once per problem, not per run.
type Notice struct {
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
	return n
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
