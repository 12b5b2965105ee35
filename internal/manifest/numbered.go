package manifest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/feedmill/feedmill/internal/storage"
)

// Control objects have numbers of so many digits, so that their names sort.
const digits = 12

func numbered(folder string, n int64) string { return fmt.Sprintf("%s/%0*d", folder, digits, n) }

// greatest returns the greatest number in a folder, 0 when there is none, and when
// its object was written, by the store's clock. Other objects are passed over.
func greatest(ctx context.Context, store storage.Store, folder string) (last int64, written time.Time, err error) {
	for info, err := range store.List(ctx, folder+"/") {
		if err != nil {
			return 0, time.Time{}, fmt.Errorf("list %s: %w", folder, err)
		}
		if n, ok := number(strings.TrimPrefix(info.Name, folder+"/")); ok {
			last, written = n, info.ModTime
		}
	}
	return last, written, nil
}

// Number reads the last element of the name of a numbered control object, such
// as snapshots/current/000000000042.
func Number(name string) (n int64, ok bool) { return number(name[strings.LastIndexByte(name, '/')+1:]) }

func number(text string) (int64, bool) {
	if len(text) != digits || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}
