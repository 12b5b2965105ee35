package notify_test

import (
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/mail"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage/mem"
	"github.com/feedmill/feedmill/internal/workspace"
)

// certified has a certificate for loopback, which this process trusts.
var certified *httptest.Server

func TestMain(m *testing.M) {
	certified = httptest.NewTLSServer(nil)
	block := pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}
	file, err := os.CreateTemp("", "feedmill-ca-*.pem")
	if err == nil {
		err = errors.Join(pem.Encode(file, &block), file.Close(), os.Setenv("SSL_CERT_FILE", file.Name()))
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	certified.Close()
	_ = os.Remove(file.Name())
	os.Exit(code)
}

// An office is a mail server that wants a password when it has one.
type office struct {
	mu       sync.Mutex
	password string
	letters  []string
	to       []string
}

func (o *office) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{office: o}, nil }

type session struct {
	*office
	known bool
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "feedmill" || password != s.password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if s.password != "" && !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, string(data))
	return err
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// open starts the office on loopback.
func (o *office) open(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(o)
	server.TLSConfig = certified.TLS
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func TestMail(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"", "pass-s3cret"} {
		o := &office{password: password}
		notice := workspace.Notice{
			Name: "mail of feedmill.yaml, line 7", ID: "1", Kind: workspace.Mail, On: everything, SMTP: o.open(t),
			From: "Feedmill <feedmill@example.org>", To: []string{"a@example.org", "b@example.org"}, Password: password,
		}
		if password != "" {
			notice.User = "feedmill"
		}
		if warnings := notifier(mem.New(), notice).Tell(t.Context(), held("google-de:drop")); len(warnings) > 0 {
			t.Fatal(warnings)
		}
		if diff := cmp.Diff([]string{"a@example.org", "b@example.org"}, o.to); diff != "" || len(o.letters) != 1 {
			t.Fatalf("%d letters to %s", len(o.letters), diff)
		}
		letter, err := mail.ReadMessage(strings.NewReader(o.letters[0]))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(letter.Body)
		if err != nil || letter.Header.Get("Subject") != "feedmill generate: feed google-de held" || !strings.Contains(string(body), "drop is beyond its limit") {
			t.Errorf("%v: %v %s", err, letter.Header, body)
		}
	}
}

func TestMailRefused(t *testing.T) {
	t.Parallel()
	o := &office{password: "right"}
	notice := workspace.Notice{
		Name: "mail of feedmill.yaml, line 7", ID: "1", Kind: workspace.Mail, On: everything, SMTP: o.open(t),
		From: "feedmill@example.org", To: []string{"a@example.org"}, User: "feedmill", Password: "wrong-s3cret",
	}
	warnings := notifier(mem.New(), notice).Tell(t.Context(), held("a:drop"))
	if len(warnings) != 1 || strings.Contains(warnings[0], "s3cret") || len(o.letters) > 0 {
		t.Errorf("%q", warnings)
	}
	t.Log(warnings)
}
