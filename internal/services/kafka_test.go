package services_test

import (
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/feedmill/feedmill/internal/services"
)

func TestKafka(t *testing.T) {
	broker := services.Run(t, services.StartKafka)
	if err := broker.MakeTopic(t.Context(), "a", 3, "cleanup.policy=compact"); err != nil {
		t.Fatal(err)
	}
	if err := broker.MakeTopic(t.Context(), "a", 3); err == nil {
		t.Error("a topic was made twice")
	}
	w := &kafka.Writer{Addr: kafka.TCP(broker.Address), Topic: "a", RequiredAcks: kafka.RequireAll}
	if err := w.WriteMessages(t.Context(), kafka.Message{Key: []byte("k"), Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	read, err := broker.Console(t.Context(), "a", 1)
	if err != nil || len(read) != 1 || string(read[0].Key) != "k" || string(read[0].Value) != "v" || len(read[0].Headers) != 0 {
		t.Errorf("the console consumer reads %+v, %v", read, err)
	}
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := broker.MakeTopic(t.Context(), "b", 1); err != nil {
		t.Error(err)
	}
}
