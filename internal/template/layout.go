package template

import (
	"text/template/parse"

	"github.com/feedmill/feedmill/internal/diag"
)

// A layout is what the XML around the actions of a template says about them.
type layout struct {
	contexts map[place]context // of the actions that print
	entries  map[place]context // of the blocks that template actions call
	elements map[string]bool   // names of the elements of the item
	parents  map[string]bool   // those of them with elements inside
	tags     map[parse.Node][]tagPlace
	torn     bool // an end tag of the item stands in more than one text: tags are not all
}

// A place is a node of a block that was entered in a context.
type place struct {
	node  parse.Node
	entry context
}

// survey reads the three blocks as the one document that they make.
func survey(src *source, trees map[string]*parse.Tree) (layout, diag.List) {
	s := &surveyor{src: src, trees: trees, walked: map[string]bool{}}
	s.contexts, s.entries = map[place]context{}, map[place]context{}
	s.elements, s.parents, s.tags = map[string]bool{}, map[string]bool{}, map[parse.Node][]tagPlace{}
	inside := s.header()
	s.middle(inside)
	if !inside.loose {
		s.footer(inside)
	}
	return s.layout, s.found
}

// header returns the state between header and item.
func (s *surveyor) header() markup {
	root := s.trees[headerBlock].Root
	end := s.list(root, markup{})
	switch {
	case s.failed:
	case end.mode != inContent:
		s.fail(s.src.at(s.at, 1, "the header ends %s", end.where()))
	case len(end.open) == 0:
		s.fail(s.src.at(int(root.Pos), 1, "the header begins no element").WithHint("it begins the root element, the footer ends it"))
	}
	if s.failed {
		return markup{open: []element{{}}, loose: true}
	}
	return end
}

func (s *surveyor) middle(inside markup) {
	s.failed, s.item = false, true
	inside.floor, inside.tail, inside.begun = len(inside.open), 0, false
	s.balanced(s.list(s.trees[itemBlock].Root, inside), inside, "the item")
	s.item = false
}

func (s *surveyor) footer(inside markup) {
	s.failed = false
	inside.tail, inside.begun = 0, false
	s.balanced(s.list(s.trees[footerBlock].Root, inside), markup{}, "the footer")
}

// balanced checks that a block leaves open what it should, which is what begin
// has open.
func (s *surveyor) balanced(end, begin markup, block string) {
	switch {
	case s.failed:
	case end.mode != begin.mode || end.quote != begin.quote || end.tag != begin.tag || end.attrs != begin.attrs:
		s.fail(s.src.at(s.at, 1, "%s ends %s", block, end.where()))
	case len(end.open) > len(begin.open):
		e := end.open[len(begin.open)]
		s.fail(s.src.at(e.at, 1, "%s does not end <%s>", block, e.name))
	}
}
