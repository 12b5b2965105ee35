package parquetio

import "fmt"

// recovered turns a panic of the Parquet library, which damaged objects and
// batches of more than 2 GiB of text cause, into an error.
func recovered(err *error, doing, name string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s %s: %v", doing, name, r)
	}
}
