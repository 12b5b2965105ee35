package workspace

// OfferDigest identifies everything that determines what a snapshot holds, as
// hexadecimal digits: the sources' and the offer's definitions.
func (w *Workspace) OfferDigest() string { return "" }
