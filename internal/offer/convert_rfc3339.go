package offer

import "time"

// parseRFC3339 reads an RFC 3339 time, whose zone, seconds and time may be
// missing, and whose T may be a space or small.
func parseRFC3339(text []byte, zone *time.Location) (time.Time, bool) {
	p := clockReader{rest: text, ok: true}
	year, month, day := p.number(4, 9999), p.after('-', 12), p.after('-', 31)
	var hour, minute, second, nanos int
	if p.ok && len(p.rest) > 0 {
		p.separator()
		hour, minute = p.number(2, 23), p.after(':', 59)
		if p.next(':') {
			second = p.after(':', 59)
			nanos = p.fraction()
		}
		zone = p.zone(zone)
	}
	if !p.ok || len(p.rest) > 0 || month < 1 || day < 1 || day > daysIn(month, year) {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanos, zone), true
}

// ParseTime reads an RFC 3339 time, whose zone, seconds and time may be missing;
// without a zone it is UTC.
func ParseTime(text string) (time.Time, bool) { return parseRFC3339([]byte(text), time.UTC) }

func daysIn(month, year int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

type clockReader struct {
	rest []byte
	ok   bool
}

func (p *clockReader) next(c byte) bool { return len(p.rest) > 0 && p.rest[0] == c }

// number reads exactly width digits.
func (p *clockReader) number(width, most int) int {
	if len(p.rest) < width {
		p.ok = false
		return 0
	}
	v := 0
	for _, c := range p.rest[:width] {
		p.ok = p.ok && c-'0' <= 9
		v = v*10 + int(c-'0')
	}
	p.rest = p.rest[width:]
	p.ok = p.ok && v <= most
	return v
}

// after reads a character and two digits.
func (p *clockReader) after(c byte, most int) int {
	if !p.next(c) {
		p.ok = false
		return 0
	}
	p.rest = p.rest[1:]
	return p.number(2, most)
}

func (p *clockReader) separator() {
	p.ok = p.ok && (p.next('T') || p.next('t') || p.next(' '))
	p.rest = p.rest[1:]
}

func (p *clockReader) fraction() int {
	if !p.next('.') && !p.next(',') {
		return 0
	}
	digits, rest := leadingDigits(p.rest[1:])
	p.rest = rest
	p.ok = p.ok && len(digits) > 0
	nanos, unit := 0, 100_000_000
	for _, c := range digits {
		nanos += int(c-'0') * unit
		unit /= 10
	}
	return nanos
}

// zone reads Z, +hh:mm, +hhmm or nothing, which is the given zone.
func (p *clockReader) zone(missing *time.Location) *time.Location {
	if len(p.rest) == 0 || !p.ok {
		return missing
	}
	sign := 1
	switch p.rest[0] {
	case 'Z', 'z':
		p.rest = p.rest[1:]
		return time.UTC
	case '-':
		sign = -1
	case '+':
	default:
		p.ok = false
		return missing
	}
	p.rest = p.rest[1:]
	hours := p.number(2, 23)
	if p.next(':') {
		p.rest = p.rest[1:]
	}
	minutes := p.number(2, 59)
	return time.FixedZone("", sign*(hours*3600+minutes*60))
}
