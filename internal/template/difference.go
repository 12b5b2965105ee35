package template

// Text returns the template as it was written.
func (t *Template) Text() string { return t.src.text }

// Differences returns in which of "rules", "header", "item" and "footer" two
// templates differ, in that order; comments and the layout of actions do not count.
func (t *Template) Differences(other *Template) []string {
	var out []string
	if t.digestOf(nil) != other.digestOf(nil) {
		out = append(out, "rules")
	}
	for _, block := range []string{headerBlock, itemBlock, footerBlock} {
		if t.blockDigest(block) != other.blockDigest(block) {
			out = append(out, block)
		}
	}
	return out
}

// blockDigest digests one of the three blocks, with all that it uses.
func (t *Template) blockDigest(block string) string {
	if block == itemBlock {
		return t.withoutRules().digestOf(t.item.blocks)
	}
	used, _ := checkBlock(t.src, t.trees, block, frameType())
	return t.withoutRules().digestOf(used.blocks)
}

// withoutRules is the template as far as digests see it, but for the rules.
func (t *Template) withoutRules() *Template { return &Template{trees: t.trees} }
