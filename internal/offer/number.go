package offer

// A Number is an exact decimal number, such as -12.50, that neither an int64 nor
// a float64 holds without loss: a decimal of a Parquet source or an integer of
// more than 64 bits. Its text has an optional sign, digits and at most one point
// between digits. Expressions see the nearest double.
type Number string
