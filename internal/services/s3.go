package services

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// gateway is the S3 server: it passes the conditional writes on which exclusive
// creates rest.
const (
	gatewayVersion = "v1.8.0"
	gatewayPackage = "github.com/versity/versitygw/cmd/versitygw@" + gatewayVersion
)

// An S3 is a running S3 server with one bucket.
type S3 struct {
	*Process
	Address   string // host:port
	Region    string
	Bucket    string
	AccessKey string
	SecretKey string
}

// StartS3 starts an S3 server that keeps its objects below dir.
func StartS3(ctx context.Context, dir string) (*S3, error) {
	program, err := fetchGateway(ctx)
	if err != nil {
		return nil, err
	}
	port, err := Port()
	if err != nil {
		return nil, err
	}
	s := &S3{
		Address: Loopback(port), Region: "us-east-1", Bucket: "feedmill",
		AccessKey: "feedmill-access", SecretKey: "a+secret/that=must%never-show",
	}
	root := filepath.Join(dir, "s3")
	if err := os.MkdirAll(filepath.Join(root, s.Bucket), 0o777); err != nil {
		return nil, err
	}
	s.Process, err = Start(ctx, Command{
		Name: "versitygw",
		Args: []string{program, "--port", s.Address, "--region", s.Region, "--health", "/health", "--keep-alive", "--quiet", "posix", root},
		Env:  []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey},
		Dir:  dir, Ready: answers(s.Endpoint() + "/health"),
	})
	return s, err
}

// Endpoint is the server's URL.
func (s *S3) Endpoint() string { return "http://" + s.Address }

// Environment is what S3 clients read to find the server, as NAME=VALUE.
func (s *S3) Environment() []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + s.Endpoint(), "AWS_REGION=" + s.Region,
		"AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey,
	}
}

// answers returns a Ready that is satisfied by a 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", url, response.Status)
		}
		return errors.Join(err, response.Body.Close())
	}
}

// fetchGateway returns the server's program, which the first call builds.
func fetchGateway(ctx context.Context) (string, error) {
	dir, err := cacheFolder("versitygw-" + gatewayVersion)
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "versitygw")
	err = locked(dir, func() error {
		if _, err := os.Stat(program); err == nil {
			return nil
		}
		return goInstall(ctx, dir, gatewayPackage)
	})
	return program, err
}

// goInstall builds a program into dir.
func goInstall(ctx context.Context, dir, pkg string) error {
	build := exec.CommandContext(ctx, "go", "install", pkg)
	build.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: go install %s: %w\n%s", ErrMissing, pkg, err, bytes.TrimSpace(said))
	}
	return nil
}
