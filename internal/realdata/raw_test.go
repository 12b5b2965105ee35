package realdata

import (
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
)

// What follows turns raw values into what an offer must hold, by the rules that
// the manual gives its users. A nil and an empty text are null.

func isMissing(v any) bool { return v == nil || v == "" }

// asText is a text as it is; a JSON number is its own text.
func asText(v any) any {
	if isMissing(v) {
		return nil
	}
	return fmt.Sprint(v)
}

func asTexts(v any) any {
	if isMissing(v) {
		return nil
	}
	out := []any{}
	for _, text := range v.([]any) {
		out = append(out, asText(text))
	}
	return out
}

// rational is the exact value of a text or JSON number.
func rational(t testing.TB, v any) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(fmt.Sprint(v))
	if !ok {
		t.Fatalf("%v is not a number", v)
	}
	return r
}

func asInt(t testing.TB, v any) any {
	t.Helper()
	if isMissing(v) {
		return nil
	}
	r := rational(t, v)
	if !r.IsInt() || !r.Num().IsInt64() {
		t.Fatalf("%v is not an int", v)
	}
	return r.Num().Int64()
}

// asDouble is the nearest double.
func asDouble(t testing.TB, v any) any {
	t.Helper()
	if isMissing(v) {
		return nil
	}
	double, _ := rational(t, v).Float64()
	return double
}

// asDecimal is an exact decimal of a scale.
func asDecimal(t testing.TB, v any, scale int) any {
	t.Helper()
	if isMissing(v) {
		return nil
	}
	r := rational(t, v)
	text := r.FloatString(scale)
	if rational(t, text).Cmp(r) != 0 {
		t.Fatalf("%v has more than %d digits after the point", v, scale)
	}
	return json.Number(text)
}

// dec is a decimal as an offer holds it.
func dec(text string) any { return json.Number(text) }

// rounded is a number rounded to a scale, halves away from zero.
func rounded(r *big.Rat, scale int) any { return json.Number(r.FloatString(scale)) }

func asBool(t testing.TB, v any) any {
	t.Helper()
	switch {
	case isMissing(v):
		return nil
	case v == true || v == "true":
		return true
	case v == false || v == "false":
		return false
	}
	t.Fatalf("%v is not a bool", v)
	return nil
}

func asTime(t testing.TB, v any) any {
	t.Helper()
	if isMissing(v) {
		return nil
	}
	at, err := time.Parse(time.RFC3339, v.(string))
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// decodeJSON reads one JSON value; numbers keep their text.
func decodeJSON(t testing.TB, r io.Reader, into any) {
	t.Helper()
	d := json.NewDecoder(r)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// readLines returns the lines of a file that are not empty.
func readLines(t testing.TB, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
