package serve

import (
	"strconv"
	"strings"
)

// acceptsGzip reports whether an Accept-Encoding header (RFC 9110, 12.5.3) takes
// gzip, and not less than the plain form. Without the header it does not.
func acceptsGzip(header string) bool {
	weights := map[string]float64{}
	for _, part := range strings.Split(header, ",") {
		coding, parameter, _ := strings.Cut(part, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding == "" {
			continue
		}
		if coding == "x-gzip" {
			coding = "gzip"
		}
		weights[coding] = weight(parameter)
	}
	gzip, named := weights["gzip"]
	if !named {
		gzip = weights["*"]
	}
	return gzip > 0 && gzip >= weights["identity"]
}

// weight reads a q parameter; what is none counts as 1, and nonsense as 0.
func weight(parameter string) float64 {
	name, value, found := strings.Cut(strings.TrimSpace(parameter), "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return q
}
