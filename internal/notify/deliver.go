package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/workspace"
)

// patience bounds one delivery.
const patience = 15 * time.Second

// deliver brings a message to its target. The error has no secret in it.
func (n *Notifier) deliver(ctx context.Context, notice *workspace.Notice, m *message) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := n.by(ctx, notice, m)
	if err != nil && ctx.Err() == context.DeadlineExceeded {
		err = fmt.Errorf("no answer within %s", patience)
	}
	return redacted(err, notice)
}

func (n *Notifier) by(ctx context.Context, notice *workspace.Notice, m *message) error {
	switch notice.Kind {
	case workspace.Webhook:
		return post(ctx, notice.URL, m)
	case workspace.Slack:
		return post(ctx, notice.URL, map[string]string{"text": m.Text})
	case workspace.Command:
		return command(ctx, notice.Command, n.Dir, m)
	case workspace.Mail:
		return sendMail(ctx, notice, m)
	}
	panic("notice of kind " + notice.Kind)
}

// post sends JSON. What the target answers beside its status may repeat a secret
// and is not looked at.
func post(ctx context.Context, address string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(data))
	if err != nil {
		return errors.New("the url is none")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "feedmill")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		var wrapped *url.Error // its text has the whole address
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s", answer.Status)
	}
	return nil
}

// command runs a program with the message on its standard input and in its
// environment. What it writes is dropped.
func command(ctx context.Context, words []string, dir string, m *message) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Dir = dir
	c.WaitDelay = time.Second
	c.Stdin = bytes.NewReader(data)
	c.Env = append(os.Environ(),
		"FEEDMILL_EVENT="+m.Event, "FEEDMILL_STAGE="+m.Stage, "FEEDMILL_RUN="+m.Run,
		"FEEDMILL_WORKSPACE="+m.Workspace, "FEEDMILL_TITLE="+m.Title, "FEEDMILL_TEXT="+m.Text)
	return c.Run()
}

// redacted returns err without anything of a target that may be secret: all of
// its address but the host, and its password.
func redacted(err error, n *workspace.Notice) error {
	if err == nil {
		return nil
	}
	secrets := []string{n.Password, n.URL}
	if u, bad := url.Parse(n.URL); bad == nil && n.URL != "" {
		secrets = append(secrets, u.RequestURI(), u.RawQuery, u.User.String())
		secrets = append(secrets, strings.Split(strings.Trim(u.Path, "/"), "/")...)
		for _, values := range u.Query() {
			secrets = append(secrets, values...)
		}
	}
	if len(n.Command) > 1 {
		secrets = append(secrets, n.Command[1:]...)
	}
	text := err.Error()
	for _, s := range secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return errors.New(text)
}
