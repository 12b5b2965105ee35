package notify

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/wneessen/go-mail"

	"github.com/feedmill/feedmill/internal/workspace"
)

// smtps is the port on which TLS begins at once. On others it is asked for and
// used where the server has it; a password that could be read on the way is not
// sent.
const smtps = 465

func sendMail(ctx context.Context, n *workspace.Notice, m *message) error {
	letter := mail.NewMsg()
	if err := letter.From(n.From); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if err := letter.To(n.To...); err != nil {
		return fmt.Errorf("to: %w", err)
	}
	letter.Subject(m.Title)
	letter.SetDate()
	letter.SetMessageID()
	letter.SetBodyString(mail.TypeTextPlain, m.Text)
	client, err := mailer(n)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, letter)
}

func mailer(n *workspace.Notice) (*mail.Client, error) {
	host, text, err := net.SplitHostPort(n.SMTP)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTLSPolicy(mail.TLSOpportunistic), mail.WithTimeout(patience)}
	if port == smtps {
		options = append(options, mail.WithSSL())
	}
	if n.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(n.User), mail.WithPassword(n.Password))
	}
	return mail.NewClient(host, options...)
}
