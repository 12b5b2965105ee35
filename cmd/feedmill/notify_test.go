package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/stream/kafka"
	"github.com/feedmill/feedmill/internal/workspace"
)

func TestKafkaConfig(t *testing.T) {
	w := &workspace.Workspace{Dir: "shop", Kafka: &workspace.Kafka{
		Brokers: []string{"127.0.0.1:9092"}, Topic: "offers", TLS: &workspace.TLS{CA: "shop/ca.pem", Key: "/etc/key.pem"},
		SASL: &workspace.SASL{Mechanism: "plain", User: "u", Password: "s3cret"},
	}}
	want := kafka.Config{
		Brokers: []string{"127.0.0.1:9092"}, Topic: "offers", TLS: &kafka.TLS{CA: "shop/ca.pem", Key: "/etc/key.pem"},
		SASL: &kafka.SASL{Mechanism: "plain", User: "u", Password: "s3cret"},
	}
	if diff := cmp.Diff(want, kafkaConfig(w)); diff != "" {
		t.Error(diff)
	}
	_, err := openProducer(w)(t.Context())
	if err == nil || !strings.Contains(err.Error(), "shop/ca.pem") {
		t.Errorf("without its authorities: %v", err)
	}
	w.Kafka.TLS = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := openProducer(w)(ctx); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("interrupted: %v", err)
	}
}
