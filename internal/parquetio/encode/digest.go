package encode

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/zeebo/xxh3"
)

// digestLength is the length of a digest in hexadecimal.
const digestLength = 16

// footerValue is what stands before the footer's digest: its key, then the head
// of the value.
const footerValue = FooterEntry + "\x18\x10"

// CheckFooter checks a footer, without the length and magic after it, against
// its digest. A footer that has none, or that another program made, copying the
// entries of one of ours, is not protected.
func CheckFooter(footer []byte) (protected bool, err error) {
	at := bytes.LastIndex(footer, []byte(footerValue))
	if at < 0 || !bytes.Contains(footer[at:], []byte(createdBy)) {
		return false, nil
	}
	at += len(footerValue)
	if at+digestLength > len(footer) {
		return false, errors.New("the footer's digest is cut off")
	}
	plain := bytes.Clone(footer)
	copy(plain[at:], fmt.Sprintf("%016x", 0))
	if want := fmt.Sprintf("%016x", xxh3.Hash(plain)); want != string(footer[at:at+digestLength]) {
		return false, errors.New("the footer does not have its digest")
	}
	return true, nil
}

// ParseDigests reads the value of ChunksEntry.
func ParseDigests(text string) ([]uint64, error) {
	if len(text)%digestLength != 0 {
		return nil, fmt.Errorf("%s has %d digits", ChunksEntry, len(text))
	}
	digests := make([]uint64, len(text)/digestLength)
	for i := range digests {
		digest, err := strconv.ParseUint(text[digestLength*i:digestLength*(i+1)], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ChunksEntry, err)
		}
		digests[i] = digest
	}
	return digests, nil
}

// CheckChunk checks the bytes of a column chunk against its digest.
func CheckChunk(data []byte, digest uint64) error {
	if xxh3.Hash(data) != digest {
		return errors.New("it does not have its digest")
	}
	return nil
}
