package source

import "bytes"

// A walker takes the fields that a tree names out of valid JSON. It trusts the
// text: whoever calls it has checked the syntax.
type walker struct {
	tree    *tree
	cells   []cell // by node id
	seen    *sighting
	scratch []byte
}

// walk fills the cells from one value.
func (w *walker) walk(value []byte) error {
	clear(w.cells)
	return w.visit(w.tree.root, value)
}

func (w *walker) visit(n *node, value []byte) error {
	c := &w.cells[n.id]
	*c = rawCell(value)
	if value[0] != '{' {
		return nil
	}
	w.seen.object(n)
	if !n.whole {
		*c = cell{kind: open}
	}
	if len(n.children) == 0 {
		return nil
	}
	return w.members(n, value)
}

// fill fills the cells from a plain value.
func (w *walker) fill(v any) {
	clear(w.cells)
	w.fillNode(w.tree.root, v)
}

func (w *walker) fillNode(n *node, v any) {
	w.cells[n.id] = plainCell(v)
	members, ok := v.(map[string]any)
	if !ok {
		return
	}
	w.seen.object(n)
	if !n.whole {
		w.cells[n.id] = cell{kind: open}
	}
	for _, c := range n.children {
		if member, ok := members[c.name]; ok {
			w.seen.present[c.id] = true
			w.fillNode(c, member)
		}
	}
}

func (w *walker) members(n *node, object []byte) error {
	guess := 0
	for at := nextToken(object, 1); object[at] != '}'; {
		end := stringEnd(object, at)
		name, err := w.memberName(object[at:end])
		if err != nil {
			return err
		}
		from := nextToken(object, nextToken(object, end)+1)
		to := valueEnd(object, from)
		if i := n.find(name, guess); i >= 0 {
			guess = i + 1
			if err := w.member(n.children[i], object[from:to]); err != nil {
				return err
			}
		}
		at = nextToken(object, to)
		if object[at] == ',' {
			at = nextToken(object, at+1)
		}
	}
	return nil
}

// member fills the cells of a child. Of repeated names the last counts.
func (w *walker) member(n *node, value []byte) error {
	if w.cells[n.id].kind != absent {
		clear(w.cells[n.id:n.end])
	}
	w.seen.present[n.id] = true
	return w.visit(n, value)
}

func (w *walker) memberName(quoted []byte) ([]byte, error) {
	content := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(content, '\\') < 0 {
		return content, nil
	}
	var err error
	w.scratch, err = unescape(w.scratch[:0], content)
	return w.scratch, err
}

// nextToken returns the offset of the first byte that is not space.
func nextToken(value []byte, at int) int {
	for value[at] <= ' ' {
		at++
	}
	return at
}

// stringEnd returns the offset after the string that begins at an offset.
func stringEnd(value []byte, at int) int {
	for from := at + 1; ; {
		quote := from + bytes.IndexByte(value[from:], '"')
		slashes := 0
		for value[quote-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return quote + 1
		}
		from = quote + 1
	}
}

// valueEnd returns the offset after the value that begins at an offset.
func valueEnd(value []byte, at int) int {
	switch value[at] {
	case '"':
		return stringEnd(value, at)
	case '{', '[':
		return nestedEnd(value, at)
	default:
		for at < len(value) && !endsScalar(value[at]) {
			at++
		}
		return at
	}
}

func endsScalar(c byte) bool { return c <= ' ' || c == ',' || c == '}' || c == ']' }

func nestedEnd(value []byte, at int) int {
	for depth := 0; ; at++ {
		switch value[at] {
		case '"':
			at = stringEnd(value, at) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return at + 1
			}
		}
	}
}

// elements calls yield with each element of a JSON array.
func elements(array []byte, yield func(value []byte) error) error {
	for at := nextToken(array, 1); array[at] != ']'; {
		end := valueEnd(array, at)
		if err := yield(array[at:end]); err != nil {
			return err
		}
		at = nextToken(array, end)
		if array[at] == ',' {
			at = nextToken(array, at+1)
		}
	}
	return nil
}
