package template

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// selectPath follows names from a value; selecting through null, or a name that
// is not there, gives null.
func selectPath(v any, names ...string) any {
	for _, name := range names {
		switch s := v.(type) {
		case record:
			v = s.member(name)
		case member:
			v = s.member(name)
		case map[string]any:
			v = s[name]
		default:
			return nil
		}
	}
	return v
}

// index picks an element of a list by number or an entry of a map by key, and so
// on into what it picked; what is not there is null.
func index(v any, keys ...any) any {
	for _, key := range keys {
		switch k := plain(key).(type) {
		case int64:
			list, _ := v.([]any)
			if k < 0 || k >= int64(len(list)) {
				return nil
			}
			v = list[k]
		case string:
			v = selectPath(v, k)
		default:
			return nil
		}
	}
	return v
}

// length counts the elements of a list or map, or the code points of a text.
func length(v any) int64 {
	switch v := v.(type) {
	case nil:
		return 0
	case []any:
		return int64(len(v))
	case map[string]any:
		return int64(len(v))
	default:
		return int64(utf8.RuneCountInString(text(v)))
	}
}

// elements is what range goes over.
func elements(v any) any {
	switch v := v.(type) {
	case []any, map[string]any:
		return v
	default:
		return []any(nil)
	}
}

// money is an amount with two digits and its currency; without either, null.
func money(amount, currency any) any {
	number, ok := fixed(amount)
	code := text(currency)
	if !ok || code == "" {
		return nil
	}
	return number + " " + code
}

// joined is the texts of a list's values, without nulls, with a separator
// between them; null for null.
func joined(list, separator any) any {
	values, ok := list.([]any)
	if !ok {
		return list
	}
	return join(values, text(separator))
}

func join(values []any, separator string) string {
	texts := make([]string, 0, len(values))
	for _, v := range values {
		if v != nil {
			texts = append(texts, text(v))
		}
	}
	return strings.Join(texts, separator)
}

// truncate is the first n code points of a text.
func truncate(n, v any) any {
	count, ok := plain(n).(int64)
	if v == nil || !ok {
		return v
	}
	s := text(v)
	for at := range s {
		if count <= 0 {
			return s[:at]
		}
		count--
	}
	return s
}

func strip(v any) any {
	if v == nil {
		return nil
	}
	return stripHTML(text(v))
}

// fallback is v unless that is null or empty.
func fallback(instead, v any) any {
	if empty(v) {
		return instead
	}
	return v
}

// empty reports whether a value is null, an empty text or an empty list or map.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	default:
		return false
	}
}

// date formats a timestamp or date by a layout of Go's time package.
func date(layout, v any) any {
	at, ok := instant(v)
	if !ok {
		return nil
	}
	return at.Format(text(layout))
}

// enum translates v by pairs of from and to; what none fits stays.
func enum(v any, pairs ...any) any {
	if v == nil {
		return nil
	}
	from := text(v)
	for pair := range slices.Chunk(pairs, 2) {
		if len(pair) == 2 && pair[0] != nil && text(pair[0]) == from {
			return pair[1]
		}
	}
	return from
}

// onText makes a function of texts one of values, null for null.
func onText(f func(string) string) func(any) any {
	return func(v any) any {
		if v == nil {
			return nil
		}
		return f(text(v))
	}
}

// eachRune applies f to each code point and leaves bytes that are none, which
// are dropped and counted where the text is printed.
func eachRune(f func(string) string) func(string) string {
	return func(s string) string {
		if utf8.ValidString(s) {
			return f(s)
		}
		var b strings.Builder
		for s != "" {
			r, size := utf8.DecodeRuneInString(s)
			if r == utf8.RuneError && size == 1 {
				b.WriteByte(s[0])
			} else {
				b.WriteString(f(s[:size]))
			}
			s = s[size:]
		}
		return b.String()
	}
}

// functions is every function that a rewritten template calls, but for those
// that a renderer binds to itself.
func functions() map[string]any {
	return map[string]any{
		"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge,
		"index": index, "len": length, "printf": printf,
		"money": money, "join": joined, "truncate": truncate, "striphtml": strip, "default": fallback,
		"date": date, "enum": enum,
		"lower": onText(eachRune(strings.ToLower)), "upper": onText(eachRune(strings.ToUpper)), "urlquery": onText(url.QueryEscape),
		selectFunction: selectPath, rangeFunction: elements,
	}
}
