package s3_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/feedmill/feedmill/internal/storage"
	"github.com/feedmill/feedmill/internal/storage/s3"
)

// What the settings say of how objects are kept is asked for with every object:
// the server of the other tests takes no notice of it, so this one only listens.
func TestKeptAsTheSettingsSay(t *testing.T) {
	asked := map[string]string{}
	var mu sync.Mutex
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		for _, name := range []string{"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Storage-Class"} {
			asked[r.Method+" "+name] = r.Header.Get(name)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusForbidden)
	}))
	defer listener.Close()
	client, err := s3.Dial(t.Context(), s3.Settings{
		Region: "eu-west-1", Endpoint: listener.URL, PathStyle: true, AccessKey: "a", SecretKey: "s",
		Encryption: "aws:kms", KMSKey: "key-1", StorageClass: "STANDARD_IA",
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := client.Store("s3://bucket")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 6 << 20} { // PutObject, CreateMultipartUpload
		if err := storage.WriteAll(t.Context(), store, "x", storage.Replace, noise(size, 1)); err == nil {
			t.Error("a refused write succeeded")
		}
	}
	want := map[string]string{}
	for _, method := range []string{"PUT", "POST"} {
		want[method+" X-Amz-Server-Side-Encryption"] = "aws:kms"
		want[method+" X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"] = "key-1"
		want[method+" X-Amz-Storage-Class"] = "STANDARD_IA"
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}
