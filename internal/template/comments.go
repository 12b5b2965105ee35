package template

import (
	"regexp"
	"text/template/parse"

	"github.com/feedmill/feedmill/internal/diag"
)

// leadingRules reads the comment with rules, which stands outside of the blocks.
// Rules that stand elsewhere, twice or in another form are mistakes: nobody would
// hold them.
func leadingRules(src *source) ([]rule, diag.List) {
	trees, err := parseTrees(src.text, parse.SkipFuncCheck|parse.ParseComments)
	if err != nil {
		return nil, diag.List{syntaxError(src, err)}
	}
	c := commentReader{src: src}
	for name, tree := range trees {
		if name == "" {
			eachComment(tree.Root, c.outside)
		} else {
			eachComment(tree.Root, c.inside)
		}
	}
	if c.rules == nil {
		return nil, c.found
	}
	rules, mistakes := c.rules.parse()
	return rules, append(c.found, mistakes...)
}

// A commentReader looks for rules in the comments of a template.
type commentReader struct {
	src   *source
	rules *ruleParser // the first that stand outside of the blocks
	found diag.List
}

func (c *commentReader) outside(n *parse.CommentNode) {
	p, ok := newRuleParser(c.src, n)
	at, length, like := likeRules(n)
	switch {
	case ok && c.rules == nil:
		c.rules = p
	case ok:
		first, _ := c.src.place(c.rules.at)
		c.found = append(c.found, c.src.at(p.at, len("rules"), "rules stand twice").
			WithHint("the first ones are in line %d: write all into one comment", first))
	case like:
		c.found = append(c.found, c.src.at(at, length, "rules are not written so").
			WithHint("{{/* rules: {title: {max: 150}, id: {required: true}} */}}, in a comment of their own"))
	}
}

func (c *commentReader) inside(n *parse.CommentNode) {
	if at, length, like := likeRules(n); like {
		c.found = append(c.found, c.src.at(at, length, "rules stand inside of a block, where nothing reads them").
			WithHint("move them to the top of the template"))
	}
}

// rulesLike matches a line of a comment that rules begin with, however they are
// written: a name of any case, and a map in braces or, in lines of their own, keys
// with the values of a rule. "Rules: see below" is prose.
var rulesLike = regexp.MustCompile(`(?i)(?:^|\n)[\s\p{Z}*-]*(["']?rules?["']?)[\s\p{Z}]*[:=]` +
	`(?:[\s\p{Z}]*\{|[ \t]*\n(?s:.*?)\b(?:max[ \t]*:[ \t]*\d|required[ \t]*:[ \t]*(?:true|false)))`)

// likeRules finds the word with which what looks like rules begins.
func likeRules(n *parse.CommentNode) (at, length int, found bool) {
	m := rulesLike.FindStringSubmatchIndex(n.Text[len("/*"):])
	if m == nil {
		return 0, 0, false
	}
	return int(n.Pos) + len("/*") + m[2], m[3] - m[2], true
}

// eachComment calls what is given for the comments below a node, in their order.
func eachComment(n parse.Node, call func(*parse.CommentNode)) {
	switch n := n.(type) {
	case *parse.CommentNode:
		call(n)
	case *parse.ListNode:
		if n == nil { // there is no else
			return
		}
		for _, child := range n.Nodes {
			eachComment(child, call)
		}
	case *parse.IfNode:
		eachComment(n.List, call)
		eachComment(n.ElseList, call)
	case *parse.WithNode:
		eachComment(n.List, call)
		eachComment(n.ElseList, call)
	case *parse.RangeNode:
		eachComment(n.List, call)
		eachComment(n.ElseList, call)
	}
}
