package source

import (
	"slices"
	"strings"
)

// A node is a field that a source's expressions read, or one on the way to it.
type node struct {
	name     string
	path     string // as users write it: row.brand.en
	parent   *node
	children []*node
	id       int  // in preorder: a node's descendants follow it
	end      int  // the id after its last descendant
	whole    bool // its own value is read, not only what stands below
	inCEL    bool // an expression evaluated row by row reads it
	byRow    bool // it is read row by row, also in a format that has columns
}

// A tree is the fields read of one variable, row or item.
type tree struct {
	root  *node
	nodes []*node // by id
}

func newTree(variable string) *tree {
	return &tree{root: &node{name: variable, path: variable}}
}

// add returns the node at the end of a chain of names below the root.
func (t *tree) add(names []string) *node {
	n := t.root
	for _, name := range names {
		n = n.child(name)
	}
	n.whole = true
	return n
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name, path: pathOf(n.path, name), parent: n}
	n.children = append(n.children, c)
	return c
}

// pathOf writes a field as users do.
func pathOf(parent, name string) string {
	if isIdentifier(name) {
		return parent + "." + name
	}
	return parent + "[" + quote(name) + "]"
}

func quote(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

func isIdentifier(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// isBelow reports whether a chain of names, variable first, leads to n or to
// something above it.
func (n *node) isBelow(chain []string) bool {
	var names []string
	for ; n != nil; n = n.parent {
		names = append(names, n.name)
	}
	slices.Reverse(names)
	return len(names) >= len(chain) && slices.Equal(chain, names[:len(chain)])
}

// number gives the nodes their ids, once all are there.
func (t *tree) number() {
	t.nodes = nil
	t.visit(t.root)
}

func (t *tree) visit(n *node) {
	n.id = len(t.nodes)
	t.nodes = append(t.nodes, n)
	for _, c := range n.children {
		t.visit(c)
	}
	n.end = len(t.nodes)
}

// find returns the child of a name, looking from a guess on: fields come in the
// same order in row after row.
func (n *node) find(name []byte, guess int) int {
	for i := guess; i < len(n.children); i++ {
		if n.children[i].name == string(name) {
			return i
		}
	}
	for i := range min(guess, len(n.children)) {
		if n.children[i].name == string(name) {
			return i
		}
	}
	return -1
}

// markCEL notes that an expression evaluated row by row reads n.
func (n *node) markCEL() {
	for at := n; at != nil; at = at.parent {
		at.inCEL = true
	}
	n.markByRow()
}

func (n *node) markByRow() {
	for ; n != nil; n = n.parent {
		n.byRow = true
	}
}

// sortedPaths returns the paths of the nodes that a set of ids holds.
func (t *tree) sortedPaths(set []bool) []string {
	var out []string
	for i, in := range set {
		if in {
			out = append(out, t.nodes[i].path)
		}
	}
	slices.Sort(out)
	return out
}
