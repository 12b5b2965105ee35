package part

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// A Digest is of a set of items: the sum of their XXH3-128 modulo 2^128, so that
// their order is of no account.
type Digest struct{ Low, High uint64 }

// Add adds an item.
func (d *Digest) Add(item []byte) {
	h := xxh3.Hash128(item)
	d.Join(Digest{h.Lo, h.Hi})
}

// Join adds the items of another digest.
func (d *Digest) Join(other Digest) {
	var carry uint64
	d.Low, carry = bits.Add64(d.Low, other.Low, 0)
	d.High, _ = bits.Add64(d.High, other.High, carry)
}

func (d Digest) append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, d.Low), d.High)
}

// String is the digest's bytes in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d.append(nil)) }

// ContentDigest digests a feed: its items in any order, how many they are, and
// the header and footer of its files, which are to be rendered without the time
// of the last change. It is the XXH3-128 of the items' digest, their number in 8
// bytes, and of each header and footer its length in 8 bytes and itself.
func ContentDigest(items Digest, count int64, frames ...[]byte) Digest {
	data := binary.LittleEndian.AppendUint64(items.append(nil), uint64(count))
	for _, f := range frames {
		data = binary.LittleEndian.AppendUint64(data, uint64(len(f)))
		data = append(data, f...)
	}
	h := xxh3.Hash128(data)
	return Digest{h.Lo, h.Hi}
}
