package part

// combine returns the CRC-32 of two pieces of data, strung together, from the
// CRC-32 of each and the length of the second.
//
// Appending n zero bytes to the first multiplies its CRC, as a polynomial over
// GF(2), by x^(8n) modulo the CRC's polynomial; the CRC of the whole is that
// product plus the CRC of the second. Mark Adler's zlib does the same
// (crc32_combine).
func combine(first, second uint32, n int64) uint32 {
	return multiply(power(8*uint64(n)), first) ^ second
}

// polynomial is that of RFC 1952, bit-reversed: bit 31 is the constant term.
const polynomial = 0xEDB88320

const one = 1 << 31

// multiply multiplies two polynomials modulo the CRC's.
func multiply(a, b uint32) uint32 {
	var product uint32
	for bit := uint32(one); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		b = timesX(b)
	}
	return product
}

func timesX(p uint32) uint32 {
	if p&1 != 0 {
		return p>>1 ^ polynomial
	}
	return p >> 1
}

// power returns x^n modulo the CRC's polynomial.
func power(n uint64) uint32 {
	result, square := uint32(one), uint32(one>>1)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			result = multiply(result, square)
		}
		square = multiply(square, square)
	}
	return result
}
