package serve

import (
	"strings"
	"testing"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/workspace"
)

func texts(values ...string) (out []diag.Text) {
	for _, v := range values {
		out = append(out, diag.Text{Value: v})
	}
	return out
}

func withUsers(o *Options) {
	o.Serve = workspace.Serve{Open: texts("open-*"), Users: []workspace.User{
		{Name: "shopper", Password: "right", Feeds: texts("shop", "shop-*")},
		{Name: "boss", Password: "p:w", Feeds: texts("*")},
		{Name: "twin", Password: "right", Feeds: texts("twin")},
	}}
}

// Who may fetch what does not depend on whether it exists.
func TestAccess(t *testing.T) {
	m := newMarket(t)
	for _, name := range []string{"shop", "shop-de", "shopping", "open-all", "twin"} {
		m.feed(name, false, items(3, 3))
	}
	m.feed("numbers", true, items(3, 3))
	m.publish()
	c := m.serve(withUsers)
	for _, r := range []struct {
		path, user string
		want       int
	}{
		{"/feeds/shop.xml", "", 401}, {"/feeds/shop.xml", "shopper:right", 200}, {"/feeds/shop.xml", "shopper:wrong", 401}, {"/feeds/shop.xml", "shopper:", 401},
		{"/feeds/shop.xml", "nobody:right", 401}, {"/feeds/shop.xml", "twin:right", 403}, {"/feeds/twin.xml", "twin:right", 200},
		{"/feeds/shop-de.xml.gz", "shopper:right", 200}, {"/feeds/shopping.xml", "shopper:right", 403}, {"/feeds/shop.json", "shopper:right", 200},
		{"/feeds/shop.json", "", 401}, {"/feeds/nothing.xml", "", 401}, {"/feeds/nothing.xml", "shopper:right", 403}, {"/feeds/nothing.xml", "boss:p:w", 404},
		{"/feeds/open-all.xml", "", 200}, {"/feeds/open-none.xml", "", 404}, {"/feeds/open-7.xml", "", 404}, {"/feeds/shop-7.json", "shopper:right", 404}, {"/feeds/numbers-1.xml", "boss:p:w", 200}, {"/feeds/numbers-1.xml", "shopper:right", 403},
		{"/", "", 401}, {"/", "shopper:right", 403}, {"/", "boss:p:w", 200}, {"/healthz", "", 200}, {"/metrics", "", 200},
	} {
		var headers []string
		if r.user != "" {
			headers = append(headers, r.user)
		}
		got := c.get(r.path, headers...)
		if got.StatusCode != r.want {
			t.Errorf("%s for %q: %d, want %d", r.path, r.user, got.StatusCode, r.want)
		}
		if asks := got.Header.Get("Www-Authenticate") != ""; asks != (r.want == 401) {
			t.Errorf("%s for %q asks for credentials: %v", r.path, r.user, asks)
		}
	}
	for _, secret := range []string{"right", "p:w", "Basic"} {
		if strings.Contains(c.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}
