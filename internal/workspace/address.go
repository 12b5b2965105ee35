package workspace

import (
	"net"
	"net/url"
	"strconv"

	"github.com/feedmill/feedmill/internal/diag"
)

// secret reads a text that no message shows.
func (v value) secret() string {
	t, ok := v.text()
	if ok && t.Value == "" {
		v.fail("%s is empty", v.subject())
	}
	return t.Value
}

// hostPorts reads a list of host:port.
func (v value) hostPorts() []string {
	var out []string
	for _, e := range v.items() {
		if a := e.hostPort(); a != "" {
			out = append(out, a)
		}
	}
	return out
}

// hostPort reads the address of a server, such as 127.0.0.1:9092.
func (v value) hostPort() string {
	t, ok := v.text()
	if !ok {
		return ""
	}
	_, port, err := net.SplitHostPort(t.Value)
	n, notNumber := strconv.ParseUint(port, 10, 16)
	if err != nil || notNumber != nil || n == 0 && port != "0" {
		v.report(v.at("%s must be host:port, and this is %s", v.subject(), t.Written()).WithHint("write it like 127.0.0.1:9092"))
		return ""
	}
	return t.Value
}

// address reads an http or https URL. What an environment variable holds of it
// may be a secret, and is not shown.
func (v value) address() string {
	t, ok := v.text()
	if !ok {
		return ""
	}
	u, err := url.Parse(t.Value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		v.report(v.at("%s must be a web address", v.subject()).WithHint("it begins with https:// or http://"))
		return ""
	}
	return t.Value
}

// pattern reads a name of feeds in which * stands for anything.
func (v value) patterns() []diag.Text {
	var out []diag.Text
	for _, e := range v.items() {
		if t, ok := e.text(); ok && e.form(t, patternForm, "small letters, digits, - and *") {
			out = append(out, t)
		}
	}
	return out
}
