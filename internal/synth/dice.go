package synth

import "math/bits"

// A topic keeps the random numbers of different questions apart.
type topic uint64

const (
	aboutLife topic = iota + 1
	aboutOffer
	aboutProduct
	aboutTitle
	aboutDescription
	aboutPrice
	aboutStock
	aboutSeller
	aboutRating
	aboutCampaign
	aboutTraffic
	aboutBrand
)

// A dice is a stream of random numbers that depends on what it was made for
// alone (SplitMix64). Only integers come out of it: floating point functions
// differ in their last bit between processors.
type dice uint64

// dice returns the stream for the i-th thing of a topic at its n-th revision.
func (m *Market) dice(about topic, i, n int) dice {
	h := fold(m.seed^uint64(about)*0xa0761d6478bd642f, uint64(i)^0xe7037ed1a0b428db)
	return dice(fold(h, uint64(n)^0x8ebc6af09c88c6e3))
}

// fold mixes two words into one (the multiplication of wyhash).
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x2d358dccaa6c78a5, b^0x8bb84b93962eacc9)
	return hi ^ lo
}

func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1.
func (d *dice) below(n int) int {
	hi, _ := bits.Mul64(d.next(), uint64(n))
	return int(hi)
}

// between returns a number from low to high.
func (d *dice) between(low, high int) int { return low + d.below(high-low+1) }

// skewed returns a number from low to high of which small ones are far more
// frequent, as the cube of a uniform one.
func (d *dice) skewed(low, high int) int {
	u := d.next() >> 43 // 21 bits: the cube fits 63
	hi, _ := bits.Mul64(u*u*u<<1, uint64(high-low+1))
	return low + int(hi)
}

// share reports true in so many of 1,000 cases.
func (d *dice) share(perMille int) bool { return d.below(1000) < perMille }

// pick returns the index of a weight, in proportion to the weights.
func (d *dice) pick(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	at := d.below(sum)
	for i, w := range weights {
		if at < w {
			return i
		}
		at -= w
	}
	panic("synth: weights without a sum")
}
