package manifest

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/feedmill/feedmill/internal/storage"
)

// Control objects have numbers of so many digits, so that their names sort.
const digits = 12

func numbered(folder string, n int64) string { return fmt.Sprintf("%s/%0*d", folder, digits, n) }

// greatest returns the greatest number in a folder, 0 when there is none. Other
// objects in it are passed over.
func greatest(ctx context.Context, store storage.Store, folder string) (int64, error) {
	var last int64
	for info, err := range store.List(ctx, folder+"/") {
		if err != nil {
			return 0, fmt.Errorf("list %s: %w", folder, err)
		}
		if n, ok := number(strings.TrimPrefix(info.Name, folder+"/")); ok {
			last = n
		}
	}
	return last, nil
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
