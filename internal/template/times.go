package template

import (
	"regexp"
	"text/template/parse"
	"time"

	"github.com/feedmill/feedmill/internal/offer"
)

// LayoutHint says how a layout of times is written.
const LayoutHint = `write how 2 January 2006, 15:04:05 would look, such as "2006-01-02 15:04:05" or "02.01.2006"`

// foreignPart is a part of a date as other languages write it.
var foreignPart = regexp.MustCompile(`(?:^|[^A-Za-z]|T)(%-?[A-Za-z]|[yY]{2,4}|MM|mm|dd|DD|HH|hh|ss|SS)(?:$|[^A-Za-z])`)

// LayoutMistake returns what is wrong with a layout of times, or "".
func LayoutMistake(layout string) string {
	sample := time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC)
	if sample.Format(layout) == time.Date(2017, 11, 28, 23, 58, 59, 0, time.UTC).Format(layout) {
		return "has no part of a date or time in it"
	}
	if found := foreignPart.FindStringSubmatch(layout); found != nil {
		return "has " + found[1] + " in it, which is no part of a date or time"
	}
	return ""
}

// dating checks a layout that stands in the template.
func dating(c *checker, _ parse.Node, args []argument) shape {
	if layout, constant := args[0].constant.(string); constant {
		if why := LayoutMistake(layout); why != "" {
			c.add(c.src.node(args[0].node, "the layout of the date %s", why).WithHint("%s", LayoutHint))
		}
	}
	return kind(offer.String)
}
