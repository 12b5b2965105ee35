package s3_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/feedmill/feedmill/internal/services"
	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/s3"
	"github.com/feedmill/feedmill/internal/storage/storagetest"
)

func settings(server *services.S3) s3.Settings {
	return s3.Settings{
		Region: server.Region, Endpoint: server.Endpoint(), PathStyle: true,
		AccessKey: server.AccessKey, SecretKey: server.SecretKey,
	}
}

// dial returns the store at a prefix of the server's bucket.
func dial(t *testing.T, server *services.S3, s s3.Settings, prefix string) *s3.Store {
	t.Helper()
	client, err := s3.Dial(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	store, err := client.Store("s3://" + server.Bucket + "/" + prefix)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStore(t *testing.T) {
	server := services.Run(t, services.StartS3)
	var number atomic.Int64
	storagetest.Run(t, func(t *testing.T) storage.Store {
		return dial(t, server, settings(server), fmt.Sprintf("suite/%d", number.Add(1)))
	})
}
