package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serving runs serve on any port and returns its address and its end.
func serving(t *testing.T, args ...string) (url string, end func() int) {
	t.Helper()
	ctx, stop := context.WithCancelCause(t.Context())
	log, stderr := io.Pipe()
	code := make(chan int, 1)
	go func() {
		var stdout bytes.Buffer
		code <- run(ctx, newApp(strings.NewReader(""), &stdout, stderr, os.LookupEnv), append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
		stderr.Close()
	}()
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if _, after, found := strings.Cut(lines.Text(), "msg=serving url="); found {
			url = after
			break
		}
		t.Log(lines.Text())
	}
	go io.Copy(io.Discard, log)
	if url == "" {
		t.Fatalf("it does not serve: exit %d", <-code)
	}
	return url, func() int { stop(errInterrupted); return <-code }
}

// Serve answers with what export writes, and ends in order when it is told to.
func TestServe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	mill := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), newApp(strings.NewReader(""), &stdout, &stderr, os.LookupEnv), args); code != exitDone {
			t.Fatalf("%v: exit %d: %s", args, code, &stderr)
		}
		return stdout.String()
	}
	mill("init", dir, "--offers", "300")
	config := filepath.Join(dir, "feedmill.yaml")
	mill("-c", config, "run", "--quiet")
	url, end := serving(t, "-c", config)
	response, err := http.Get(url + "feeds/google-en.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != mill("-c", config, "export", "google-en") {
		t.Errorf("%d, %d bytes, %v", response.StatusCode, len(body), err)
	}
	if code := end(); code != exitDone {
		t.Errorf("exit %d", code)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("it goes on")
	}
}
