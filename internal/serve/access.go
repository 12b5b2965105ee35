package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"regexp"
	"strings"

	"github.com/feedmill/feedmill/internal/diag"
	"github.com/feedmill/feedmill/internal/workspace"
)

// An access says who may fetch which feeds. Without users everybody may fetch
// all.
type access struct {
	users []user
	open  patterns
	all   bool
}

// A user is known by digests, whose comparison takes as long whatever they are.
type user struct {
	name           string
	digest, secret [sha256.Size]byte
	feeds          patterns
}

func newAccess(s workspace.Serve) access {
	a := access{open: newPatterns(s.Open), all: len(s.Users) == 0}
	for _, u := range s.Users {
		a.users = append(a.users, user{u.Name, sha256.Sum256([]byte(u.Name)), sha256.Sum256([]byte(u.Password)), newPatterns(u.Feeds)})
	}
	return a
}

// patterns are of names; * stands for anything.
type patterns []*regexp.Regexp

func newPatterns(texts []diag.Text) patterns {
	var out patterns
	for _, t := range texts {
		quoted := strings.ReplaceAll(regexp.QuoteMeta(t.Value), `\*`, ".*")
		out = append(out, regexp.MustCompile("^"+quoted+"$"))
	}
	return out
}

func (p patterns) match(name string) bool {
	for _, re := range p {
		if re.MatchString(name) {
			return true
		}
	}
	return false
}

// everything reports whether a pattern matches all names.
func (p patterns) everything() bool {
	for _, re := range p {
		if strings.Trim(re.String(), "^.*$") == "" {
			return true
		}
	}
	return false
}

// who returns the user whose credentials a request has, or nil. All users are
// looked at, so that the time says nothing about them.
func (a access) who(r *http.Request) *user {
	name, password, given := r.BasicAuth()
	if !given {
		return nil
	}
	n, p := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(password))
	var found *user
	for i := range a.users {
		u := &a.users[i]
		if subtle.ConstantTimeCompare(u.digest[:], n[:])&subtle.ConstantTimeCompare(u.secret[:], p[:]) == 1 {
			found = u
		}
	}
	return found
}

// fetch returns the status of a request for a feed: 200, 401 or 403. It does not
// depend on whether there is such a feed.
func (a access) fetch(u *user, feed string) int {
	switch {
	case a.all || a.open.match(feed) || u != nil && u.feeds.match(feed):
		return http.StatusOK
	case u == nil:
		return http.StatusUnauthorized
	default:
		return http.StatusForbidden
	}
}

// watch returns the status of a request for what is about all feeds: it is for
// those who may fetch them all.
func (a access) watch(u *user) int {
	switch {
	case a.all || u != nil && u.feeds.everything():
		return http.StatusOK
	case u == nil:
		return http.StatusUnauthorized
	default:
		return http.StatusForbidden
	}
}

// refuse answers a request that may not be answered.
func refuse(w http.ResponseWriter, status int) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="feeds", charset="UTF-8"`)
	}
	http.Error(w, strings.ToLower(http.StatusText(status)), status)
}
