// Command cmd runs the services of the tests for people: `make services`.
//
// Its promise: it says how to reach them, and when it ends, at Ctrl-C or
// otherwise, they have ended too and their files are gone.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/feedmill/feedmill/internal/services"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "services:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "feedmill-services-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s3, err := services.StartS3(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s3.Stop()) }()
	fmt.Printf("# S3, with the bucket %s: warehouse: s3://%s/warehouse\n", s3.Bucket, s3.Bucket)
	for _, variable := range s3.Environment() {
		fmt.Printf("export %s\n", variable)
	}
	cluster, err := services.StartHDFS(ctx, dir)
	switch {
	case err == nil:
		defer func() { err = errors.Join(err, cluster.Stop()) }()
		fmt.Printf("# HDFS: warehouse: hdfs://%s/warehouse\n", cluster.Address)
	case errors.Is(err, services.ErrMissing):
		fmt.Println("# no HDFS:", err)
	default:
		return err
	}
	fmt.Println("# Ctrl-C ends them")
	<-ctx.Done()
	return nil
}
